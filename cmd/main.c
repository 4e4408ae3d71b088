/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/opt.h"
#include "cmd/signal.h"
#include "lib/text.h"

#define EXIT_BROKEN_PIPE 141

const struct mun_cmd *const mun_cmds[] = {
	&mun_cmd_plan,
	&mun_cmd_archive,
	&mun_cmd_restore,
	&mun_cmd_run,
	&mun_cmd_resume,
	&mun_cmd_resolve,
	&mun_cmd_cancel,
	&mun_cmd_status,
	&mun_cmd_items,
	&mun_cmd_history,
	&mun_cmd_show,
	&mun_cmd_log,
	&mun_cmd_verify,
	&mun_cmd_export,
	&mun_cmd_prove,
	&mun_cmd_checkpoint,
	&mun_cmd_cosign,
	&mun_cmd_token,
	&mun_cmd_journal,
	&mun_cmd_doctor,
	&mun_cmd_help,
	&mun_cmd_version,
	NULL,
};

/* A closed descriptor 0 to 2 would become the journal's, and messages would go into it. */
static bool open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return false;
	return true;
}

static void harden(void)
{
	const struct rlimit no_core = { 0, 0 };

	/* Else each large block that is freed raises the size up to which blocks are kept. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
	(void)umask(077);
	(void)setrlimit(RLIMIT_CORE, &no_core);
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces the process */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	/* Session keys of TLS are secrets too; libcurl's library would write them there. */
	(void)unsetenv("SSLKEYLOGFILE");
	(void)setlocale(LC_CTYPE, "");
}

/* Queries die of a signal as any program does; what asks or sends must drain. */
static void take_signals(const struct mun_cmd *cmd)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (cmd->effect != MUN_READS_JOURNAL)
		mun_signal_install();
}

/* What a command set before it failed to print stays: only success becomes 1. */
static int report(struct mun_app *app, enum mun_code code, int status, const struct mun_err *err)
{
	bool query = app->cmd && app->cmd->effect == MUN_READS_JOURNAL;
	bool unwritten = code == MUN_E_IO && ferror(stdout);
	size_t ignored;

	if (unwritten && query && mun_app_reader_gone())
		return EXIT_BROKEN_PIPE;
	if (!unwritten || !app->output_said) {
		mun_say(app, "muniment: %s", err->text);
		if (mun_text_token(err->text, strlen(err->text), &ignored))
			mun_say(app, "hint: %s", MUN_OPT_REVOKE);
	}
	app->output_said = unwritten;
	return status != 0 ? status : mun_app_exit(code);
}

/* The status after stdout has been flushed: what was not written is not done. */
static int flush_output(struct mun_app *app, int status)
{
	bool failed = ferror(stdout) != 0;
	int errnum;

	errno = 0;
	if (fflush(stdout) != 0)
		failed = true;
	errnum = errno;
	if (!failed || status == EXIT_BROKEN_PIPE)
		return status;
	if (app->cmd && app->cmd->effect == MUN_READS_JOURNAL && mun_app_reader_gone())
		return EXIT_BROKEN_PIPE;
	if (!app->output_said)
		mun_say(app, "muniment: the output cannot be written%s%s", errnum ? ": " : "",
		        errnum ? strerror(errnum) : "");
	/* A run whose reader left is a success; one whose output met a full disk is not. */
	if (status == 0 && !(app->output_said && mun_app_reader_gone()))
		status = 1;
	return status;
}

/* A command whose usage names no argument takes none: a run id there is no filter. */
static enum mun_code no_stray_words(const struct mun_app *app, struct mun_err *err)
{
	const char *usage = app->cmd->args;
	enum mun_code code;

	if (app->args.args_len == 0 || (usage[0] != '\0' && strcmp(usage, "[filters]") != 0))
		return MUN_OK;
	code = mun_fail(err, MUN_E_USAGE, "%s takes options only, not %s", app->cmd->name,
	                mun_opt_printable(app->args.args[0]));
	mun_hint(err, usage[0] != '\0' ? "muniment %s --run ID" : "muniment %s --help",
	         app->cmd->name);
	return code;
}

static enum mun_code run_command(struct mun_app *app, char **argv, size_t argv_len, int *ret_exit,
                                 struct mun_err *err)
{
	enum mun_code code = mun_opt_parse(&app->args, app->cmd, argv, argv_len, err);

	if (code == MUN_OK && app->args.help) {
		mun_help_command(stdout, app->cmd);
		return MUN_OK;
	}
	if (code == MUN_OK)
		code = no_stray_words(app, err);
	if (code == MUN_OK)
		code = mun_opt_environment(&app->args, app->cmd, err);
	if (code == MUN_OK)
		code = mun_opt_no_token(&app->args, app->cmd, err);
	if (code == MUN_OK)
		code = mun_app_settle(app, err);
	if (code == MUN_OK)
		code = mun_crypto_init(err);
	return code == MUN_OK ? app->cmd->run(app, ret_exit, err) : code;
}

static enum mun_code unknown_command(const char *name, struct mun_err *err)
{
	const struct mun_cmd *near = mun_cmd_near(name);
	enum mun_code code;

	if (name[0] == '-')
		code = mun_fail(err, MUN_E_USAGE, "the command comes first, then its options");
	else
		code = mun_fail(err, MUN_E_USAGE, "unknown command %s", mun_opt_printable(name));
	if (near)
		mun_hint(err, "did you mean muniment %s?", near->name);
	else
		mun_hint(err, "muniment help");
	return code;
}

static const struct mun_cmd *command_of(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return &mun_cmd_help;
	return strcmp(word, "--version") == 0 ? &mun_cmd_version : mun_cmd_find(word);
}

int main(int argc, char **argv)
{
	static struct mun_app app;
	struct mun_err err = { 0 };
	enum mun_code code;
	int status = 0;

	if (!open_standard())
		return 1;
	harden();
	mun_app_init(&app, argc > 1 ? command_of(argv[1]) : NULL);
	if (argc < 2) {
		mun_help_all(stderr);
		return mun_app_exit(MUN_E_USAGE);
	}
	if (app.cmd) {
		take_signals(app.cmd);
		code = run_command(&app, argv + 2, (size_t)argc - 2, &status, &err);
	} else {
		code = unknown_command(argv[1], &err);
	}
	if (code != MUN_OK)
		status = report(&app, code, status, &err);
	status = flush_output(&app, status);
	mun_app_done(&app);
	if (status != mun_app_exit(MUN_E_JOURNAL))
		mun_signal_reraise(); /* does nothing when no signal came */
	return status;
}
