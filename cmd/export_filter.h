/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_EXPORT_FILTER_H
#define MUN_EXPORT_FILTER_H
/* Which attempts an export takes: the filters of the command line, a batch, or everything. */
#include "cmd/cmd.h"
struct mun_export_filter {
	bool any; /* false: the whole range */
	struct mun_filter filter;
	struct mun_buf text; /* as given, for the journal and the bundle: "--op=archive" */
	struct mun_buf storage;
};
void mun_export_filter_init(struct mun_export_filter *f);
void mun_export_filter_done(struct mun_export_filter *f);
/* USAGE: several batches, malformed filters. */
enum mun_code mun_export_filter_make(struct mun_export_filter *ret, struct mun_app *app,
                                     struct mun_err *err) MUN_MUST_CHECK;
/* Batches and plans as this journal knows them. NOTFOUND. */
enum mun_code mun_export_filter_resolve(struct mun_export_filter *f, struct mun_journal *j,
                                        struct mun_err *err) MUN_MUST_CHECK;
#endif
