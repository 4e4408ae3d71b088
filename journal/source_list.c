/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/source_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/lines.h"
#include "lib/file.h"

#define KEPT         8
#define ID_LINE      MUN_ID_TEXT /* 32 digits and a newline */
#define WINDOW_ITEMS 1024
#define OVERRIDE_MAX 16384
#define MARK_ITEMS   256

struct list {
	bool used, broken;
	struct mun_ref plan;
	int fd;
	uint32_t items;
	char window[WINDOW_ITEMS * ID_LINE];
	uint32_t first, len;   /* items in the window */
	struct mun_lines *own; /* NULL: no row has its own reason */
	uint64_t *own_at;      /* owned: of every MARK_ITEMS-th item, where overrides go on */
	uint32_t item;         /* at is where they go on for this one */
	uint64_t at;
};

struct mun_lists {
	const struct mun_members *m;
	struct list list[KEPT];
	unsigned next;
};

static void list_done(struct list *l)
{
	if (!l->used)
		return;
	mun_closep(&l->fd);
	mun_lines_closep(&l->own);
	free(l->own_at);
	l->own_at = NULL;
	l->used = false;
}

void mun_lists_closep(struct mun_lists **l)
{
	for (size_t i = 0; *l && i < KEPT; i++)
		list_done(&(*l)->list[i]);
	free(*l);
	*l = NULL;
}

enum mun_code mun_lists_open(struct mun_lists **ret, const struct mun_members *m,
                             struct mun_err *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return mun_fail(err, MUN_E_NOMEM, "no memory for lists");
	(*ret)->m = m;
	return MUN_OK;
}

static enum mun_code fill(struct list *l, uint32_t item, struct mun_err *err)
{
	size_t got = 0, want = sizeof(l->window);

	l->first = item;
	while (got < want) {
		ssize_t n = pread(l->fd, l->window + got, want - got,
		                  (off_t)((uint64_t)item * ID_LINE + got));
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR)
			return mun_fail_errno(err, MUN_E_IO, errno, "a list of the bundle");
	}
	l->len = (uint32_t)(got / ID_LINE);
	return MUN_OK;
}

static enum mun_code read_id(struct list *l, uint32_t item, const char **ret, struct mun_id *ret_id,
                             struct mun_err *err)
{
	if (item >= l->items)
		return MUN_E_NOTFOUND;
	if (item < l->first || item - l->first >= l->len) {
		enum mun_code code = fill(l, item, err);
		if (code != MUN_OK)
			return code;
	}
	if (item - l->first >= l->len)
		return mun_fail(err, MUN_E_CORRUPT, "the list has become shorter");
	*ret = l->window + (size_t)(item - l->first) * ID_LINE;
	if (mun_id_parse(ret_id, *ret, ID_LINE - 1) != MUN_ID_OK || (*ret)[ID_LINE - 1] != '\n')
		return mun_fail(err, MUN_E_CORRUPT, "line %u of the list is no id", item + 1);
	return MUN_OK;
}

/* The override of the item, if the next one is its; NOTFOUND: it has none, or none are left. */
static enum mun_code read_own(struct list *l, const char *id, const char **ret, size_t *ret_len,
                              struct mun_err *err)
{
	uint64_t at = l->at;

	enum mun_code code = mun_lines_read(l->own, &at, ret, ret_len, err);
	if (code != MUN_OK)
		return code;
	if (*ret_len < ID_LINE || memcmp(*ret, id, ID_LINE - 1) != 0)
		return MUN_E_NOTFOUND;
	l->at = at;
	*ret += ID_LINE - 1;
	*ret_len -= ID_LINE - 1;
	return MUN_OK;
}

/* Where the overrides stand for every so many items; all of them must belong to one. */
static enum mun_code index_own(struct list *l, struct mun_err *err)
{
	size_t len;
	const char *id, *own;
	struct mun_id run;

	l->own_at = calloc(l->items / MARK_ITEMS + 1, sizeof(*l->own_at));
	if (!l->own_at)
		return mun_fail(err, MUN_E_NOMEM, "no memory for places in a list");
	for (uint32_t item = 0; item < l->items; item++) {
		if (item % MARK_ITEMS == 0)
			l->own_at[item / MARK_ITEMS] = l->at;
		enum mun_code code = read_id(l, item, &id, &run, err);
		if (code == MUN_OK)
			code = read_own(l, id, &own, &len, err);
		if (code != MUN_OK && code != MUN_E_NOTFOUND)
			return code;
	}
	l->item = l->items;
	enum mun_code code = mun_lines_read(l->own, &l->at, &own, &len, err);
	return code == MUN_E_NOTFOUND ? MUN_OK
	       : code == MUN_OK ? mun_fail(err, MUN_E_CORRUPT, "a line of overrides is of no item")
	                        : code;
}

static enum mun_code open_own(struct mun_lists *ls, struct list *l, const char *plan,
                              struct mun_err *err)
{
	char name[MUN_MEMBER_NAME];
	int fd;

