/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/damage.h"

#include <string.h>

#include "journal/entry.h"
#include "lib/buf.h"

static void keep(struct mun_damage *d, uint64_t seq)
{
	size_t at = 0;

	while (at < d->len && d->seq[at] < seq)
		at++;
	if (at < d->len && d->seq[at] == seq)
		return;
	if (d->len == MUN_DAMAGE_KEPT) {
		d->more = true;
		if (at == d->len)
			return;
		d->len--;
	}
	memmove(&d->seq[at + 1], &d->seq[at], (d->len - at) * sizeof(d->seq[0]));
	d->seq[at] = seq;
	d->len++;
}

bool mun_damage_note(struct mun_damage *d, enum mun_code code, uint64_t seq,
                     const struct mun_err *why)
{
	if (code != MUN_E_CORRUPT && code != MUN_E_NOTFOUND)
		return false;
	if (!d->any)
		d->why = *why;
	d->any = true;
	if (seq != MUN_NO_SEQ)
		keep(d, seq);
	return true;
}

enum mun_code mun_damage_end(const struct mun_damage *d, enum mun_code code, struct mun_err *err)
{
	struct mun_buf list MUN_BUF_CLEANUP;

	mun_buf_init(&list, 1024);
	if (code != MUN_OK || !d->any)
		return code;
	for (size_t i = 0; i < d->len; i++)
		mun_buf_printf(&list, "%s#%llu", i > 0 ? ", " : "", (unsigned long long)d->seq[i]);
	size_t why_len = strcspn(d->why.text, "\n"); /* without its hint */
	(void)mun_fail(err, MUN_E_CORRUPT, "not all could be read: %s%s%s (%.*s)",
	               d->len > 0 ? "damaged or missing " : "a table is damaged",
	               mun_buf_str(&list), d->more ? ", …" : "", (int)why_len, d->why.text);
	mun_hint(err, "muniment verify names all that is wrong");
	return MUN_E_CORRUPT;
}
