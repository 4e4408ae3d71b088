/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/csv.h"
#include "lib/manifest.h"
#include "tests/test.h"

#define A     "0123456789abcdef0123456789abcdef"
#define B     "fedcba9876543210fedcba9876543210"
#define UPPER "0123456789ABCDEF0123456789ABCDEF"
#define ORG   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Rows as "line:id[:org][ reason=…][ ticket=…][ name=…][ columns]", a line each. */
static enum mun_code write_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct mun_buf *out = arg;
	char id[MUN_ID_TEXT];

	mun_id_format(id, &row->run);
	mun_buf_printf(out, "%u:%s", (unsigned)row->line, id);
	if (row->has_org) {
		mun_id_format(id, &row->org);
		mun_buf_printf(out, ":%s", id);
	}
	if (row->reason != NULL)
		mun_buf_printf(out, " reason=%s", row->reason);
	if (row->ticket != NULL)
		mun_buf_printf(out, " ticket=%s", row->ticket);
	if (row->name != NULL)
		mun_buf_printf(out, " name=%s", row->name);
	if (row->columns != NULL) {
		assert_int_equal(strlen(row->columns), row->columns_len);
		mun_buf_printf(out, " %s", row->columns);
	}
	mun_buf_putc(out, '\n');
	return mun_buf_check(out, "rows", err);
}

struct result {
	struct mun_buf rows;
	struct mun_manifest_report report;
	struct mun_err err;
	enum mun_code code;
};

static void parse(struct result *ret, const char *data, size_t len,
                  const struct mun_manifest_options *options)
{
	memset(ret, 0, sizeof(*ret));
	mun_buf_init(&ret->rows, 4 << 20);
	mun_buf_init(&ret->report.faults, 1 << 20);
	ret->code = mun_manifest_parse(data, len, options, write_row, &ret->rows, &ret->report,
	                               &ret->err);
}

static void done(struct result *r)
{
	mun_buf_done(&r->rows);
	mun_buf_done(&r->report.faults);
}

static const struct mun_manifest_options automatic = { .source = "list" };