	(void)snprintf(name, sizeof(name), "plan/%s.overrides", plan);
	enum mun_code code = mun_members_fd(ls->m, name, &fd, NULL, err);
	if (code != MUN_OK)
		return code == MUN_E_NOTFOUND ? MUN_OK : code;
	code = mun_lines_open(&l->own, fd, "a file of overrides", OVERRIDE_MAX, err);
	return code == MUN_OK ? index_own(l, err) : code;
}

static enum mun_code open_list(struct mun_lists *ls, struct list *l, const struct mun_ref *plan,
                               struct mun_err *err)
{
	char text[MUN_REF_TEXT], name[MUN_MEMBER_NAME];
	uint64_t size;

	mun_ref_format(text, 'p', plan);
	(void)snprintf(name, sizeof(name), "plan/%s.ids", text);
	if (!mun_members_find(ls->m, name, NULL))
		return MUN_E_NOTFOUND;
	list_done(l);
	memset(l, 0, sizeof(*l));
	enum mun_code code = mun_members_fd(ls->m, name, &l->fd, &size, err);
	if (code != MUN_OK)
		return code;
	l->used = true;
	l->plan = *plan;
	if (size % ID_LINE != 0 || size / ID_LINE > UINT32_MAX)
		code = mun_fail(err, MUN_E_CORRUPT, "%s has no whole lines of ids", name);
	l->items = (uint32_t)(size / ID_LINE);
	if (code == MUN_OK)
		code = open_own(ls, l, text, err);
	l->broken = code == MUN_E_CORRUPT;
	if (code != MUN_OK && !l->broken)
		list_done(l);
	return code;
}

static enum mun_code get_list(struct mun_lists *ls, const struct mun_ref *plan, struct list **ret,
                              struct mun_err *err)
{
	for (size_t i = 0; i < KEPT; i++) {
		*ret = &ls->list[i];
		if ((*ret)->used && mun_ref_equal(&(*ret)->plan, plan))
			return (*ret)->broken ? mun_fail(err, MUN_E_CORRUPT, "the list is damaged")
			                      : MUN_OK;
	}
	*ret = &ls->list[ls->next++ % KEPT];
	return open_list(ls, *ret, plan, err);
}

/* An override of before is passed over; the marks bring back to where they are known. */
static enum mun_code go_to(struct list *l, uint32_t item, struct mun_err *err)
{
	const char *id, *own;
	struct mun_id run;
	size_t len;

	if (item < l->item || item - l->item > MARK_ITEMS) {
		l->item = item / MARK_ITEMS * MARK_ITEMS;
		l->at = l->own_at[item / MARK_ITEMS];
	}
	while (l->item < item) {
		enum mun_code code = read_id(l, l->item, &id, &run, err);
		if (code == MUN_OK)
			code = read_own(l, id, &own, &len, err);
		if (code != MUN_OK && code != MUN_E_NOTFOUND)
			return code;
		l->item++;
	}
	return MUN_OK;
}

static enum mun_code split(const char *own, size_t len, struct mun_list_row *ret,
                           struct mun_buf *text, struct mun_err *err)
{
	const char *second = len > 0 && own[0] == '\t' ? memchr(own + 1, '\t', len - 1) : NULL;
	size_t reason_at = text->len, reason_len, ticket_len;

	if (!second || memchr(second + 1, '\t', (size_t)(own + len - second - 1)) ||
	    memchr(own, '\0', len))
		return mun_fail(err, MUN_E_CORRUPT, "a line of overrides is malformed");
	reason_len = (size_t)(second - own - 1);
	ticket_len = (size_t)(own + len - second - 1);
	mun_buf_add(text, own + 1, reason_len);
	mun_buf_putc(text, '\0');
	mun_buf_add(text, second + 1, ticket_len);
	mun_buf_putc(text, '\0');
	enum mun_code code = mun_buf_check(text, "a row", err);
	if (code != MUN_OK)
		return code;
	ret->reason = reason_len > 0 ? text->data + reason_at : NULL;
	ret->ticket = ticket_len > 0 ? text->data + reason_at + reason_len + 1 : NULL;
	return MUN_OK;
}

static enum mun_code get_own(struct list *l, uint32_t item, struct mun_list_row *ret,
                             struct mun_buf *text, struct mun_err *err)
{
	const char *id, *own;
	struct mun_id run;
	size_t len;

	enum mun_code code = go_to(l, item, err);
	if (code == MUN_OK)
		code = read_id(l, item, &id, &run, err);
	if (code == MUN_OK)
		code = read_own(l, id, &own, &len, err);
	if (code == MUN_OK || code == MUN_E_NOTFOUND)
		l->item = item + 1;
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	return code == MUN_OK ? split(own, len, ret, text, err) : code;
}

enum mun_code mun_lists_row(struct mun_lists *ls, const struct mun_ref *plan, uint32_t item,
                            struct mun_list_row *ret, struct mun_buf *text, struct mun_err *err)
{
	struct list *l;
	const char *id;

	enum mun_code code = get_list(ls, plan, &l, err);
	if (code == MUN_OK)
		code = read_id(l, item, &id, &ret->run, err);
	if (code != MUN_OK)
		return code;
	ret->line = item + 1; /* a bundle does not say in which line of the manifest it stood */
	ret->reason = ret->ticket = NULL;
	return l->own ? get_own(l, item, ret, text, err) : MUN_OK;
}
