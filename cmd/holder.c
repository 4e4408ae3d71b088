/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/holder.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/execute.h"
#include "cmd/why.h"
#include "journal/query.h"
#include "lib/file.h"
#include "lib/text.h"

#define TEXT_MAX 4096
#define TRIES    30 /* until who took the lock has signed it */
#define TRY_NS   10000000

/* The process of the text, when it runs on this host; 0 when that cannot be known. */
static pid_t pid_here(const char *text)
{
	char host[256] = "";
	const char *at = strchr(text, '@');
	size_t len = at ? strcspn(at + 1, ",") : 0;

	if (!at || strncmp(text, "pid ", 4) != 0 || gethostname(host, sizeof(host) - 1) != 0 ||
	    strlen(host) != len || memcmp(host, at + 1, len) != 0)
		return 0;
	return (pid_t)strtol(text + 4, NULL, 10);
}

/* State T of proc(5): stopped by a signal. It stands behind the name, which may hold anything. */
static bool is_stopped(pid_t pid)
{
	MUN_BUF_CLEANUP struct mun_buf stat;
	struct mun_err ignored;
	char path[64];
	const char *state;

	mun_buf_init(&stat, TEXT_MAX);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || mun_file_read(&stat, path, &ignored) != MUN_OK)
		return false;
	state = strrchr(mun_buf_str(&stat), ')');
	return state && (strncmp(state, ") T", 3) == 0 || strncmp(state, ") t", 3) == 0);
}

/* One look. *ret_lives: somebody holds it; *ret_theirs: the text is not of a dead process, which
 * may have left it behind for the moment until the next one signs. */
static void look(const char *path, char *ret, size_t ret_size, bool *ret_lives, bool *ret_theirs)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_err ignored;
	bool held = false;

	mun_buf_init(&text, TEXT_MAX);
	*ret_lives = mun_lock_read(&text, &held, path, &ignored) == MUN_OK && held;
	mun_text_copy(ret, ret_size, mun_buf_str(&text), strcspn(mun_buf_str(&text), "\n"));
	pid_t pid = pid_here(ret);
	*ret_theirs = ret[0] && !(pid > 0 && kill(pid, 0) != 0 && errno == ESRCH);
}

