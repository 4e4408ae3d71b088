/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/drill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "cmd/verify_print.h"
#include "journal/drill.h"

#define OUT_MAX (1 << 20)

struct drill {
	struct mun_app *app;
	struct mun_buf lines; /* of a table */
	struct mun_buf array; /* objects, one a step */
	struct mun_canon canon;
	unsigned steps, caught;
};

static void on_step(void *arg, const struct mun_drill_step *s)
{
	struct drill *d = arg;

	d->steps++;
	d->caught += s->caught ? 1 : 0;
	mun_buf_printf(&d->lines, "%s  %s: %s\n", s->caught ? "caught  " : "UNNOTICED", s->name,
	               s->found[0] ? s->found : "nothing was found");
	mun_canon_object(&d->canon, NULL);
	mun_canon_str(&d->canon, "damage", s->name);
	mun_canon_bool(&d->canon, "caught", s->caught);
	mun_canon_str(&d->canon, "found", s->found[0] ? s->found : NULL);
	mun_canon_end(&d->canon);
}

static const char *result(const struct drill *d)
{
	return d->caught == d->steps ? "verified" : "failed";
}

static enum mun_code print(struct drill *d, uint64_t entries, struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;
	struct mun_canon c;

	mun_buf_init(&out, OUT_MAX);
	if (d->app->output == MUN_OUT_TABLE) {
		mun_buf_add(&out, mun_buf_str(&d->lines), d->lines.len);
		mun_buf_printf(&out, "%u of %u damages to a copy of %llu entries were caught\n",
		               d->caught, d->steps, (unsigned long long)entries);
	} else {
		mun_canon_init(&c, &out);
		mun_canon_loose(&c);
		mun_canon_object(&c, NULL);
		mun_canon_str(&c, "result", result(d));
		mun_canon_int(&c, "entries", (int64_t)entries);
		mun_canon_int(&c, "caught", d->caught);
		mun_canon_array(&c, "steps");
		mun_buf_add(&out, mun_buf_str(&d->array) + 1,
		            d->array.len > 1 ? d->array.len - 2 : 0);
		mun_canon_end(&c);
		mun_canon_end(&c);
		mun_buf_putc(&out, '\n');
	}
	enum mun_code code = mun_buf_check(&d->array, "steps of the drill", err);
	if (code == MUN_OK)
		code = mun_buf_check(&out, "report of the drill", err);
	return code == MUN_OK ? mun_out_object(d->app, &out, err) : code;
}

static enum mun_code make_folder(char *ret, size_t size, struct mun_err *err)
{
	const char *tmp = getenv("TMPDIR");
	int len = snprintf(ret, size, "%s/muniment-drill-XXXXXX",
	                   tmp && tmp[0] == '/' ? tmp : "/tmp");

	if (len < 0 || (size_t)len >= size || !mkdtemp(ret))
		return mun_fail_errno(err, MUN_E_IO, errno, "no folder for the drill can be made");
	return MUN_OK;
}

enum mun_code mun_drill(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	struct drill d = { .app = app };
	char folder[4000];
	uint64_t entries = 0;

	enum mun_code code = mun_verify_open(app, &j, err);
	if (code == MUN_OK)
		code = make_folder(folder, sizeof(folder), err);
	if (code != MUN_OK)
		return code;
	mun_buf_init(&d.lines, OUT_MAX);
	mun_buf_init(&d.array, OUT_MAX);
	mun_canon_init(&d.canon, &d.array);
	mun_canon_loose(&d.canon);
	mun_canon_array(&d.canon, NULL);
	code = mun_drill_run(j, folder, on_step, &d, &entries, err);
	mun_canon_end(&d.canon);
	(void)rmdir(folder);
	if (code == MUN_OK)
		code = print(&d, entries, err);
	*ret_exit = d.caught == d.steps ? 0 : 15;
	mun_buf_done(&d.lines);
	mun_buf_done(&d.array);
	return code;
}
