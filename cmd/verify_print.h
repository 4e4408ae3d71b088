/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_PRINT_H
#define MUN_VERIFY_PRINT_H
/* Verify and print what came out: verify, journal check and journal backup share it. */
#include "cmd/cmd.h"
#include "journal/verify.h"
/* For reading. VERIFY: it is there and damaged; JOURNAL: it cannot be opened for another reason. */
enum mun_code mun_verify_open(struct mun_app *app, struct mun_journal **ret, struct mun_err *err)
	MUN_MUST_CHECK;
/* *ret_exit: 0, or 15 when it failed (or, with strict, has findings). */
enum mun_code mun_verify_and_print(struct mun_app *app, struct mun_journal *j, bool tables_only,
                                   bool strict, int *ret_exit, struct mun_err *err) MUN_MUST_CHECK;
/* USAGE: --fields names what no verdict has. Before all the work: it must not be lost behind that.
 */
enum mun_code mun_verify_fields(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_verify_print(struct mun_app *app, const struct mun_verdict_report *r, bool strict,
                               int *ret_exit, struct mun_err *err) MUN_MUST_CHECK;
#endif
