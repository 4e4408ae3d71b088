/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/app.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/holder.h"
#include "cmd/opt.h"
#include "journal/mark.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/text.h"

#define SAY_MAX      (8u * 1024 * 1024)
#define OPERATOR_MAX 200 /* bytes */
#define LABEL_MAX    500

void mun_app_init(struct mun_app *app, const struct mun_cmd *cmd)
{
	memset(app, 0, sizeof *app);
	app->cmd = cmd;
	app->clock = mun_clock_system();
	app->stdin_tty = isatty(STDIN_FILENO) == 1;
	app->stdout_tty = isatty(STDOUT_FILENO) == 1;
	app->stderr_tty = isatty(STDERR_FILENO) == 1;
	app->version = MUN_VERSION;
}

void mun_app_done(struct mun_app *app)
{
	mun_secret_done(&app->live);
}

/* "" when there is no place: neither option nor an absolute XDG_DATA_HOME nor HOME. */
static enum mun_code place(char *ret, size_t ret_size, const char *given, const char *leaf,
                           struct mun_err *err)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	int len = 0;

	ret[0] = '\0';
	if (given && !*given)
		return mun_fail(err, MUN_E_USAGE, "--%s is empty", leaf);
	if (given)
		len = snprintf(ret, ret_size, "%s", given);
	else if (data && data[0] == '/')
		len = snprintf(ret, ret_size, "%s/muniment/%s", data, leaf);
	else if (home && home[0] == '/')
		len = snprintf(ret, ret_size, "%s/.local/share/muniment/%s", home, leaf);
	if (len < 0 || (size_t)len >= ret_size)
		return mun_fail(err, MUN_E_USAGE, "the path of the %s is longer than %zu bytes",
		                leaf, ret_size - 1);
	return MUN_OK;
}

/* Where the high-water marks of journals are; "": nowhere, and none are kept. */
static void settle_state(struct mun_app *app)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	size_t size = sizeof app->state_dir;
	int len = 0;

	if (state && state[0] == '/')
		len = snprintf(app->state_dir, size, "%s/muniment", state);
	else if (home && home[0] == '/')
		len = snprintf(app->state_dir, size, "%s/.local/state/muniment", home);
	if (len <= 0 || (size_t)len >= size)
		app->state_dir[0] = '\0';
}

static enum mun_code settle_zone(const char *zone, struct mun_err *err)
{
	char path[512];

	if (!zone || strcmp(zone, "local") == 0)
		return MUN_OK;
	(void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
	if (strcmp(zone, "UTC") != 0 &&
	    (zone[0] == '/' || zone[0] == ':' || strstr(zone, "..") || access(path, R_OK) != 0))
		return mun_fail(err, MUN_E_USAGE, "--tz: there is no time zone of that name");
	if (setenv("TZ", zone, 1) != 0)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the time zone");
	tzset();
	return MUN_OK;
}

static enum mun_code settle_output(struct mun_app *app, struct mun_err *err)
{
	static const char *const names[] = { "table", "json", "jsonl", "csv", "ids" };
	const char *name = app->args.json ? "json" : app->args.output;
	unsigned outputs = app->cmd->outputs ? app->cmd->outputs : 1u << MUN_OUT_TABLE;

	if (app->args.json && app->args.output && strcmp(app->args.output, "json") != 0)
		return mun_fail(err, MUN_E_USAGE, "--json and -o %s contradict each other",
		                mun_opt_printable(app->args.output));
	if (!name)
		return MUN_OK;
	if (strcmp(name, "ndjson") == 0)
		name = "jsonl";
	for (unsigned i = 0; i < MUN_ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0 && (outputs & 1u << i)) {
			app->output = (enum mun_output)i;
			return MUN_OK;
		}
	return mun_fail(err, MUN_E_USAGE, "%s has no output %s", app->cmd->name,
	                mun_opt_printable(name));
}

static enum mun_code one_of(const char *option, const char *value, const char *words,
                            struct mun_err *err)
{
	char pattern[64];

	if (!value)
		return MUN_OK;
	(void)snprintf(pattern, sizeof pattern, "|%s|", value);
	if (!strchr(value, '|') && strstr(words, pattern))
		return MUN_OK;
	return mun_fail(err, MUN_E_USAGE, "--%s is one of %.*s", option, (int)strlen(words) - 2,
	                words + 1);
}

/* Words that are recorded as they are: one line of text, bounded so that an entry holds them. */
static enum mun_code check_words(const char *option, const char *text, size_t max,
                                 struct mun_err *err)
{
	size_t len = text ? strlen(text) : 0;