static void test_lists_are_accepted(void **state)
{
	static const struct {
		const char *data;
		enum mun_format format;
		const char *rows;
	} cases[] = {
		{ "", MUN_FORMAT_IDS, "" },
		{ "# nothing\n\n", MUN_FORMAT_IDS, "" },
		{ A "\n# c\n\n  " B "\t\n" A, MUN_FORMAT_IDS, "1:" A "\n4:" B "\n5:" A "\n" },
		{ "https://go.tallyfy.com/" ORG "/processes/" A "\n", MUN_FORMAT_IDS,
		  "1:" A ":" ORG "\n" },
		{ "id\n" A "\n", MUN_FORMAT_CSV, "2:" A "\n" },
		{ "id\n", MUN_FORMAT_CSV, "" },
		{ "Run_ID,name,reason,ticket,x,y\n" A ",\"a,\"\"b\nc\",long enough,T-1,1,\n" B
		  ",,,,\"\",2\n",
		  MUN_FORMAT_CSV,
		  "2:" A " reason=long enough ticket=T-1 name=a,\"b\nc "
		  "{\"name\":\"a,\\\"b\\nc\",\"x\":\"1\",\"y\":\"\"}\n"
		  "4:" B " {\"name\":\"\",\"x\":\"\",\"y\":\"2\"}\n" },
		{ "[\n\"" A "\",\n\"" B "\"]", MUN_FORMAT_JSON, "2:" A "\n3:" B "\n" },
		{ "[]", MUN_FORMAT_JSON, "" },
		{ "{\"id\":\"" A "\",\"name\":\"x\",\"n\":3,\"t\":[1],\"f\":true,\"z\":null}",
		  MUN_FORMAT_JSON,
		  "1:" A " name=x {\"name\":\"x\",\"n\":3,\"t\":[1],\"f\":true,\"z\":null}\n" },
		{ A " # why\n" B "\t#\nhttps://go.tallyfy.com/" ORG "/processes/" A "#tasks # x\n",
		  MUN_FORMAT_IDS, "1:" A "\n2:" B "\n3:" A ":" ORG "\n" },
		{ "[{\"id\":\"" A "\", \"a\" : [1 , {\"k\" : \" x\\\" y\"} ],\n\"\\u0062\": 1.50,"
		  "\"e\":-1E400}]",
		  MUN_FORMAT_JSON,
		  "1:" A " {\"a\":[1,{\"k\":\" x\\\" y\"}],\"\\u0062\":1.50,\"e\":-1E400}\n" },
		{ "{\"d\\u0061ta\":[\n{\"id\":\"" A "\"}],\"meta\":{\"id\":1}}", MUN_FORMAT_JSON,
		  "2:" A "\n" },
		{ "{\"data\":[]}", MUN_FORMAT_JSON, "" },
		/* the object is a run itself, not a list */
		{ "{\"data\":[\"x\"],\"id\":\"" A "\"}", MUN_FORMAT_JSON,
		  "1:" A " {\"data\":[\"x\"]}\n" },
		{ "{\n \"meta\": [1, {}],\n \"data\": [\n  {\"id\": \"" A "\"},\n  {\"id\": \"" B
		  "\"}\n ]\n}\n",
		  MUN_FORMAT_JSON, "4:" A "\n5:" B "\n" },
		{ "{\"id\":\"" A "\"}\n\n{\"run_id\":\"" B "\"}\n", MUN_FORMAT_JSONL,
		  "1:" A "\n3:" B "\n" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct result r;

		parse(&r, cases[i].data, strlen(cases[i].data), &automatic);
		assert_ok(r.code, &r.err);
		assert_int_equal(r.report.format, cases[i].format);
		assert_string_equal(mun_buf_str(&r.rows), cases[i].rows);
		done(&r);
	}
}

static void test_accepted_oddities_are_reported(void **state)
{
	static const char data[] = "\xef\xbb\xbf" UPPER "\r\n" A;
	struct result r;

	(void)state;
	parse(&r, data, sizeof(data) - 1, &automatic);
	assert_ok(r.code, &r.err);
	assert_true(r.report.bom && r.report.crlf && r.report.no_last_newline);
	assert_int_equal(r.report.folded, 1);
	assert_int_equal(r.report.rows, 2);
	done(&r);
}

static void test_wrong_encodings_and_structures_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *text;
	} cases[] = {
#define ICONV(from)      "convert it: iconv -f " from " -t UTF-8 FILE > FILE.utf8"
#define CASE(data, text) { data, sizeof(data) - 1, text }
		CASE("\xff\xfe"
		     "0\0",
		     "list: UTF-16 text at byte 0\nhint: " ICONV("UTF-16")),
		CASE("0\0"
		     "1\0",
		     "list: UTF-16 text (NUL) at byte 1\nhint: " ICONV("UTF-16LE")),
		CASE("\0\0\0\0", "list: NUL at byte 0"),
		CASE("abc\n\0", "list: NUL at byte 4\nhint: " ICONV("UTF-16")),
		CASE("caf\xe9\n", "list: not UTF-8 at byte 3\nhint: " ICONV("WINDOWS-1252")),
		CASE("ab\rcd\n",
		     "list: a carriage return without a newline at byte 2\nhint: convert it: "
		     "tr '\\r' '\\n' < FILE | iconv -f UTF-8 -t UTF-8 > FILE.utf8"),
		CASE("\xef\xbb\xbf"
		     "a\x1b[0m\n",
		     "list: a control character at byte 4\nhint: " ICONV("ISO-2022-JP")),
		CASE("a\xc2\x9b\n",
		     "list: a control character at byte 1\nhint: " ICONV("WINDOWS-1252")),
		CASE("id;name\n" A ";x\n",
		     "list: no column id, run_id or process_id in the header\nhint: "
		     "fields must be separated by commas: export it again with "
		     "commas"),
		CASE("id,run_id\n" A "," B "\n",
		     "list: two columns of ids: 1 and 2\nhint: name the one to "
		     "use with --id-column"),
		CASE("a,b\n",
		     "list: no column id, run_id or process_id in the header\nhint: name the "
		     "column with --id-column"),
		CASE("id,x,X\n", "list: columns 2 and 3 have the same name"),
		CASE("[\"" A "\",\n", "list: line 2: invalid JSON at byte 37: the text ends here"),
		CASE("\xef\xbb\xbf[\"" A "\"\n\"" B "\"]",
		     "list: line 2: invalid JSON at byte 39: expected ',' or ']'"),
		CASE("[\"" A "\"]\n\n]",
		     "list: line 1: invalid JSON at byte 38: something stands after the value"),
		CASE("{\"data\":[\"" A "\"],\n\"x\":}",
		     "list: line 2: invalid JSON at byte 50: expected a value"),
		CASE("{\"data\":[\"" A "\"],\"x\":1,\"x\":2}",
		     "list: invalid JSON: key \"x\" appears twice in one object"),
		CASE("{\"data\":[\"" A "\"],\"data\":[]}",
		     "list: invalid JSON: key \"data\" appears twice in one object"),
		CASE("id,name\n\"" A "\"x,y\n", "list: 1 bad row, nothing is taken from this list"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct result r;

		parse(&r, cases[i].data, cases[i].len, &automatic);
		assert_fails(r.code, MUN_E_INPUT, &r.err);
		assert_string_equal(r.err.text, cases[i].text);
		done(&r);
	}
}

