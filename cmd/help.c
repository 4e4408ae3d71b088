/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include <string.h>

#include "cmd/commands.h"
#include "cmd/opt.h"

static const char *const sections[] = { "do", "ask", "prove", "keep" };

const struct mun_cmd *mun_cmd_find(const char *name)
{
	for (const struct mun_cmd *const *c = mun_cmds; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Insertions, deletions and replacements between a and b; both at most 15 bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t row[16], a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b_len];
}

const struct mun_cmd *mun_cmd_near(const char *name)
{
	const struct mun_cmd *near = NULL;
	size_t least = 3;

	if (strlen(name) > 15)
		return NULL;
	for (const struct mun_cmd *const *c = mun_cmds; *c; c++) {
		bool prefix = strlen(name) >= 2 && strncmp((*c)->name, name, strlen(name)) == 0;
		size_t d = prefix ? 0 : distance(name, (*c)->name);
		if (d < least && d < strlen(name)) {
			least = d;
			near = *c;
		}
	}
	return near;
}

void mun_help_all(FILE *out)
{
	(void)fprintf(out, "muniment: archive and restore Tallyfy runs, and prove what was done\n\n"
	                   "usage: muniment COMMAND [OPTION...] [ARGUMENT...]\n");
	for (size_t i = 0; i < MUN_ARRAY_LEN(sections); i++) {
		bool titled = false;
		for (const struct mun_cmd *const *c = mun_cmds; *c; c++) {
			if (strcmp((*c)->section, sections[i]) != 0)
				continue;
			if (!titled)
				(void)fprintf(out, "\n%s\n", sections[i]);
			titled = true;
			(void)fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
		}
	}
	(void)fprintf(out, "\nmuniment help COMMAND for one of them. Topics of muniment help:\n  ");
	mun_topic_names(out);
	(void)fprintf(out, "\n");
}

static const char *effect_text(enum mun_effect effect)
{
	switch (effect) {
	case MUN_READS_JOURNAL:
		return "Reads the journal only; asks and changes nothing.";
	case MUN_ASKS_SERVER:
		return "Asks the server, changes nothing there.";
	case MUN_CHANGES_SERVER:
		return "Changes the server.";
	case MUN_CHANGES_JOURNAL:
		return "Changes what is stored here; never the server.";
	}
	return "";
}

static bool shown_before(const struct mun_cmd *cmd, size_t group, const char *name)
{
	for (size_t i = 0; i < group; i++)
		for (size_t k = 0;
		     (mun_opt_groups[i].bit & cmd->groups) && k < mun_opt_groups[i].len; k++)
			if (strcmp(mun_opt_groups[i].opts[k].name, name) == 0)
				return true;
	return false;
}

/* The outputs that this command has; one that it lacks is refused. */
static void outputs_text(char *ret, size_t ret_size, const struct mun_cmd *cmd)
{
	static const char *const names[] = { "table", "json", "jsonl", "csv", "ids" };
	unsigned outputs = cmd->outputs ? cmd->outputs : 1u << MUN_OUT_TABLE;
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < MUN_ARRAY_LEN(names) && len < ret_size; i++)
		if (outputs & 1u << i)
			len += (size_t)snprintf(ret + len, ret_size - len, "%s%s",
			                        len > 0 ? ", " : "", names[i]);
}

static void help_option(FILE *out, const struct mun_cmd *cmd, const struct mun_opt *o)
{
	char left[64], short_[4] = "", outputs[64];
	const char *help = o->help;

	outputs_text(outputs, sizeof outputs, cmd);
	if (strcmp(o->name, "output") == 0)
		help = outputs;
	if ((strcmp(o->name, "json") == 0 && !(cmd->outputs & 1u << MUN_OUT_JSON)) ||
	    (strcmp(o->name, "csv-raw") == 0 && !(cmd->outputs & 1u << MUN_OUT_CSV)))
		return;

	if (o->short_) {
		short_[0] = '-';
		short_[1] = o->short_;
		short_[2] = ',';
	}
	(void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
	               o->value ? o->value : "");
	(void)fprintf(out, "  %3s %-28s %s\n", short_, left, help);
}

void mun_help_command(FILE *out, const struct mun_cmd *cmd)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(cmd->example); i++)
		if (cmd->example[i])
			(void)fprintf(out, "  %s\n      %s\n", cmd->example[i],
			              cmd->example_text[i] ? cmd->example_text[i] : "");
	(void)fprintf(out, "\nusage: muniment %s%s%s [OPTION...]\n\n%s: %s\n%s\n", cmd->name,
	              cmd->args && *cmd->args ? " " : "", cmd->args ? cmd->args : "", cmd->name,
	              cmd->summary, effect_text(cmd->effect));
	for (size_t i = 0; i < mun_opt_groups_len; i++) {
		const struct mun_opt_group *g = &mun_opt_groups[i];
		if (!(g->bit & cmd->groups))
			continue;
		(void)fprintf(out, "\n%s\n", g->title);
		for (size_t k = 0; k < g->len; k++)
			if (!shown_before(cmd, i, g->opts[k].name))
				help_option(out, cmd, &g->opts[k]);
	}
}

static enum mun_code run_help(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	const char *what = app->args.args_len ? app->args.args[0] : NULL;
	const struct mun_cmd *cmd = what ? mun_cmd_find(what) : NULL;
	const char *topic = what && !cmd ? mun_topic_text(what) : NULL;
	enum mun_code code;

	*ret_exit = 0;
	if (app->args.args_len > 1)
		return mun_fail(err, MUN_E_USAGE, "help takes one command or topic");
	if (!what)
		mun_help_all(stdout);
	else if (cmd)
		mun_help_command(stdout, cmd);
	else if (topic)
		(void)fputs(topic, stdout);
	else {
		code = mun_fail(err, MUN_E_USAGE, "there is no command and no topic %s",
		                mun_opt_printable(what));
		mun_hint(err, "muniment help");
		return code;
	}
	return MUN_OK;
}

const struct mun_cmd mun_cmd_help = {
	.name = "help",
	.args = "[COMMAND | TOPIC]",
	.summary = "explain a command or a topic",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON,
	.section = "keep",
	.example = { "muniment help token", "muniment help exit-codes" },
	.example_text = { "explains one command", "says what each exit status means" },
	.run = run_help,
};