static void find(struct mun_holder *ret, const char *path)
{
	const struct timespec pause = { 0, TRY_NS };
	const char *waits;
	bool theirs = false;

	*ret = (struct mun_holder){ .phase = "running", .waits_for = "" };
	for (int i = 0; i < TRIES; i++) {
		look(path, ret->text, sizeof(ret->text), &ret->lives, &theirs);
		if (!ret->lives || theirs)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (!ret->lives) {
		ret->text[0] = '\0';
		return;
	}
	waits = strstr(ret->text, ", waiting for ");
	if (waits) {
		static const char *const words[] = { "quota", "server", "network" };

		ret->phase = "waiting";
		for (size_t i = 0; i < MUN_ARRAY_LEN(words); i++)
			if (strncmp(waits + 14, words[i], strlen(words[i])) == 0)
				ret->waits_for = words[i];
	} else if (strstr(ret->text, ", draining")) {
		ret->phase = "draining";
	}
	ret->stopped = is_stopped(pid_here(ret->text));
}

void mun_holder_read(struct mun_holder *ret, struct mun_journal *j, const struct mun_ref *batch)
{
	char path[4200];

	mun_journal_lock_path(j, batch, path, sizeof(path));
	find(ret, path);
}

/* Who we are, in one line: the ids that are named, never other arguments. */
static void describe(struct mun_app *app, char *ret, size_t ret_size)
{
	const struct mun_args *a = &app->args;
	bool named = a->args_len == 1 && strlen(a->args[0]) <= MUN_REF_TEXT &&
	             (strncmp(a->args[0], "p-", 2) == 0 || strncmp(a->args[0], "b-", 2) == 0);
	struct mun_operator who;
	char since[MUN_DATE_MAX];
	struct mun_now now;

	mun_operator_of(&who, app);
	app->clock->now(app->clock, &now);
	mun_date_format(since, now.real_us);
	(void)snprintf(ret, ret_size,
	               "pid %d, user %s@%s, since %s, boot %02x%02x%02x%02x, muniment %s%s%s",
	               (int)getpid(), who.user, who.host, since, now.boot_id[0], now.boot_id[1],
	               now.boot_id[2], now.boot_id[3], app->cmd->name, named ? " " : "",
	               named ? a->args[0] : "");
}

static enum mun_code busy(const char *path, const struct mun_ref *batch, struct mun_err *err)
{
	struct mun_holder h;
	char id[MUN_REF_TEXT];

	mun_ref_format(id, 'b', batch);
	find(&h, path);
	return mun_fail(err, MUN_E_BUSY,
	                "another process works on batch %s: %s%s; Ctrl-C there or muniment "
	                "cancel %s stops it",
	                id, h.text[0] ? h.text : "it has not said who it is",
	                h.stopped ? " (that process is stopped: kill -CONT wakes it)" : "", id);
}

enum mun_code mun_holder_take(struct mun_app *app, struct mun_journal *j,
                              const struct mun_ref *batch, int *ret_fd, char *words,
                              size_t words_size, struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = -1;
	char path[4200], text[512];
	enum mun_code code;

	mun_journal_lock_path(j, batch, path, sizeof(path));
	code = mun_lock_take(&fd, path, err);
	if (code == MUN_E_BUSY)
		return busy(path, batch, err);
	describe(app, text, sizeof(text));
	if (code == MUN_OK)
		code = mun_lock_write(fd, text, strlen(text), err);
	if (code != MUN_OK)
		return code;
	if (words)
		(void)snprintf(words, words_size, "%s", text);
	*ret_fd = mun_fd_steal(&fd);
	return MUN_OK;
}

void mun_holder_release(int *fd)
{
	struct mun_err ignored;
	bool wiped = *fd >= 0 && mun_lock_write(*fd, "", 0, &ignored) == MUN_OK;

	(void)wiped;
	mun_closep(fd);
}

void mun_holder_discard(struct mun_journal *j, const struct mun_ref *batch, int *fd)
{
	char path[4200];

	mun_journal_lock_path(j, batch, path, sizeof(path));
	mun_lock_remove(fd, path);
}

void mun_holder_batch(struct mun_ref *ret, const struct mun_ref *plan)
{
	uint8_t digest[MUN_SHA256_LEN];
	const struct mun_slice pieces[] = { { "batch", 5 }, { plan->bytes, sizeof(plan->bytes) } };

	mun_sha256_of(digest, pieces, MUN_ARRAY_LEN(pieces));
	memcpy(ret->bytes, digest, sizeof(ret->bytes));
}

struct open_batches {
	struct mun_ref only;
	size_t len;
};

static enum mun_code count_open(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct open_batches *o = arg;

	(void)err;
	if (mun_batch_is_open(b->state)) {
		o->only = b->batch;
		o->len++;
	}
	return MUN_OK;
}

enum mun_code mun_holder_check(struct mun_app *app, const char *text, int exit_status,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct open_batches open = { .len = 0 };
	struct mun_holder h;
	char path[4200];
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);

	if (code == MUN_OK && !text)
		code = mun_journal_batches(j, false, count_open, &open, err);
	else if (code == MUN_OK)
		open.len = mun_ref_parse(&open.only, 'b', text) ||
		           mun_query_batch(j, text, &open.only, err) == MUN_OK;
	if (code != MUN_OK || open.len != 1)
		return code;
	mun_holder_read(&h, j, &open.only);
	mun_journal_lock_path(j, &open.only, path, sizeof(path));
	if (!h.lives)
		return MUN_OK;
	mun_report_failed(app, j, &open.only, exit_status);
	return busy(path, &open.only, err);
}

void mun_holder_warn(struct mun_app *app, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[4400], text[512];
		bool lives, theirs;

		if (strncmp(e->d_name, "batch-", 6) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		look(path, text, sizeof(text), &lives, &theirs);
		if (lives && theirs && is_stopped(pid_here(text)))
			mun_say(app,
			        "muniment: warning: a stopped process holds a batch (%s); if it "
			        "was "
			        "stopped while it wrote, this waits until kill -CONT wakes it\n",
			        text);
	}
	if (d)
		(void)closedir(d);
}
