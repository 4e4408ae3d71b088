/* SPDX-License-Identifier: Apache-2.0 */
/* A list of runs in any format. The first byte chooses the format and the options. */
#include "lib/json_scan.h"
#include "lib/manifest.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	uint64_t rows;
	uint32_t line;
};

static enum mun_code take_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct seen *seen = arg;
	struct mun_err ignored;

	assert(row->line > 0 && row->line >= seen->line);
	seen->line = row->line;
	if (row->reason)
		assert(mun_reason_check(row->reason, &ignored) == MUN_OK);
	if (row->ticket)
		assert(mun_ticket_check(row->ticket, &ignored) == MUN_OK);
	if (row->columns) {
		assert(strlen(row->columns) == row->columns_len && row->columns[0] == '{');
		assert(mun_json_scan(row->columns, row->columns_len, &ignored) == MUN_OK);
		assert(!strchr(row->columns, '\n'));
	}
	/* A refusal of the caller's makes a bad row. */
	if (row->run.bytes[0] == 0xee)
		return mun_fail(err, MUN_E_INPUT, "not this one");
	seen->rows++;
	return MUN_OK;
}

static void parse(const char *data, size_t len, const struct mun_manifest_options *o)
{
	struct mun_manifest_report report = { 0 };
	struct seen seen = { 0 };
	struct mun_err err;
	enum mun_code code;

	mun_buf_init(&report.faults, 1 << 20);
	code = mun_manifest_parse(data, len, o, take_row, &seen, &report, &err);
	if (code != MUN_OK) {
		assert(code == MUN_E_INPUT);
		fuzz_check_failure(code, &err);
	}
	assert(report.rows == seen.rows && report.folded <= report.rows);
	assert(code != MUN_OK || report.bad == 0);
	for (const char *s = mun_buf_str(&report.faults); *s; s = strchr(s, '\n') + 1) {
		assert(strchr(s, '\n') && fuzz_is_plain(s, strcspn(s, "\n")));
	}
	mun_buf_done(&report.faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_manifest_options o = { .source = "list" };

	if (size == 0)
		return 0;
	o.format = data[0] % (MUN_FORMAT_JSON + 1);
	o.id_column = (data[0] & 0x40) ? "key" : NULL;
	o.arguments = data[0] & 0x80;
	parse((const char *)data + 1, size - 1, &o);
	return 0;
}
