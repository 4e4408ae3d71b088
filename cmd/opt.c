/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"

struct parser {
	struct mun_args *args;
	const struct mun_cmd *cmd;
	char **argv;
	size_t argv_len, next, kept;
};

bool mun_opt_looks_secret(const char *s)
{
	size_t len = strlen(s);
	size_t word =
		strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=|");

	if (strncmp(s, "eyJ", 3) == 0 || strncasecmp(s, "bearer ", 7) == 0)
		return true;
	return len >= 40 && word == len && strncmp(s, "http", 4) != 0 && strchr(s, '/') != s;
}

const char *mun_opt_printable(const char *s)
{
	return mun_opt_looks_secret(s) ? "(not shown: it looks like a token)" : s;
}

static const struct mun_opt *find_in(const struct mun_opt_group *g, const char *name, size_t len,
                                     char short_)
{
	for (size_t i = 0; i < g->len; i++) {
		const struct mun_opt *o = &g->opts[i];
		if (name ? strlen(o->name) == len && memcmp(o->name, name, len) == 0
		         : o->short_ == short_)
			return o;
	}
	return NULL;
}

/* By name, or by short_ when name is NULL; groups is a set of bits. */
static const struct mun_opt *find(unsigned groups, const char *name, size_t len, char short_)
{
	const struct mun_opt *o = NULL;

	for (size_t i = 0; !o && i < mun_opt_groups_len; i++)
		if (mun_opt_groups[i].bit & groups)
			o = find_in(&mun_opt_groups[i], name, len, short_);
	return o;
}

static char *field(struct mun_args *args, const struct mun_opt *o)
{
	return (char *)args + o->offset;
}

static struct mun_list *list_of(struct mun_args *args, const struct mun_opt *o)
{
	return (struct mun_list *)(void *)field(args, o);
}

static bool is_given(struct mun_args *args, const struct mun_opt *o)
{
	const char *text = NULL;
	bool flag = false;

	if (o->kind == MUN_OPT_LIST)
		return list_of(args, o)->len > 0;
	if (o->kind == MUN_OPT_FLAG)
		memcpy(&flag, field(args, o), sizeof flag);
	else
		memcpy(&text, field(args, o), sizeof text);
	return flag || text;
}

static void set_flag(struct mun_args *args, const struct mun_opt *o)
{
	const bool yes = true;

	memcpy(field(args, o), &yes, sizeof yes);
}

static enum mun_code set_value(struct mun_args *args, const struct mun_opt *o, const char *value,
                               struct mun_err *err)
{
	if (o->kind == MUN_OPT_LIST) {
		struct mun_list *list = list_of(args, o);

		if (list->len == MUN_LIST_MAX)
			return mun_fail(err, MUN_E_USAGE, "--%s is given more than %d times",
			                o->name, MUN_LIST_MAX);
		list->at[list->len++] = value;
		return MUN_OK;
	}
	if (is_given(args, o))
		return mun_fail(err, MUN_E_USAGE, "--%s is given twice", o->name);
	memcpy(field(args, o), &value, sizeof value);
	return MUN_OK;
}

static enum mun_code fail_unknown(const struct parser *p, const char *shown, const char *name,
                                  size_t len, char short_, struct mun_err *err)
{
	enum mun_code code;

	if (find(~0u, name, len, short_))
		code = mun_fail(err, MUN_E_USAGE, "%s does not take the option %s", p->cmd->name,
		                shown);
	else
		code = mun_fail(err, MUN_E_USAGE, "unknown option %s", shown);
	if (strncmp(shown, "--token", 7) == 0)
		mun_hint(err, "no option takes a token as its value; use --token-file, --token-fd "
		              "or TALLYFY_API_TOKEN");
	else
		mun_hint(err, "muniment help %s", p->cmd->name);
	return code;
}

/* The argument behind an option that needs one. */
static enum mun_code take_next(struct parser *p, const struct mun_opt *o, struct mun_err *err)
{
	if (p->next >= p->argv_len || strncmp(p->argv[p->next], "--", 2) == 0) {
		enum mun_code code = mun_fail(err, MUN_E_USAGE, "--%s needs a value", o->name);
		mun_hint(err, "--%s=%s", o->name, o->value);
		return code;
	}
	return set_value(p->args, o, p->argv[p->next++], err);
}

static enum mun_code parse_long(struct parser *p, const char *arg, struct mun_err *err)
{
	const char *name = arg + 2;
	const char *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct mun_opt *o = find(p->cmd->groups, name, len, 0);

	if (!o) {
		char shown[64];
		(void)snprintf(shown, sizeof shown, "--%.*s", (int)(len < 48 ? len : 48), name);
		return fail_unknown(p, mun_opt_printable(shown), name, len, 0, err);
	}
	if (o->kind == MUN_OPT_FLAG) {
		if (value)
			return mun_fail(err, MUN_E_USAGE, "--%s takes no value", o->name);
		set_flag(p->args, o);
		return MUN_OK;
	}
	return value ? set_value(p->args, o, value + 1, err) : take_next(p, o, err);
}

