/* SPDX-License-Identifier: Apache-2.0 */
/* A new journal: its name, its keys, its first entry. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/handle.h"
#include "lib/cursor.h"
#include "lib/hex.h"

/* Host names in lower case; what is not a letter, digit or dash becomes a dash. */
static void make_origin(char *ret, size_t ret_size, const char *id)
{
	char host[64] = "";

	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		(void)snprintf(host, sizeof(host), "host");
	for (char *p = host; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		else if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9'))
			*p = '-';
	}
	(void)snprintf(ret, ret_size, "muniment/%s-%.8s", host, id);
}

static enum mun_code put_meta(struct mun_txn *t, const char *key, const void *data, size_t len,
                              struct mun_err *err)
{
	return mun_txn_put(t, MUN_T_META, mun_text_val(key), mun_val(data, len), err);
}

enum mun_code mun_journal_put_format(struct mun_txn *t, struct mun_err *err)
{
	uint8_t format[12];

	for (size_t i = 0; i < 3; i++)
		mun_put_u32(format + 4 * i, MUN_FORMAT_VERSION);
	return put_meta(t, MUN_META_FORMAT, format, sizeof(format), err);
}

static enum mun_code write_meta(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
{
	uint8_t id[MUN_META_ID_LEN];
	enum mun_code code;

	mun_random(id, sizeof(id));
	mun_random(j->fingerprint_key, sizeof(j->fingerprint_key));
	mun_random(j->salt, sizeof(j->salt));
	mun_hex_encode(j->id.id, id, sizeof(id));
	make_origin(j->id.origin, sizeof(j->id.origin), j->id.id);
	j->id.min_reader = MUN_FORMAT_VERSION;
	j->id.min_writer = MUN_FORMAT_VERSION;
	code = mun_journal_put_format(t, err);
	if (code == MUN_OK)
		code = put_meta(t, MUN_META_ID, id, sizeof(id), err);
	if (code == MUN_OK)
		code = put_meta(t, MUN_META_ORIGIN, j->id.origin, strlen(j->id.origin), err);
	if (code == MUN_OK)
		code = put_meta(t, MUN_META_FINGERPRINT, j->fingerprint_key,
		                sizeof(j->fingerprint_key), err);
	if (code == MUN_OK)
		code = put_meta(t, MUN_META_SALT, j->salt, sizeof(j->salt), err);
	return code;
}

enum mun_code mun_journal_create(struct mun_journal *j, const struct mun_journal_options *o,
                                 struct mun_txn *t, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_CREATED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_tree tree;
	unsigned admitted;
	enum mun_code code = write_meta(j, t, err);

	if (code != MUN_OK)
		return code;
	e.u.created.journal = j->id.id;
	e.u.created.origin = j->id.origin;
	e.u.created.version = o->version;
	e.u.created.exe_sha256 = o->exe_sha256;
	e.u.created.previous = o->previous;
	mun_tree_init(&tree);
	j->created = true;
	return mun_append_within(j, t, &tree, &g, &admitted, err);
}