	if (len > max)
		return mun_fail(err, MUN_E_USAGE, "--%s has %zu bytes, the limit is %zu", option,
		                len, max);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return mun_fail(err, MUN_E_USAGE, "--%s holds a control character", option);
	if (text && mun_utf8_bad(text, len) != len)
		return mun_fail(err, MUN_E_USAGE, "--%s is not valid UTF-8", option);
	return MUN_OK;
}

static enum mun_code settle_words(const struct mun_args *a, struct mun_err *err)
{
	enum mun_code code = check_words("operator", a->operator_, OPERATOR_MAX, err);

	for (size_t i = 0; code == MUN_OK && i < a->label.len; i++)
		code = check_words("label", a->label.at[i], LABEL_MAX, err);
	return code;
}

enum mun_code mun_app_settle(struct mun_app *app, struct mun_err *err)
{
	enum mun_code code = settle_output(app, err);

	if (code == MUN_OK)
		code = settle_words(&app->args, err);

	if (code == MUN_OK)
		code = one_of("color", app->args.color, "|auto|always|never|", err);
	if (code == MUN_OK)
		code = one_of("progress", app->args.progress, "|auto|tty|plain|json|none|", err);
	if (code == MUN_OK)
		code = settle_zone(app->args.tz, err);
	if (code == MUN_OK)
		code = place(app->journal_dir, sizeof app->journal_dir, app->args.journal,
		             "journal", err);
	if (code == MUN_OK)
		code = place(app->vault_dir, sizeof app->vault_dir, app->args.vault, "vault", err);
	settle_state(app);
	return code;
}

enum mun_code mun_app_hide(struct mun_app *app, const struct mun_secret *token, struct mun_err *err)
{
	struct mun_secret copy;
	enum mun_code code = mun_secret_new(&copy, token->len, err);

	if (code != MUN_OK)
		return code;
	memcpy(copy.data, token->data, token->len);
	mun_secret_done(&app->live);
	app->live = copy;
	return MUN_OK;
}

/* A token in the place of an id or a name comes back in messages; [token] stands there instead. */
static void blot_tokens(struct mun_buf *text)
{
	static const char mark[] = "[token]";
	size_t len, from = 0;
	const char *found;

	while ((found = mun_text_token(text->data + from, text->len - from, &len)) != NULL) {
		size_t at = (size_t)(found - text->data);
		char *behind = text->data + at + strlen(mark);

		memcpy(text->data + at, mark, strlen(mark));
		memmove(behind, found + len, text->len - at - len + 1);
		text->len -= len - strlen(mark);
		from = at + strlen(mark);
	}
}

void mun_say(struct mun_app *app, const char *fmt, ...)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	va_list ap;
	int len;

	mun_buf_init(&text, SAY_MAX);
	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || !mun_buf_reserve(&text, (size_t)len + 1))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text.data, (size_t)len + 1, fmt, ap);
	va_end(ap);
	text.len = (size_t)len;
	if (app && app->before_say)
		app->before_say(app->before_say_arg);
	if (app)
		text.len = mun_secret_blot(text.data, text.len, &app->live);
	blot_tokens(&text);
	(void)fputs(mun_buf_str(&text), stderr);
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		(void)fputc('\n', stderr);
}

int mun_app_exit(enum mun_code code)
{
	switch (code) {
	case MUN_OK:
		return 0;
	case MUN_E_NOMEM:
	case MUN_E_IO:
	case MUN_E_WINDOW:
	case MUN_E_INTERNAL:
		return 1;
	case MUN_E_USAGE:
		return 2;
	case MUN_E_CREDENTIAL:
		return 3;
	case MUN_E_POLICY:
		return 4;
	case MUN_E_NOTFOUND:
		return 5;
	case MUN_E_INPUT:
		return 7;
	case MUN_E_BUSY:
	case MUN_E_STALE:
		return 11;
	case MUN_E_JOURNAL:
	case MUN_E_FULL:
	case MUN_E_CORRUPT:
		return 12;
	case MUN_E_REMOTE:
		return 14;
	case MUN_E_VERIFY:
		return 15;
	}
	return 1;
}

