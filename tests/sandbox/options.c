/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ORG   "5f0c2d9e7b1a4c36a8e4d1f09b72c35e"
#define DEFAULT_TOKEN "sandbox-token"

enum form {
	FORM_TEXT,
	FORM_NUMBER,
	FORM_FLAG,
	FORM_CALL
};

struct option {
	const char *name;
	const char *arg;
	enum form form;
	size_t offset;
	bool (*call)(struct sandbox_options *o, char **args);
	const char *help;
};

static bool parse_number(unsigned *ret, const char *text)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value > 1000000000)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool add_token(struct sandbox_options *o, char **args)
{
	if (o->token_count == SANDBOX_TOKENS_MAX)
		return false;
	o->tokens[o->token_count++] = args[0];
	return true;
}

static bool set_tls(struct sandbox_options *o, char **args)
{
	o->cert_file = args[0];
	o->key_file = args[1];
	return true;
}

static bool set_speedup(struct sandbox_options *o, char **args)
{
	char *end;

	o->speedup = strtod(args[0], &end);
	return end != args[0] && *end == '\0' && o->speedup > 0;
}

static bool unit_seconds(unsigned *ret, char unit)
{
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit != unit)
			continue;
		*ret = units[i].seconds;
		return true;
	}
	return false;
}

static bool set_limit(struct sandbox_options *o, char **args)
{
	const char *at = args[0];

	o->window_count = 0;
	while (o->window_count < SANDBOX_WINDOWS_MAX) {
		struct sandbox_window_rule *rule = &o->windows[o->window_count];
		char *end;
		unsigned long count = strtoul(at, &end, 10);

		if (end == at || count == 0 || count > 1000000 || *end != '/')
			return false;
		if (!unit_seconds(&rule->length_s, end[1]))
			return false;
		rule->count = (unsigned)count;
		o->window_count++;
		if (end[2] == '\0')
			return true;
		if (end[2] != ',')
			return false;
		at = end + 3;
	}
	return false;
}

static bool set_role(struct sandbox_options *o, char **args)
{
	o->role = args[0];
	return strcmp(args[0], "Admin") == 0 || strcmp(args[0], "Standard") == 0 ||
	       strcmp(args[0], "Light") == 0;
}

static bool set_list_archived(struct sandbox_options *o, char **args)
{
	o->list_archived = args[0];
	return strcmp(args[0], "only") == 0 || strcmp(args[0], "status") == 0 ||
	       strcmp(args[0], "both") == 0;
}

static bool add_fault(struct sandbox_options *o, char **args)
{
	if (o->fault_count == SANDBOX_FAULTS_MAX)
		return false;
	if (!sandbox_fault_parse(&o->faults[o->fault_count], args[0]))
		return false;
	o->fault_count++;
	return true;
}

static bool print_help(struct sandbox_options *o, char **args);

#define AT(member) offsetof(struct sandbox_options, member)

