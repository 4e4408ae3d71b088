/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated service does and says when no rule says otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "tests/engine/fake.h"

#define PER_PAGE 100

static bool wants_archived(const struct fake *f)
{
	return mun_ops[f->op].goal_archived;
}

static void change(struct fake *f, struct fake_run *run, bool archives, uint64_t at_ms)
{
	int64_t at_us =
		f->now.real_us + ((int64_t)at_ms - f->now.uptime_ms) * 1000 + f->server_offset_us;

	if (run->gone || run->archived == archives)
		return;
	run->archived = archives;
	run->archived_us = at_us;
	run->updated_us = at_us;
	run->effects++;
}

void fake_server_pass(struct fake *f)
{
	for (uint32_t i = 0; i < f->runs; i++) {
		struct fake_run *run = &f->run[i];

		if (run->effect_at_ms == 0 || run->effect_at_ms > (uint64_t)f->now.uptime_ms)
			continue;
		change(f, run, run->effect_archives, run->effect_at_ms);
		run->effect_at_ms = 0;
	}
}

void fake_server_apply(struct fake *f, struct fake_run *run, uint64_t after_ms)
{
	if (after_ms == 0) {
		change(f, run, wants_archived(f), (uint64_t)f->now.uptime_ms);
		return;
	}
	run->effect_at_ms = (uint64_t)f->now.uptime_ms + after_ms;
	run->effect_archives = wants_archived(f);
}

struct fake_answer fake_server_answer(struct fake *f, const struct fake_request *r)
{
	struct fake_answer a = { .http = 200 };
	bool ours = r->run >= 0; /* or one of the filler, which is archived */
	bool gone = ours && f->run[r->run].gone;
	bool archived = !ours || f->run[r->run].archived;

	if (r->kind == FAKE_MUTATE)
		a.effect = FAKE_EFFECT;
	if (gone || (r->kind == FAKE_GET && archived && f->hides_archived)) {
		a.http = 404;
		a.body = FAKE_NOT_FOUND;
	}
	return a;
}

static void add_document(struct mun_buf *b, const struct fake_run *run, const struct fake_answer *a)
{
	char id[MUN_ID_TEXT], archived[MUN_DATE_MAX];

	mun_id_format(id, &run->id);
	mun_date_format(archived, run->archived_us);
	mun_buf_printf(b, "{\"id\":\"%s\",\"name\":\"Run\",\"archived_at\":",
	               a != NULL && a->shown_id != NULL ? a->shown_id : id);
	if (a != NULL && a->archived_at != NULL)
		mun_buf_printf(b, "%s", a->archived_at);
	else if (!run->archived)
		mun_buf_printf(b, "null");
	else
		mun_buf_printf(b, "\"%s\"",
		               run->archived_text != NULL ? run->archived_text : archived);
	if (run->blueprint)
		mun_buf_printf(b, ",\"checklist_id\":\"" FAKE_BLUEPRINT "\"");
	if (run->updated_us != MUN_TIME_NONE && (a == NULL || a->archived_at == NULL)) {
		char updated[MUN_DATE_MAX];

		mun_date_format(updated, run->updated_us);
		mun_buf_printf(b, ",\"last_updated\":\"%s\"", updated);
	}
	mun_buf_printf(b, "}");
}

struct page {
	struct mun_buf *b;
	size_t first, end, rows; /* rows: seen so far */
	bool any;
};

static void add_row(struct page *p, const struct fake_run *run)
{
	if (p->rows >= p->first && p->rows < p->end) {
		mun_buf_printf(p->b, "%s", p->any ? "," : "");
		add_document(p->b, run, NULL);
		p->any = true;
	}
	p->rows++;
}

static void add_filler(struct page *p, const struct fake *f)
{
	for (unsigned i = 0; i < f->filler; i++) {
		struct fake_run other = { .archived = true,
			                  .archived_us = INT64_C(1700000000000000),
			                  .updated_us = MUN_TIME_NONE };

		other.id.bytes[0] = 0xee;
		other.id.bytes[14] = (uint8_t)(i >> 8);
		other.id.bytes[15] = (uint8_t)i;
		add_row(p, &other);
	}
}

static void add_rows(struct page *p, const struct fake *f, const struct fake_request *r)
{
	bool live = r->by_status ? f->ignores_status : f->ignores_filter;

	if (!f->filler_last && !r->narrowed)
		add_filler(p, f);
	for (uint32_t i = 0; i < f->runs; i++)
		if (!f->run[i].gone && (f->run[i].archived || live) &&
		    (!r->narrowed || f->run[i].blueprint))
			add_row(p, &f->run[i]);
	if (f->filler_last && !r->narrowed)
		add_filler(p, f);
}

static void add_list(struct mun_buf *b, const struct fake *f, const struct fake_request *r)
{
	struct page all = { .b = b };
	size_t size = f->page_rows > 0 ? f->page_rows : PER_PAGE;
	size_t number = f->repeats_page ? 1 : r->page;
	size_t pages;
	struct page p = { .b = b };

	add_rows(&all, f, r); /* counts */
	pages = (all.rows + size - 1) / size;
	if (f->clamps_page && number > pages && pages > 0)
		number = pages;
	p.first = (number - 1) * size;
	p.end = number * size;
	mun_buf_printf(b, "{\"data\":[");
	add_rows(&p, f, r);
	mun_buf_printf(b,
	               "],\"meta\":{\"pagination\":{\"total\":%zu,\"current_page\":%u,"
	               "\"total_pages\":%zu}}}",
	               p.rows, r->page, f->pages_said > 0 ? (size_t)f->pages_said : pages);
}

char *fake_server_body(const struct fake *f, const struct fake_request *r,
                       const struct fake_answer *a)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	static const struct fake_run other = { .id = { { 0xee } },
		                               .archived = true,
		                               .archived_us = INT64_C(1700000000000000),
		                               .updated_us = MUN_TIME_NONE };

	mun_buf_init(&b, 1u << 20);
	if (a->body != NULL)
		return strdup(a->body);
	if (a->http / 100 != 2)
		return NULL;
	if (r->kind == FAKE_ME) {
		mun_buf_printf(&b, "{\"data\":{\"id\":4711}}");
	} else if (r->kind == FAKE_MEMBER) {
		mun_buf_printf(&b, "{\"data\":{\"id\":4711,\"role\":\"Standard\"}}");
	} else if (r->kind == FAKE_ORGS) {
		mun_buf_printf(&b, "{\"data\":[{\"id\":\"%s\",\"name\":\"Acme\"}]}",
		               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	} else if (r->kind == FAKE_LIST) {
		add_list(&b, f, r);
	} else {
		mun_buf_printf(&b, "{\"data\":");
		add_document(&b, r->run >= 0 ? &f->run[r->run] : &other, a);
		mun_buf_printf(&b, "}");
	}
	return strdup(mun_buf_str(&b));
}
