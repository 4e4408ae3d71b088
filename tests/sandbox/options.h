/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_OPTIONS_H
#define MUN_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sandbox/faults.h"

#define SANDBOX_TOKENS_MAX  8
#define SANDBOX_WINDOWS_MAX 4
#define SANDBOX_FAULTS_MAX  64

struct sandbox_window_rule {
	unsigned count;
	unsigned length_s;
};

/* All strings are borrowed from argv. */
struct sandbox_options {
	const char *org;
	const char *prefix;
	const char *tokens[SANDBOX_TOKENS_MAX]; /* each one is another member, the first is Dana */
	size_t token_count;
	const char *cert_file;
	const char *key_file;
	const char *ids_file;
	const char *request_log;
	const char *role;
	const char *list_archived;
	unsigned port;
	unsigned runs;
	unsigned archived;
	unsigned seed;
	unsigned latency_ms;
	double speedup;
	unsigned get_archived;
	unsigned rearchive;
	unsigned reactivate;
	unsigned me_status;
	unsigned page_cap;
	bool status_kept;
	bool odd;
	bool orgs_hide;
	bool die_with_stdin;
	bool die_with_parent;
	struct sandbox_window_rule windows[SANDBOX_WINDOWS_MAX];
	size_t window_count;
	struct sandbox_fault faults[SANDBOX_FAULTS_MAX];
	size_t fault_count;
};

/* Returns false after a message on stderr. --help prints and ends the program. */
bool sandbox_options_parse(struct sandbox_options *o, int argc, char **argv);

#endif