static const struct option options[] = {
	{ "--port", "PORT", FORM_NUMBER, AT(port), NULL, "port on 127.0.0.1; 0 takes a free one" },
	{ "--runs", "N", FORM_NUMBER, AT(runs), NULL, "number of runs (10)" },
	{ "--archived", "N", FORM_NUMBER, AT(archived), NULL,
	  "the first N runs begin archived (0)" },
	{ "--seed", "S", FORM_NUMBER, AT(seed), NULL, "the same seed gives the same runs (1)" },
	{ "--odd", NULL, FORM_FLAG, AT(odd), NULL,
	  "some runs have an open issue, a parent, no template or a hold field" },
	{ "--org", "ID", FORM_TEXT, AT(org), NULL, "organization id (" DEFAULT_ORG ")" },
	{ "--token", "T", FORM_CALL, 0, add_token,
	  "accepted token, repeatable: one member each (" DEFAULT_TOKEN ")" },
	{ "--tls", "CERT KEY", FORM_CALL, 0, set_tls, "serve https with these PEM files" },
	{ "--prefix", "/PATH", FORM_TEXT, AT(prefix), NULL,
	  "the API lives below this path, as /api" },
	{ "--latency", "MS", FORM_NUMBER, AT(latency_ms), NULL, "wait before each answer" },
	{ "--limit", "N/UNIT,...", FORM_CALL, 0, set_limit,
	  "exact sliding windows, units s m h d, as 100/m,1000/h; beyond them 429" },
	{ "--speedup", "X", FORM_CALL, 0, set_speedup, "windows pass X times faster" },
	{ "--get-archived", "200|404", FORM_NUMBER, AT(get_archived), NULL,
	  "answer to GET of an archived run (200)" },
	{ "--rearchive", "200|404", FORM_NUMBER, AT(rearchive), NULL,
	  "answer to archiving an archived run (200)" },
	{ "--reactivate", "200|400|404|422", FORM_NUMBER, AT(reactivate), NULL,
	  "answer to restoring a live run (200)" },
	{ "--list-archived", "only|status|both", FORM_CALL, 0, set_list_archived,
	  "which query lists archived runs, archived=only or status=archived (both)" },
	{ "--status-kept", NULL, FORM_FLAG, AT(status_kept), NULL,
	  "an archived run keeps its status instead of showing \"archived\"" },
	{ "--page-cap", "N", FORM_NUMBER, AT(page_cap), NULL,
	  "lists ignore a per_page above N and use N" },
	{ "--role", "Admin|Standard|Light", FORM_CALL, 0, set_role,
	  "role of the members (Admin); Light may not archive" },
	{ "--orgs-hide", NULL, FORM_FLAG, AT(orgs_hide), NULL,
	  "GET /me/organizations does not name the organization" },
	{ "--me-status", "CODE", FORM_NUMBER, AT(me_status), NULL, "GET /me answers CODE" },
	{ "--ids-file", "FILE", FORM_TEXT, AT(ids_file), NULL, "write all run ids, one a line" },
	{ "--request-log", "FILE", FORM_TEXT, AT(request_log), NULL,
	  "append one JSON line a request as received, before any effect" },
	{ "--fault", "KIND[:ARG]@WHEN[,on=WHAT][,effect=yes|no]", FORM_CALL, 0, add_fault,
	  "repeatable; the first that matches decides, see below" },
	{ "--die-with-stdin", NULL, FORM_FLAG, AT(die_with_stdin), NULL,
	  "end when standard input closes" },
	{ "--die-with-parent", NULL, FORM_FLAG, AT(die_with_parent), NULL,
	  "end when the parent process dies" },
	{ "--help", NULL, FORM_CALL, 0, print_help, "print this text" },
};

static bool print_help(struct sandbox_options *o, char **args)
{
	(void)o;
	(void)args;
	printf("usage: muniment-sandbox [options]\n\n"
	       "A stateful stand-in for the API on 127.0.0.1. The first line on standard output "
	       "is\n"
	       "its base URL. DELETE of .../runs/ID/delete is logged and answered with 500.\n\n");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		printf("  %s%s%s\n        %s\n", options[i].name, options[i].arg == NULL ? "" : " ",
		       options[i].arg == NULL ? "" : options[i].arg, options[i].help);
	sandbox_fault_help();
	exit(fflush(stdout) == 0 ? 0 : 1);
}

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

static int args_of(const struct option *option)
{
	if (option->arg == NULL)
		return 0;
	return strchr(option->arg, ' ') == NULL ? 1 : 2;
}

static bool set_option(struct sandbox_options *o, const struct option *option, char **args)
{
	char *at = (char *)o + option->offset;

	switch (option->form) {
	case FORM_TEXT:
		*(const char **)(void *)at = args[0];
		return true;
	case FORM_NUMBER:
		return parse_number((unsigned *)(void *)at, args[0]);
	case FORM_FLAG:
		*(bool *)at = true;
		return true;
	case FORM_CALL:
		return option->call(o, args);
	}
	return false;
}

bool sandbox_options_parse(struct sandbox_options *o, int argc, char **argv)
{
	*o = (struct sandbox_options){
		.org = DEFAULT_ORG,
		.prefix = "",
		.role = "Admin",
		.list_archived = "both",
		.runs = 10,
		.seed = 1,
		.speedup = 1,
		.get_archived = 200,
		.rearchive = 200,
		.reactivate = 200,
		.me_status = 200,
	};
	for (int i = 1; i < argc; i++) {
		const struct option *option = find_option(argv[i]);
		int args = option == NULL ? 0 : args_of(option);

		if (option == NULL || i + args >= argc) {
			fprintf(stderr, "muniment-sandbox: %s: %s\n", argv[i],
			        option == NULL ? "unknown option" : "argument missing");
			return false;
		}
		if (!set_option(o, option, argv + i + 1)) {
			fprintf(stderr, "muniment-sandbox: %s: cannot use \"%s\"\n", argv[i],
			        args == 0 ? "" : argv[i + 1]);
			return false;
		}
		i += args;
	}
	if (o->token_count == 0)
		o->tokens[o->token_count++] = DEFAULT_TOKEN;
	return true;
}
