/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/next.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/opt.h"

void mun_next_quote(struct mun_buf *ret, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_@%+=:,./-";

	if (s[0] != '\0' && s[strspn(s, plain)] == '\0') {
		mun_buf_puts(ret, s);
		return;
	}
	mun_buf_putc(ret, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			mun_buf_puts(ret, "'\\''");
		else
			mun_buf_putc(ret, *s);
	}
	mun_buf_putc(ret, '\'');
}

/* An option of this process, unless the environment gave it. */
static void add_option(struct mun_buf *ret, const char *name, const char *value)
{
	char variable[64];
	const char *given;

	mun_opt_variable(variable, sizeof(variable), name);
	given = getenv(variable);
	if (!value || (given && strcmp(given, value) == 0))
		return;
	mun_buf_printf(ret, " --%s ", name);
	mun_next_quote(ret, value);
}

static void add_journal(struct mun_buf *ret, const struct mun_app *app)
{
	add_option(ret, "journal", app->args.journal);
}

static void add_credential(struct mun_buf *ret, const struct mun_app *app)
{
	const struct mun_args *a = &app->args;

	add_option(ret, "vault", a->vault);
	add_option(ret, "as", a->as);
	add_option(ret, "token-file", a->token_file);
	add_option(ret, "key-file", a->key_file);
}

static void add_again(struct mun_buf *ret, const struct mun_app *app, const struct mun_batch *b,
                      const char *base_url)
{
	char id[MUN_REF_TEXT], org[MUN_ID_TEXT];

	mun_ref_format(id, 'b', &b->batch);
	mun_id_format(org, &b->org);
	mun_buf_printf(ret, "muniment items %s --state failed -o ids", id);
	add_journal(ret, app);
	mun_buf_printf(ret, " | muniment %s --dry-run --org %s --base-url ", mun_ops[b->op].name,
	               org);
	mun_next_quote(ret, base_url);
	mun_buf_printf(ret, " --from - --reason 'again what failed in %s'", id);
	add_journal(ret, app);
}

void mun_next_verb(struct mun_buf *ret, const struct mun_app *app, const char *verb, const char *id)
{
	mun_buf_printf(ret, "muniment %s %s", verb, id);
	add_journal(ret, app);
	add_credential(ret, app);
}

void mun_next_command(struct mun_buf *ret, const struct mun_app *app, const struct mun_batch *b,
                      const char *base_url)
{
	bool open = mun_batch_is_open(b->state);
	char id[MUN_REF_TEXT];

	mun_ref_format(id, 'b', &b->batch);
	if (open || b->counts.in_doubt > 0) {
		mun_next_verb(ret, app, open ? "resume" : "resolve", id);
	} else if (b->counts.failed > 0) {
		add_again(ret, app, b, base_url);
	} else if (b->counts.skipped > b->counts.total - b->items) {
		mun_buf_printf(ret, "muniment items %s --state skipped", id);
		add_journal(ret, app);
	}
}

void mun_next_plan_again(struct mun_buf *ret, const struct mun_app *app,
                         const struct mun_entry *plan)
{
	char org[MUN_ID_TEXT];

	mun_id_format(org, &plan->org);
	mun_buf_printf(ret, "muniment %s --org %s --base-url ",
	               mun_ops[plan->u.plan.op].plan_command, org);
	mun_next_quote(ret, plan->u.plan.base_url);
	mun_buf_puts(ret, " --from FILE --reason ");
	mun_next_quote(ret, plan->u.plan.reason);
	if (plan->u.plan.ticket) {
		mun_buf_puts(ret, " --ticket ");
		mun_next_quote(ret, plan->u.plan.ticket);
	}
	for (size_t i = 0; i < plan->u.plan.labels_len; i++) {
		MUN_BUF_CLEANUP struct mun_buf pair;

		mun_buf_init(&pair, 4096);
		mun_buf_printf(&pair, "%s=%s", plan->u.plan.labels[i].key,
		               plan->u.plan.labels[i].value);
		mun_buf_puts(ret, " --label ");
		mun_next_quote(ret, mun_buf_str(&pair));
	}
	add_journal(ret, app);
}