#define QUOTES "an id is a string of 32 characters in quotes"

static void test_all_bad_rows_are_collected(void **state)
{
	static const char csv[] = "id,reason\n" A ",short\nabc,\n" A "\n" B ",long enough\n\"" A
				  "\"x,\n" A ",\"open\n";
	static const char json[] =
		"[7,\n{\"id\":5},\n{\"x\":1},{\"id\":\"" A "\",\"run_id\":\"x\"},\n[],\n\"" A "\"]";
	struct result r;

	(void)state;
	parse(&r, csv, sizeof(csv) - 1, &automatic);
	assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_string_equal(r.err.text, "list: 5 bad rows, nothing is taken from this list");
	assert_string_equal(mun_buf_str(&r.report.faults),
	                    "line 2: the reason has 5 characters, it must have 8 to 500\n"
	                    "line 3: \"abc\" is no run id (an id is 32 characters of 0-9 and a-f)\n"
	                    "line 4: 1 field, the header has 2\n"
	                    "line 6: text behind a closing quote\n"
	                    "line 7: a quote is opened and never closed\n");
	assert_string_equal(mun_buf_str(&r.rows), "5:" B " reason=long enough\n");
	done(&r);
	parse(&r, json, sizeof(json) - 1, &automatic);
	assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_string_equal(mun_buf_str(&r.report.faults),
	                    "line 1: a number is no id (" QUOTES ")\n"
	                    "line 2: a number is no id (" QUOTES ")\n"
	                    "line 3: no key id, run_id or process_id\n"
	                    "line 3: more than one key of an id (name the one to use with "
	                    "--id-column)\n"
	                    "line 4: the id is no string\n");
	assert_string_equal(mun_buf_str(&r.rows), "5:" A "\n");
	done(&r);
}

static void test_only_so_many_faults_are_kept(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf data = { .max = 1 << 16 };
	size_t lines = 0;
	struct result r;

	(void)state;
	for (int i = 0; i < MUN_MANIFEST_FAULTS + 50; i++)
		mun_buf_puts(&data, "x\n");
	parse(&r, data.data, data.len, &automatic);
	assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_int_equal(r.report.bad, MUN_MANIFEST_FAULTS + 50);
	for (const char *p = mun_buf_str(&r.report.faults); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, MUN_MANIFEST_FAULTS);
	done(&r);
}

static void test_arguments_are_ids_and_nothing_else(void **state)
{
	const struct mun_manifest_options options = { .source = "arguments",
		                                      .format = MUN_FORMAT_IDS,
		                                      .arguments = true };
	static const char data[] =
		A "\n\n# x\n" B " # x\nhttps://go.tallyfy.com/" ORG "/processes/" B "\n";
	struct result r;

	(void)state;
	parse(&r, data, sizeof(data) - 1, &options);
	assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_string_equal(mun_buf_str(&r.rows), "1:" A "\n5:" B ":" ORG "\n");
	assert_int_equal(r.report.bad, 3);
	assert_memory_equal(mun_buf_str(&r.report.faults), "argument 2: run id is empty (", 29);
	done(&r);
}

