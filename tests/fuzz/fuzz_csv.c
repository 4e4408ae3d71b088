/* SPDX-License-Identifier: Apache-2.0 */
/* CSV. The cells of a record are read back as they were when they are written. */
#include "lib/csv.h"
#include "tests/fuzz/fuzz.h"

static void check_record(const struct mun_csv *in)
{
	struct mun_csv again;
	struct mun_buf line;
	struct mun_err err;
	bool more = false;

	assert(in->fields > 0 && in->fields <= MUN_CSV_FIELDS);
	mun_buf_init(&line, 1 << 20);
	for (size_t i = 0; i < in->fields; i++) {
		if (i > 0)
			mun_buf_putc(&line, ',');
		mun_csv_cell(&line, in->text.data + in->field[i], in->field_len[i], true);
	}
	mun_buf_puts(&line, "\r\n");
	mun_csv_init(&again, line.data, line.len);
	if (mun_csv_next(&again, &more, &err) == MUN_OK && more) {
		assert(again.fields == in->fields);
		for (size_t i = 0; i < in->fields; i++)
			assert(again.field_len[i] == in->field_len[i] &&
			       memcmp(again.text.data + again.field[i],
			              in->text.data + in->field[i], in->field_len[i]) == 0);
	} else {
		/* Quotes and escapes may make it longer than a record may be; an empty one is none.
		 */
		assert(line.len > MUN_CSV_RECORD || (in->fields == 1 && in->field_len[0] == 0));
	}
	mun_csv_done(&again);
	mun_buf_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_csv in;
	struct mun_err err;
	bool more = true;
	size_t pos = 0;

	mun_csv_init(&in, (const char *)data, size);
	while (more) {
		enum mun_code code = mun_csv_next(&in, &more, &err);

		if (code != MUN_OK)
			fuzz_check_failure(code, &err);
		else if (more)
			check_record(&in);
		assert(in.pos <= size && (in.pos > pos || !more));
		pos = in.pos;
	}
	mun_csv_done(&in);
	return 0;
}
