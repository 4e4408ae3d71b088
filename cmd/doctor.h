/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_DOCTOR_H
#define MUN_CMD_DOCTOR_H
/* Findings of doctor, one row each. */
#include "cmd/cmd.h"
enum mun_health {
	MUN_HEALTH_OK,
	MUN_HEALTH_WARNING,
	MUN_HEALTH_BAD
};
struct mun_doctor {
	struct mun_app *app;
	struct mun_out *out;
	enum mun_code worst; /* of the bad findings */
	size_t tokens;       /* stored ones */
	bool vault_bad;      /* told already */
};
/* fix may be NULL. code is what a bad finding means for the exit status. */
enum mun_code mun_doctor_add(struct mun_doctor *d, const char *check, enum mun_health health,
                             enum mun_code code, const char *found, const char *fix,
                             struct mun_err *err) MUN_MUST_CHECK;
/* A message and its hint are a finding and its fix; fix is for messages without a hint. */
enum mun_code mun_doctor_add_error(struct mun_doctor *d, const char *check, enum mun_health health,
                                   const struct mun_err *found, const char *fix,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* Server, TLS, clock and identity. */
enum mun_code mun_doctor_server(struct mun_doctor *d, struct mun_err *err) MUN_MUST_CHECK;
#endif
