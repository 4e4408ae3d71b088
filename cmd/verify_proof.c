/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verify_proof.h"

#include <string.h>

#include "cmd/verify_print.h"
#include "lib/file.h"
#include "lib/tlog/proof.h"

enum mun_code mun_cmd_verify_proof(struct mun_app *app, struct mun_verify_inputs *in, int *ret_exit,
                                   struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	struct mun_buf text MUN_BUF_CLEANUP;
	struct mun_checkpoint c;
	struct mun_err why;

	mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
	enum mun_code code = mun_file_read(&text, app->args.proof, err);
	if (code != MUN_OK)
		return code == MUN_E_IO ? MUN_E_INPUT : code;
	if (mun_verify_read_kept(&c, mun_buf_str(&text), text.len, &why) == MUN_OK)
		code = mun_verify_home_keys(in, app, c.origin, err);
	if (code == MUN_OK)
		code = mun_verify_proof(mun_buf_str(&text), text.len, &in->options, &report, err);
	return code == MUN_OK ? mun_verify_print(app, &report, app->args.strict, ret_exit, err)
	                      : code;
}