static enum mun_code parse_short(struct parser *p, const char *arg, struct mun_err *err)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct mun_opt *o = find(p->cmd->groups, NULL, 0, *c);
		const char shown[] = { '-', isprint((unsigned char)*c) ? *c : '?', '\0' };

		if (!o)
			return fail_unknown(p, shown, NULL, 0, *c, err);
		if (o->kind != MUN_OPT_FLAG)
			return c[1] ? set_value(p->args, o, c + 1, err) : take_next(p, o, err);
		set_flag(p->args, o);
	}
	return MUN_OK;
}

enum mun_code mun_opt_parse(struct mun_args *args, const struct mun_cmd *cmd, char **argv,
                            size_t argv_len, struct mun_err *err)
{
	struct parser p = { .args = args, .cmd = cmd, .argv = argv, .argv_len = argv_len };
	bool options = true;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && p.next < p.argv_len) {
		char *arg = argv[p.next++];
		if (!options || arg[0] != '-' || arg[1] == '\0')
			argv[p.kept++] = arg;
		else if (strcmp(arg, "--") == 0)
			options = false;
		else if (arg[1] == '-')
			code = parse_long(&p, arg, err);
		else
			code = parse_short(&p, arg, err);
	}
	args->args = (const char *const *)argv;
	args->args_len = p.kept;
	return code;
}

static enum mun_code check_token(const char *dashes, const char *name, const char *value,
                                 struct mun_err *err)
{
	size_t ignored;

	if (!value || !mun_text_token(value, strlen(value), &ignored) || access(value, F_OK) == 0)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_USAGE, "%s%s: this looks like a token (not shown)", dashes, name);
	mun_hint(err, MUN_OPT_REVOKE);
	return MUN_E_USAGE;
}

/* The values of one option; some may be given several times. */
static enum mun_code check_values(const struct mun_args *args, const struct mun_opt *o,
                                  struct mun_err *err)
{
	const char *text = NULL;
	enum mun_code code = MUN_OK;

	if (o->kind == MUN_OPT_FLAG)
		return MUN_OK;
	if (o->kind == MUN_OPT_LIST) {
		const struct mun_list *list = (const void *)((const char *)args + o->offset);

		for (size_t i = 0; code == MUN_OK && i < list->len; i++)
			code = check_token("--", o->name, list->at[i], err);
		return code;
	}
	if (o->kind == MUN_OPT_TEXT)
		memcpy(&text, (const char *)args + o->offset, sizeof text);
	return code == MUN_OK ? check_token("--", o->name, text, err) : code;
}

enum mun_code mun_opt_no_token(const struct mun_args *args, const struct mun_cmd *cmd,
                               struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; i < mun_opt_groups_len; i++) {
		const struct mun_opt_group *g = &mun_opt_groups[i];

		for (size_t k = 0; (g->bit & cmd->groups) && code == MUN_OK && k < g->len; k++)
			code = check_values(args, &g->opts[k], err);
	}
	/* Bad rows of a list are reported together, as input. */
	for (size_t i = 0; !(cmd->groups & MUN_G_INPUT) && code == MUN_OK && i < args->args_len;
	     i++)
		code = check_token("", cmd->name, args->args[i], err);
	return code;
}

void mun_opt_variable(char *ret, size_t ret_size, const char *option)
{
	(void)snprintf(ret, ret_size, "MUNIMENT_%s", option);
	for (char *c = ret; *c; c++)
		*c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
}

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(s, *words) == 0)
			return true;
	return false;
}

static enum mun_code from_variable(struct mun_args *args, const struct mun_opt *o,
                                   const char *variable, struct mun_err *err)
{
	static const char *const yes[] = { "1", "true", "yes", "on", NULL };
	static const char *const no[] = { "0", "false", "no", "off", NULL };
	const char *value = getenv(variable);

	if (!value || !*value)
		return MUN_OK;
	if (o->kind != MUN_OPT_FLAG)
		return set_value(args, o, value, err);
	if (is_one_of(value, yes))
		set_flag(args, o);
	else if (!is_one_of(value, no))
		return mun_fail(err, MUN_E_USAGE, "%s is neither true nor false", variable);
	return MUN_OK;
}

enum mun_code mun_opt_environment(struct mun_args *args, const struct mun_cmd *cmd,
                                  struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; i < mun_opt_groups_len; i++) {
		const struct mun_opt_group *g = &mun_opt_groups[i];
		for (size_t k = 0; (g->bit & cmd->groups) && k < g->len; k++) {
			const struct mun_opt *o = &g->opts[k];
			char variable[64];

			mun_opt_variable(variable, sizeof variable, o->name);
			if (!o->no_env && !is_given(args, o))
				code = from_variable(args, o, variable, err);
			if (code == MUN_OK && o->env_also && !is_given(args, o))
				code = from_variable(args, o, o->env_also, err);
			if (code != MUN_OK)
				return code;
		}
	}
	return MUN_OK;
}
