/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_ASK_H
#define MUN_CMD_ASK_H
/* One read after the other, outside any batch: token add, token test, doctor. */
#include "cmd/cmd.h"
#include "lib/remote/http.h"
struct mun_ask {
	struct mun_http *http;
};
/* token may be NULL: then nothing is authorized. USAGE: --timeout. */
enum mun_code mun_ask_open(struct mun_ask *ret, struct mun_app *app,
                           const struct mun_base_url *base, const struct mun_secret *token,
                           struct mun_err *err) MUN_MUST_CHECK;
void mun_ask_done(struct mun_ask *a);
/* Waits for the whole answer. A failed exchange is an answer too: http is 0 and error says why. */
enum mun_code mun_ask_send(struct mun_ask *a, const struct mun_request *r, struct mun_answer *ret,
                           struct mun_err *err) MUN_MUST_CHECK;
#endif
