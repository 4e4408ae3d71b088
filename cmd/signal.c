/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Handlers have no argument of ours, so what they count and where they speak lives here. */
static volatile sig_atomic_t count, first, usr1, cont, at_question, voice = STDERR_FILENO;
static const char *volatile screen_clear = "";

static const char *const lines[] = {
	": stopping, nothing new is sent and what is in flight is awaited; once more aborts it\n",
	" again: what is in flight is aborted and in doubt; once more ends at once\n",
	" a third time: ended at once; what was in flight is in doubt\n",
};

/* Only calls that a handler may make. */
static void announce(int number, size_t nth)
{
	struct pollfd fd = { .fd = voice, .events = POLLOUT };
	const char *name = number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP";
	const char *const parts[] = { screen_clear, "muniment: ", name, lines[nth] };
	char text[160];
	size_t len = 0;
	ssize_t ignored;

	for (size_t i = 0; i < MUN_ARRAY_LEN(parts); i++) {
		size_t part = strlen(parts[i]);

		if (part > sizeof(text) - len)
			return;
		memcpy(text + len, parts[i], part);
		len += part;
	}
	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
		return;
	ignored = write(fd.fd, text, len);
	(void)ignored;
}

static void on_stop(int number)
{
	int before = errno;

	if (count == 0)
		first = number;
	if (count < 3) {
		if (count > 0 || !at_question)
			announce(number, (size_t)count);
		count = count + 1;
	}
	if (count == 3)
		_exit(128 + number);
	errno = before;
}

static void on_usr1(int number)
{
	(void)number;
	usr1 = 1;
}

static void on_cont(int number)
{
	(void)number;
	cont = 1;
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	(void)sigemptyset(&action.sa_mask);
	/* Two of the counted signals never interrupt each other's counting. */
	(void)sigaddset(&action.sa_mask, SIGINT);
	(void)sigaddset(&action.sa_mask, SIGTERM);
	(void)sigaddset(&action.sa_mask, SIGHUP);
	(void)sigaction(number, &action, NULL);
}

void mun_signal_install(void)
{
	struct sigaction old;

	handle(SIGINT, on_stop);
	handle(SIGTERM, on_stop);
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		handle(SIGHUP, on_stop);
	handle(SIGUSR1, on_usr1);
	handle(SIGCONT, on_cont);
	handle(SIGPIPE, SIG_IGN);
	handle(SIGXFSZ, SIG_IGN);
}

int mun_signal_count(void)
{
	return count;
}

int mun_signal_number(void)
{
	return first;
}

bool mun_signal_take_usr1(void)
{
	bool taken = usr1 != 0;

	usr1 = 0;
	return taken;
}

bool mun_signal_take_cont(void)
{
	bool taken = cont != 0;

	cont = 0;
	return taken;
}

void mun_signal_announce(int fd, const char *clear)
{
	voice = fd;
	screen_clear = clear;
}

void mun_signal_at_question(bool yes)
{
	at_question = yes;
}

void mun_signal_reraise(void)
{
	sigset_t set;
	int number = first;

	if (number == 0)
		return;
	(void)signal(number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, number);
	(void)kill(getpid(), number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + number);
}
