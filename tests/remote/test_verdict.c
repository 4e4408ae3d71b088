/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/remote/op.h"
#include "tests/test.h"

struct expect {
	unsigned first, last;
	bool json;
	enum mun_verdict verdict;
	enum mun_class class_;
	unsigned exit;
	bool infra;
};

/* behaviour of each status with a body that carries no evidence */
static const struct expect table[] = {
	{ 100, 199, false, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 14, true },
	{ 200, 299, false, MUN_V_UNVERIFIED, MUN_CLASS_DOUBT, 14, false },
	{ 200, 299, true, MUN_V_UNVERIFIED, MUN_CLASS_DOUBT, 14, false },
	{ 300, 399, false, MUN_V_CONFIG_ERROR, MUN_CLASS_STOP_DOUBT, 14, false },
	{ 300, 399, true, MUN_V_CONFIG_ERROR, MUN_CLASS_STOP_DOUBT, 14, false },
	{ 400, 400, true, MUN_V_REJECTED, MUN_CLASS_FAILED_IF_PROBE, 7, false },
	{ 401, 401, true, MUN_V_AUTH_LOST, MUN_CLASS_ASK_ME, 3, false },
	{ 402, 402, true, MUN_V_PLAN_LIMIT, MUN_CLASS_STOP, 4, false },
	{ 403, 403, true, MUN_V_DENIED, MUN_CLASS_FAILED, 3, false },
	{ 403, 403, false, MUN_V_BLOCKED, MUN_CLASS_RETRY, 14, false },
	{ 404, 404, true, MUN_V_NOT_FOUND, MUN_CLASS_FAILED_IF_PROBE, 14, false },
	{ 404, 404, false, MUN_V_CONFIG_ERROR, MUN_CLASS_STOP, 14, false },
	{ 405, 405, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 406, 407, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 408, 409, true, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 0, false },
	{ 410, 410, true, MUN_V_NOT_FOUND, MUN_CLASS_FAILED_IF_PROBE, 7, false },
	{ 411, 417, false, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 418, 421, false, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 422, 422, false, MUN_V_REJECTED, MUN_CLASS_FAILED_IF_PROBE, 7, false },
	{ 423, 423, true, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 0, false },
	{ 424, 424, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 425, 425, true, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 0, false },
	{ 426, 426, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 427, 428, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 429, 429, false, MUN_V_RATE_LIMITED, MUN_CLASS_RETRY, 6, false },
	{ 430, 430, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 431, 431, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 432, 450, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 451, 451, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 452, 499, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 0, false },
	{ 500, 500, false, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 14, true },
	{ 501, 501, false, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 502, 504, false, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 14, true },
	{ 505, 505, true, MUN_V_REJECTED, MUN_CLASS_FAILED, 7, false },
	{ 506, 599, true, MUN_V_UNKNOWN, MUN_CLASS_DOUBT, 14, true },
};

static void check(const struct mun_observation *o, const struct expect *e, enum mun_verdict verdict)
{
	for (unsigned i = 0; i < MUN_OPS; i++) {
		struct mun_judgement j = mun_judge_answer(o, mun_ops[i].done);

		assert_int_equal(j.verdict, verdict == MUN_V_NONE ? mun_ops[i].done : verdict);
		assert_int_equal(j.class_, e->class_);
		assert_int_equal(j.halt_exit, e->exit);
		assert_int_equal(j.infra, e->infra);
	}
}

static void every_status(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(table); i++) {
		for (unsigned s = table[i].first; s <= table[i].last; s++, seen++) {
			struct mun_observation o = { .http = s, .json = table[i].json };

			o.evidence = o.json ? MUN_EV_JSON : MUN_EV_NOT_JSON;
			check(&o, &table[i], table[i].verdict);
		}
	}
	assert_int_equal(seen, 500 + 100 + 100 + 2); /* 100..599, four ranges twice */
}

static void evidence(void **state)
{
	static const struct expect done = { .class_ = MUN_CLASS_DONE };
	static const struct expect other = { .class_ = MUN_CLASS_STOP_DOUBT, .exit = 14 };
	static const struct expect stop = { .class_ = MUN_CLASS_STOP, .exit = 14 };
	struct mun_observation o = { .http = 200, .json = true, .evidence = MUN_EV_GOAL };

	(void)state;
	check(&o, &done, MUN_V_NONE);
	o.http = 299;
	check(&o, &done, MUN_V_NONE);
	o.evidence = MUN_EV_OTHER_ID;
	check(&o, &other, MUN_V_UNVERIFIED);
	o = (struct mun_observation){ .http = 404, .json = true, .endpoint_not_found = true };
	check(&o, &stop, MUN_V_CONFIG_ERROR);
}

static void below_http(void **state)
{
	static const struct expect retry = { .class_ = MUN_CLASS_RETRY, .exit = 14 };
	static const struct expect stop = { .class_ = MUN_CLASS_STOP, .exit = 14 };
	static const struct expect doubt = { .class_ = MUN_CLASS_DOUBT, .exit = 14, .infra = true };

	(void)state;
	for (unsigned s = 0; s <= 599; s++) {
		struct mun_observation o = { .http = s, .json = true, .evidence = MUN_EV_GOAL };

		o.send = MUN_SEND_BROKEN;
		check(&o, &doubt, MUN_V_UNKNOWN);
		o.send = MUN_SEND_NOT_SENT;
		check(&o, &retry, MUN_V_NOT_SENT);
		o.send = MUN_SEND_BAD_CERT;
		check(&o, &stop, MUN_V_CONFIG_ERROR);
	}
}

static void only_evidence_is_success(void **state)
{
	(void)state;
	for (unsigned s = 0; s <= 1000; s++) {
		for (unsigned bits = 0; bits < 64; bits++) {
			struct mun_observation o = { .send = (enum mun_send)(bits & 3),
				                     .http = s,
				                     .evidence = (enum mun_evidence_kind)(
							     bits >> 2 & 3),
				                     .json = bits >> 4 & 1,
				                     .endpoint_not_found = bits >> 5 };
			bool good = o.send == MUN_SEND_OK && s >= 200 && s <= 299 && o.json &&
			            o.evidence == MUN_EV_GOAL;
			struct mun_judgement j = mun_judge_answer(&o, MUN_V_ARCHIVED);

			assert_int_equal(mun_verdict_is_success(j.verdict), good);
			assert_int_equal(j.class_ == MUN_CLASS_DONE, good);
		}
	}
}

static void names(void **state)
{
	enum mun_verdict v;

	(void)state;
	assert_null(mun_verdict_name(MUN_V_NONE));
	for (unsigned i = 1; i < MUN_VERDICTS; i++) {
		assert_true(mun_verdict_parse(&v, mun_verdict_name((enum mun_verdict)i)));
		assert_int_equal(v, i);
	}
	assert_false(mun_verdict_parse(&v, ""));
	assert_false(mun_verdict_parse(&v, "deleted"));
	assert_ptr_equal(mun_op_find("restore"), &mun_ops[MUN_OP_RESTORE]);
	assert_null(mun_op_find("delete"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status), cmocka_unit_test(evidence),
		cmocka_unit_test(below_http),   cmocka_unit_test(only_evidence_is_success),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
