/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/signal.h"
#include "lib/file.h"

/* A terminal drops what a line has beyond 4095 bytes: an answer that may have been cut is refused.
 */
#define LINE_MAX_BYTES 4095

struct terminal {
	int in, out;
	int owned; /* of /dev/tty, -1 none */
	struct termios before;
	bool hidden;
};

static void terminal_done(struct terminal *t)
{
	if (t->hidden)
		(void)tcsetattr(t->in, TCSAFLUSH, &t->before);
	mun_closep(&t->owned);
}

static bool terminal_open(struct terminal *t)
{
	*t = (struct terminal){ .in = STDIN_FILENO, .out = STDERR_FILENO, .owned = -1 };
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		return true;
	t->owned = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	t->in = t->out = t->owned;
	return t->owned >= 0;
}

bool mun_prompt_possible(const struct mun_app *app)
{
	struct terminal t;
	bool possible = !app->args.no_input && terminal_open(&t);

	if (possible)
		terminal_done(&t);
	return possible;
}

static bool hide(struct terminal *t)
{
	struct termios mode;

	if (tcgetattr(t->in, &t->before) != 0)
		return false;
	mode = t->before;
	mode.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	mode.c_lflag |= ECHONL;
	/* Set before asking: from the first moment on nothing may be shown. */
	t->hidden = true;
	return tcsetattr(t->in, TCSAFLUSH, &mode) == 0;
}

static void say(const struct terminal *t, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(t->out, text, len);
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* One byte, as read(); a signal that is counted ends the waiting, also one that comes between the
 * look at the count and the wait. */
static ssize_t read_byte(const struct terminal *t, char *ret)
{
	struct pollfd fd = { .fd = t->in, .events = POLLIN };
	sigset_t stop, before;
	int ready = 0;

	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGINT);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &stop, &before);
	while (mun_signal_count() == 0 && ready <= 0) {
		ready = ppoll(&fd, 1, NULL, &before);
		if (ready < 0 && errno != EINTR)
			break;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return ready > 0 && mun_signal_count() == 0 ? read(t->in, ret, 1) : -1;
}

static enum mun_code read_answer(const struct terminal *t, char *ret, size_t ret_size,
                                 size_t *ret_len, struct mun_err *err)
{
	size_t len = 0;
	char c = 0;

	for (;;) {
		ssize_t n = read_byte(t, &c);

		if (mun_signal_count() > 0)
			return mun_fail(err, MUN_E_USAGE,
			                "interrupted at a question; nothing was sent");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mun_fail_errno(err, MUN_E_USAGE, errno,
			                      "the terminal cannot be read");
		if (n == 0 && len == 0)
			return mun_fail(err, MUN_E_USAGE, "the input ended at a question");
		if (n == 0 || c == '\n')
			break;
		if (len + 1 >= ret_size)
			return mun_fail(err, MUN_E_USAGE,
			                "the answer is longer than %zu bytes; a file takes more",
			                ret_size - 1);
		ret[len++] = c;
	}
	*ret_len = len;
	return MUN_OK;
}

/* The answer to text, without its newline; *ret_len is its length. A signal ends the waiting. */
static enum mun_code ask(const struct terminal *t, const char *text, char *ret, size_t ret_size,
                         size_t *ret_len, struct mun_err *err)
{
	enum mun_code code;

	mun_signal_at_question(true); /* before anybody can see the question and interrupt it */
	say(t, text);
	code = read_answer(t, ret, ret_size, ret_len, err);
	mun_signal_at_question(false);
	if (mun_signal_count() > 0) /* what is said next begins a line */
		say(t, "\n");
	return code;
}

static enum mun_code no_terminal(struct mun_err *err)
{
	return mun_fail(err, MUN_E_USAGE, "nobody can be asked: no terminal, or --no-input");
}

enum mun_code mun_prompt_secret(struct mun_secret *ret, const struct mun_app *app, const char *text,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret line = { 0 };
	MUN_CLEANUP(terminal_done) struct terminal t = { .owned = -1 };
	enum mun_code code;
	size_t len = 0;

	if (app->args.no_input || !terminal_open(&t))
		return no_terminal(err);
	code = mun_secret_new(&line, LINE_MAX_BYTES, err);
	if (code != MUN_OK)
		return code;
	if (!hide(&t))
		return mun_fail_errno(err, MUN_E_USAGE, errno,
		                      "the terminal's echo cannot be turned off");
	code = ask(&t, text, (char *)line.data, line.len, &len, err);
	if (code == MUN_OK && len == 0)
		code = mun_fail(err, MUN_E_USAGE, "nothing was entered");
	if (code == MUN_OK)
		code = mun_secret_new(ret, len, err);
	if (code == MUN_OK)
		memcpy(ret->data, line.data, len);
	return code;
}

enum mun_code mun_prompt_line(char *ret, size_t ret_size, const struct mun_app *app,
                              const char *text, struct mun_err *err)
{
	MUN_CLEANUP(terminal_done) struct terminal t = { .owned = -1 };
	enum mun_code code;
	size_t len = 0;

	if (app->args.no_input || !terminal_open(&t))
		return no_terminal(err);
	code = ask(&t, text, ret, ret_size, &len, err);
	if (code == MUN_OK)
		ret[len] = '\0';
	return code;
}
