/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of queries, an option a line, and whether something meets them. */
#include "cmd/filter.h"
#include "journal/filter.h"
#include "lib/date.h"
#include "tests/fuzz/fuzz.h"

static void fixed_now(const struct mun_clock *clock, struct mun_now *ret)
{
	(void)clock;
	*ret = (struct mun_now){ .real_us = INT64_C(1795474081000000) };
}

/* Each line goes to the next option; an empty one leaves it out. */
static void take_options(struct mun_args *a, char *text)
{
	const char **const options[] = {
		&a->f_run,      &a->f_org,       &a->f_batch,  &a->f_plan,  &a->f_ticket,
		&a->f_operator, &a->f_label,     &a->f_reason, &a->f_op,    &a->f_state,
		&a->f_verdict,  &a->f_http,      &a->f_kind,   &a->f_since, &a->f_until,
		&a->f_identity, &a->f_after_seq, &a->f_limit,
	};

	for (size_t i = 0; text && i < MUN_ARRAY_LEN(options); i++) {
		char *end = strchr(text, '\n');

		if (end)
			*end = '\0';
		if (*text)
			*options[i] = text;
		text = end ? end + 1 : NULL;
	}
}

static void match(const struct mun_filter *f)
{
	static const struct mun_label labels[] = { { "customer", "Acme" } };
	const struct mun_subject whole = {
		.run = "0123456789abcdef0123456789abcdef",
		.org = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.batch = "b-00112233445566778899",
		.plan = "p-00112233445566778899",
		.ticket = "OPS-1",
		.operator_ = "alice@box",
		.identity = "4711",
		.reason = "contract ended",
		.op = "archive",
		.state = "failed",
		.verdict = "rejected",
		.kind = { "item.request" },
		.labels = labels,
		.labels_len = 1,
		.http = 422,
		.time_us = INT64_C(1795474081000000),
		.seq = 41,
	};
	const struct mun_subject nothing = { .time_us = whole.time_us, .seq = whole.seq };

	/* What lies outside the times meets no filter. */
	if (mun_filter_match(f, &whole) || mun_filter_match(f, &nothing))
		assert(mun_filter_in_time(f, whole.time_us, whole.seq));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mun_clock clock = { .now = fixed_now };
	struct mun_app app;
	char *text = fuzz_string(data, size);
	struct mun_buf storage;
	struct mun_filter f;
	struct mun_err err;

	memset(&app, 0, sizeof(app));
	app.clock = &clock;
	take_options(&app.args, text);
	mun_buf_init(&storage, 65536);
	if (mun_filter_make(&f, &app, &storage, &err) == MUN_OK)
		match(&f);
	else
		assert(err.code == MUN_E_USAGE && err.text[0] != '\0');
	mun_buf_done(&storage);
	free(text);
	return 0;
}