static enum mun_code refuse_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	(void)arg;
	return row->line == 2 ? MUN_OK : mun_fail(err, MUN_E_INPUT, "not this one");
}

static void test_a_row_can_be_refused_by_its_receiver(void **state)
{
	static const char data[] = A "\n" A "\n" B "\n";
	struct mun_manifest_report report = { .rows = 0 };
	struct mun_err err;

	(void)state;
	mun_buf_init(&report.faults, 4096);
	assert_fails(mun_manifest_parse(data, sizeof(data) - 1, &automatic, refuse_row, NULL,
	                                &report, &err),
	             MUN_E_INPUT, &err);
	assert_int_equal(report.rows, 1);
	assert_string_equal(mun_buf_str(&report.faults),
	                    "line 1: not this one\nline 3: not this one\n");
	mun_buf_done(&report.faults);
}

/* A row of n bytes too many, between two good ones: only it is refused. */
static void check_limit(const char *before, const char *fill, size_t len, const char *after,
                        const char *fault)
{
	MUN_BUF_CLEANUP struct mun_buf data = { .max = 16 << 20 };
	struct result r;

	mun_buf_puts(&data, before);
	for (size_t i = 0; i < len; i++)
		mun_buf_puts(&data, fill);
	mun_buf_puts(&data, after);
	parse(&r, data.data, data.len, &automatic);
	if (fault == NULL)
		assert_ok(r.code, &r.err);
	else
		assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_string_equal(mun_buf_str(&r.report.faults), fault == NULL ? "" : fault);
	assert_int_equal(r.report.rows, fault == NULL ? 3 : 2);
	done(&r);
}

#define OBJECT(id, rest) "{\"id\":\"" id "\"" rest "}"
#define C_FIRST          "[" OBJECT(A, "") ",\n{\"id\":\"" A "\",\"x\":\""
#define C_LAST           "\"},\n" OBJECT(A, "") "]"
#define L_FIRST          OBJECT(A, "") "\n{\"id\":\"" A "\",\"x\":\""
#define L_LAST           "\"}\n" OBJECT(A, "") "\n"

static void test_limits_of_a_row(void **state)
{
	/* id and key take 48 bytes */
	const size_t most = MUN_MANIFEST_ROW - 48;

	(void)state;
	check_limit(C_FIRST, "x", most, C_LAST, NULL);
	check_limit(C_FIRST, "x", most + 1, C_LAST,
	            "line 2: 1048577 bytes, the limit of a row is 1048576\n");
	check_limit(L_FIRST, "x", most, L_LAST, NULL);
	check_limit(L_FIRST, "x", most + 1, L_LAST,
	            "line 2: 1048577 bytes, the limit of a row is 1048576\n");
	check_limit("id,x\n" A ",\n" A ",", "x", MUN_CSV_RECORD - 33, "\n" A ",\n", NULL);
	check_limit("id,x\n" A ",\n" A ",", "x", MUN_CSV_RECORD - 32, "\n" A ",\n",
	            "line 3: longer than the limit of 1048576 bytes\n");
	check_limit("id,x\n" A ",\n" A ",\n" A ",\"", "x\n", MUN_CSV_RECORD, "\"\n",
	            "line 4: a quote is opened and not closed within 1048576 bytes "
	            "(the rows behind it were not read)\n");
	/* a tab takes two bytes as JSON */
	check_limit("id,x,y\n" A ",,\n" A ",", "\t", MUN_COLUMNS_MAX / 2, ",\n" A ",,\n",
	            "line 3: the other columns of the row take more than 1048576 bytes\n");
}

static void test_number_of_columns(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf data = { .max = 65536 };
	struct result r;

	(void)state;
	mun_buf_puts(&data, "{\"id\":\"" A "\"");
	for (unsigned i = 0; i < MUN_COLUMNS_COUNT; i++)
		mun_buf_printf(&data, ",\"c%u\":%u", i, i);
	mun_buf_puts(&data, "}");
	parse(&r, data.data, data.len, &automatic);
	assert_ok(r.code, &r.err);
	done(&r);
	data.data[data.len - 1] = ',';
	mun_buf_puts(&data, "\"one\":1}");
	parse(&r, data.data, data.len, &automatic);
	assert_fails(r.code, MUN_E_INPUT, &r.err);
	assert_string_equal(mun_buf_str(&r.report.faults), "line 1: more than 256 keys\n");
	done(&r);
}

