/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_OPT_H
#define MUN_CMD_OPT_H
/*
 * Options as tables: one row serves parsing, the environment and --help. Values are borrowed from
 * argv and the environment; what a number or a time means is checked by who uses it.
 */
#include "cmd/cmd.h"
enum mun_opt_kind {
	MUN_OPT_FLAG,
	MUN_OPT_TEXT,
	MUN_OPT_LIST /* TEXT that may be repeated */
};
struct mun_opt {
	char short_; /* 0: none */
	const char *name;
	enum mun_opt_kind kind;
	size_t offset;     /* into struct mun_args */
	const char *value; /* name of the value in the help; NULL for flags */
	const char *help;
	bool no_env;          /* from the command line only */
	const char *env_also; /* a second variable, asked last; or NULL */
};
struct mun_opt_group {
	unsigned bit;
	const char *title;
	const struct mun_opt *opts;
	size_t len;
};
extern const struct mun_opt_group mun_opt_groups[];
extern const size_t mun_opt_groups_len;

/*
 * Parse argv (without program and command) for cmd; positional arguments are moved to the front
 * of argv, where args->args points. USAGE names the option.
 */
enum mun_code mun_opt_parse(struct mun_args *args, const struct mun_cmd *cmd, char **argv,
                            size_t argv_len, struct mun_err *err) MUN_MUST_CHECK;
/* What the command line did not give, from MUNIMENT_<OPTION>. USAGE: a flag not yes or no. */
enum mun_code mun_opt_environment(struct mun_args *args, const struct mun_cmd *cmd,
                                  struct mun_err *err) MUN_MUST_CHECK;
/*
 * Is one of the values, or of the arguments but those that are runs, a pasted token? USAGE, and it
 * is not shown. The name of a file that exists is none.
 */
enum mun_code mun_opt_no_token(const struct mun_args *args, const struct mun_cmd *cmd,
                               struct mun_err *err) MUN_MUST_CHECK;
/* MUNIMENT_BASE_URL of base-url. */
void mun_opt_variable(char *ret, size_t ret_size, const char *option);
/* What to do about a token that was shown to the shell. */
#define MUN_OPT_REVOKE "revoke that token: it may stand in your shell's history now"
/* Something that may be a pasted token: it is never repeated in a message. */
bool mun_opt_looks_secret(const char *s);
/* s when it may be printed, else "(not shown: it looks like a token)". */
const char *mun_opt_printable(const char *s);
#endif
