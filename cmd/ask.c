/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ask.h"

#include "cmd/signal.h"
#include "lib/date.h"

#define TIMEOUT_MS 60000
#define WAIT_MS    1000

enum mun_code mun_ask_open(struct mun_ask *ret, struct mun_app *app,
                           const struct mun_base_url *base, const struct mun_secret *token,
                           struct mun_err *err)
{
	struct mun_http_options options = {
		.base = base,
		.token = token,
		.cacert = app->args.cacert,
		.timeout_ms = TIMEOUT_MS,
		.concurrency = 1,
		.user_agent = "muniment/" MUN_VERSION,
	};
	int64_t ms = TIMEOUT_MS;

	if (app->args.timeout &&
	    (!mun_duration_parse(&ms, app->args.timeout) || ms < 1 || ms > INT32_MAX))
		return mun_fail(err, MUN_E_USAGE, "--timeout is no duration such as 60s");
	options.timeout_ms = (uint32_t)ms;
	return mun_http_open(&ret->http, &options, err);
}

void mun_ask_done(struct mun_ask *a)
{
	mun_http_closep(&a->http);
}

enum mun_code mun_ask_send(struct mun_ask *a, const struct mun_request *r, struct mun_answer *ret,
                           struct mun_err *err)
{
	struct mun_wire *wire = mun_http_wire(a->http);
	size_t len = 0;
	enum mun_code code = wire->start(wire, 1, r, MUN_ANSWER_RUN_MAX, err);

	while (code == MUN_OK && len == 0) {
		if (mun_signal_count() > 0)
			wire->abort(wire);
		code = wire->wait(wire, WAIT_MS, ret, 1, &len, err);
	}
	return code;
}
