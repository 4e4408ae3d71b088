/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/sandbox/moment.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/server.h"
#include "tests/sandbox/state.h"

static bool write_ids(const struct sandbox_state *state, const char *path)
{
	FILE *file = fopen(path, "we");
	bool ok = file != NULL;

	for (size_t i = 0; ok && i < state->run_count; i++)
		ok = fprintf(file, "%s\n", state->runs[i].id) > 0;
	if (file != NULL && fclose(file) != 0)
		ok = false;
	if (!ok)
		perror(path);
	return ok;
}

/* Before any thread is made, so that all of them leave the signals to the descriptor. */
static int open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool stdin_ended(void)
{
	char dropped[256];

	return read(STDIN_FILENO, dropped, sizeof dropped) <= 0;
}

static void wait_for_end(int signals, bool watch_stdin)
{
	struct pollfd sources[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = watch_stdin ? STDIN_FILENO : -1, .events = POLLIN },
	};

	for (;;) {
		if (poll(sources, 2, -1) < 0)
			continue;
		if (sources[0].revents != 0)
			return;
		if (sources[1].revents != 0 && stdin_ended())
			return;
	}
}

static bool serve(const struct sandbox_options *o, struct sandbox_state *state, int signals)
{
	struct sandbox_server server;
	bool ok = sandbox_server_start(&server, state);

	if (ok) {
		printf("%s://127.0.0.1:%u%s\n", o->cert_file == NULL ? "http" : "https",
		       sandbox_server_port(&server), o->prefix);
		ok = fflush(stdout) == 0;
	}
	if (ok)
		wait_for_end(signals, o->die_with_stdin);
	sandbox_wake();
	sandbox_server_stop(&server);
	return ok;
}

int main(int argc, char **argv)
{
	struct sandbox_options options;
	struct sandbox_state state;
	pid_t parent = getppid();
	int signals;
	bool ok;

	if (!sandbox_options_parse(&options, argc, argv))
		return 2;
	signals = open_signals();
	if (options.die_with_parent) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			return 1;
	}
	ok = signals >= 0 && sandbox_state_init(&state, &options);
	if (ok && options.ids_file != NULL)
		ok = write_ids(&state, options.ids_file);
	if (ok) {
		ok = serve(&options, &state, signals);
		sandbox_state_done(&state);
	}
	return ok ? 0 : 1;
}