static void test_id_column_chooses(void **state)
{
	const struct mun_manifest_options options = { .source = "list", .id_column = "Run_Id" };
	static const char data[] = "id,run_id\nx," B "\n";
	struct result r;

	(void)state;
	parse(&r, data, sizeof(data) - 1, &options);
	assert_ok(r.code, &r.err);
	assert_string_equal(mun_buf_str(&r.rows), "2:" B " {\"id\":\"x\"}\n");
	done(&r);
}

/* A file cut anywhere is refused, or holds only whole rows of the full one. */
static void test_cut_files_yield_no_other_rows(void **state)
{
	static const char data[] = "id,reason\n" A ",\"long, enough\"\n" B ",long enough\n";
	static const char rows[] = "2:" A " reason=long, enough\n3:" B " reason=long enough\n";

	(void)state;
	for (size_t len = 0; len < sizeof(data); len++) {
		char *copy = malloc(len + 1); /* exact, so that valgrind sees a read behind it */
		struct result r;

		assert_non_null(copy);
		memcpy(copy, data, len);
		parse(&r, copy, len, &automatic);
		if (r.code == MUN_OK && len < sizeof(data) - 10)
			assert_memory_equal(mun_buf_str(&r.rows), rows,
			                    r.report.rows == 0 ? 0 : 2 + sizeof(A) - 1);
		done(&r);
		free(copy);
	}
}

static void test_reason_and_ticket_limits(void **state)
{
	struct mun_err err;
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[500] = '\0';
	assert_ok(mun_reason_check(text, &err), &err);
	assert_ok(mun_reason_check(
			  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", &err),
	          &err);
	text[128] = '\0';
	assert_ok(mun_ticket_check(text, &err), &err);
	text[128] = 'x';
	assert_fails(mun_ticket_check(text, &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, "the ticket has 500 bytes, it must have 1 to 128");
	text[500] = 'x';
	text[501] = '\0';
	assert_fails(mun_reason_check(text, &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, "the reason has 501 characters, it must have 8 to 500");
	assert_fails(mun_reason_check("1234567", &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, "the reason has 7 characters, it must have 8 to 500");
	assert_fails(mun_reason_check("12345678\n", &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, "the reason has a control character");
	assert_fails(mun_ticket_check("", &err), MUN_E_INPUT, &err);
}

static enum mun_code count_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	(void)row;
	(void)err;
	++*(uint64_t *)arg;
	return MUN_OK;
}

static void test_many_rows_are_counted(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf data = { .max = 64 << 20 };
	struct mun_manifest_report report = { .rows = 0 };
	struct mun_err err;
	uint64_t count = 0;

	(void)state;
	mun_buf_init(&report.faults, 4096);
	mun_buf_puts(&data, "id,name\n");
	for (unsigned i = 0; i < 20000; i++)
		mun_buf_printf(&data, "%032x,\"run %u\"\n", i, i);
	assert_ok(mun_manifest_parse(data.data, data.len, &automatic, count_row, &count, &report,
	                             &err),
	          &err);
	assert_int_equal(count, 20000);
	mun_buf_done(&report.faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_are_accepted),
		cmocka_unit_test(test_accepted_oddities_are_reported),
		cmocka_unit_test(test_wrong_encodings_and_structures_are_refused),
		cmocka_unit_test(test_all_bad_rows_are_collected),
		cmocka_unit_test(test_only_so_many_faults_are_kept),
		cmocka_unit_test(test_arguments_are_ids_and_nothing_else),
		cmocka_unit_test(test_a_row_can_be_refused_by_its_receiver),
		cmocka_unit_test(test_limits_of_a_row),
		cmocka_unit_test(test_number_of_columns),
		cmocka_unit_test(test_id_column_chooses),
		cmocka_unit_test(test_cut_files_yield_no_other_rows),
		cmocka_unit_test(test_reason_and_ticket_limits),
		cmocka_unit_test(test_many_rows_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
