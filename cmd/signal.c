/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Handlers have no argument of ours, so what they count lives here. */
static volatile sig_atomic_t count, first, usr1;

static void on_stop(int number)
{
	if (count == 0)
		first = number;
	if (count < 3)
		count = count + 1;
	if (count == 3)
		_exit(128 + number);
}

static void on_usr1(int number)
{
	(void)number;
	usr1 = 1;
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

void mun_signal_reraise(void)
{
	sigset_t set;
	int number = first;

	if (number == 0)
		return;
	(void)signal(number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, number);
	(void)raise(number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + number);
}