bool mun_app_reader_gone(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR) != 0;
}

void mun_app_output_lost(struct mun_app *app, const struct mun_err *err)
{
	if (!app->output_said)
		mun_say(app,
		        "muniment: %s; the work goes on, and the journal has what is missing here",
		        err->text);
	app->output_said = true;
}

void mun_app_executable(struct mun_app *app)
{
	char *ret = app->exe_sha256;
	MUN_BUF_CLEANUP struct mun_buf bytes;
	uint8_t digest[MUN_SHA256_LEN];
	struct mun_err ignored;

	ret[0] = '\0';
	mun_buf_init(&bytes, 64u * 1024 * 1024);
	if (mun_file_read(&bytes, "/proc/self/exe", &ignored) != MUN_OK)
		return;
	mun_sha256(digest, bytes.data, bytes.len);
	mun_hex_encode(ret, digest, sizeof digest);
}

static void say_misfit(struct mun_app *app, const struct mun_journal *j,
                       const struct mun_mark_state *s)
{
	const char *dir = mun_journal_dir(j);

	if (s->fit == MUN_MARK_BEHIND)
		mun_say(app,
		        "muniment: warning: %s is an older copy: this machine has seen %llu "
		        "entries of this journal at %s",
		        dir, (unsigned long long)s->mark.size, s->mark.path);
	if (s->fit == MUN_MARK_FORKED)
		mun_say(app,
		        "muniment: warning: %s does not hold the first %llu entries that this "
		        "machine has seen of this journal at %s: replaced or forked",
		        dir, (unsigned long long)s->mark.size, s->mark.path);
	if (s->fit == MUN_MARK_ALARMED)
		mun_say(app, "muniment: warning: %s: %s", dir, s->mark.alarm);
}

/* Whoever reads an older copy must know it; whoever writes, that nothing was compared. */
static void say_mark(struct mun_app *app, struct mun_journal *j, bool reading)
{
	struct mun_mark_state s;
	struct mun_err err;
	const char *problem;
	bool made;

	if (reading && mun_mark_compare(j, &s, &err) == MUN_OK)
		say_misfit(app, j, &s);
	if (reading)
		return;
	problem = mun_mark_problem(j, &made);
	if (problem[0])
		mun_say(app, "muniment: warning: no high-water mark is kept: %s", problem);
	if (made)
		mun_say(app,
		        "muniment: this machine had no high-water mark of the journal %s; one is "
		        "made. Whether an older copy stands there could not be checked.",
		        mun_journal_dir(j));
}

enum mun_code mun_app_journal(struct mun_app *app, int mode, struct mun_journal **ret,
                              struct mun_err *err)
{
	struct mun_journal_options options = {
		.dir = app->journal_dir,
		.mode = (enum mun_journal_mode)mode,
		.clock = app->clock,
		.version = app->version,
		.state_dir = app->state_dir[0] ? app->state_dir : NULL,
	};
	enum mun_code code;

	if (!app->journal_dir[0]) {
		code = mun_fail(err, MUN_E_JOURNAL, "no place for the journal: HOME is not set");
		mun_hint(err, "give --journal DIR or set MUNIMENT_JOURNAL");
		return code;
	}
	if (mode != MUN_JOURNAL_READ) {
		mun_holder_warn(app, app->journal_dir);
		mun_app_executable(app);
	}
	options.exe_sha256 = app->exe_sha256[0] ? app->exe_sha256 : NULL;
	code = mun_journal_open(ret, &options, err);
	if (code != MUN_OK)
		return code;
	if (app->args.verbose && !app->journal_said)
		mun_say(app, "muniment: journal %s", mun_journal_dir(*ret));
	if (mun_journal_fs_warning(*ret) && !app->args.quiet && !app->journal_said)
		mun_say(app, "muniment: warning: %s", mun_journal_fs_warning(*ret));
	if (!app->journal_said || mode != MUN_JOURNAL_READ)
		say_mark(app, *ret, mode == MUN_JOURNAL_READ);
	app->journal_said = true;
	if (mun_journal_created(*ret) && !app->args.quiet)
		mun_say(app, "muniment: created the journal %s", mun_journal_dir(*ret));
	return MUN_OK;
}
