/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlog/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/encoding.h"
#include "lib/text.h"
#include "lib/tlog/line.h"

static enum mun_code fail_line(struct mun_err *err, const struct mun_lines *l, const char *why)
{
	return mun_fail(err, MUN_E_INPUT, "checkpoint, line %zu: %s", l->number, why);
}

static bool is_origin(const struct mun_slice *line)
{
	return line->len > 0 && line->len <= MUN_KEY_NAME_MAX &&
	       mun_utf8_bad(line->data, line->len) == line->len &&
	       mun_control_at(line->data, line->len) == line->len;
}

enum mun_code mun_checkpoint_parse(struct mun_checkpoint *ret, const char *text, size_t len,
                                   struct mun_err *err)
{
	struct mun_checkpoint c = { .size = 0 };
	struct mun_slice line;
	struct mun_lines l;

	mun_lines_init(&l, text, len);
	if (!mun_lines_next(&l, &line) || !is_origin(&line))
		return fail_line(err, &l, "no origin of 1 to 200 bytes");
	memcpy(c.origin, line.data, line.len);
	if (!mun_lines_next(&l, &line) || !mun_line_number(&line, &c.size))
		return fail_line(err, &l, "no size as a decimal number");
	if (!mun_lines_next(&l, &line) ||
	    !mun_base64_exact(c.root, sizeof(c.root), line.data, line.len))
		return fail_line(err, &l, "no root hash of 32 bytes in base64");
	while (l.left > 0) {
		if (!mun_lines_next(&l, &line) || line.len == 0)
			return fail_line(err, &l, "an extension line is empty or has no newline");
	}
	*ret = c;
	return MUN_OK;
}

void mun_checkpoint_format(struct mun_buf *ret, const struct mun_checkpoint *c)
{
	mun_buf_printf(ret, "%s\n%" PRIu64 "\n", c->origin, c->size);
	mun_base64_add(ret, c->root, sizeof(c->root));
	mun_buf_putc(ret, '\n');
}

enum mun_code mun_checkpoint_read(struct mun_checkpoint *ret, struct mun_note *ret_note,
                                  const char *data, size_t len, struct mun_err *err)
{
	struct mun_note note;
	enum mun_code code = mun_note_parse(&note, data, len, err);

	if (code == MUN_OK)
		code = mun_checkpoint_parse(ret, note.text, note.text_len, err);
	if (code == MUN_OK)
		*ret_note = note;
	return code;
}
