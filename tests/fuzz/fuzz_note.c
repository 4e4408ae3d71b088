/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, checkpoints, verifier keys and base64: what is taken is written the same again. */
#include "lib/base64.h"
#include "lib/tlog/checkpoint.h"
#include "tests/fuzz/fuzz.h"

#define KEY     "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define WITNESS "ArmoredWitness-floral-sky+c7cf0b6d+BOkCmTmKTTnQMNqIigkj7PFnhogawSJD23PJ8M8qLYDm"

static void check_line(const struct mun_note *n, const struct mun_note_line *line)
{
	struct mun_vkey key;
	struct mun_err err;

	assert(line->line > n->text && line->len > 0 && line->line[line->len - 1] == '\n');
	assert(line->name > line->line && line->name_len > 0);
	assert(line->name + line->name_len < line->line + line->len);
	assert(line->sig_len > 0 && line->sig_len <= sizeof(line->sig));
	assert(mun_vkey_parse(&key, KEY, &err) == MUN_OK);
	(void)mun_note_check(n, &key, NULL, NULL);
	assert(mun_vkey_parse(&key, WITNESS, &err) == MUN_OK);
	(void)mun_note_check(n, &key, NULL, NULL);
}

/* The lines fill the note from the empty line to its end. */
static void check_note(const char *data, size_t size)
{
	struct mun_note n;
	struct mun_err err;
	enum mun_code code = mun_note_parse(&n, data, size, &err);
	const char *at;

	if (code != MUN_OK) {
		fuzz_check_failure(code, &err);
		return;
	}
	assert(n.text == data && n.text_len > 0 && n.text[n.text_len - 1] == '\n');
	assert(n.sig_len > 0 && n.sig_len <= MUN_NOTE_SIGS);
	at = n.text + n.text_len;
	assert(*at == '\n');
	at++;
	for (size_t i = 0; i < n.sig_len; i++) {
		assert(n.sig[i].line == at);
		check_line(&n, &n.sig[i]);
		at += n.sig[i].len;
	}
	assert(at == data + size);
}

static void check_checkpoint(const char *data, size_t size)
{
	MUN_BUF_CLEANUP struct mun_buf out;
	struct mun_checkpoint c;
	struct mun_note note;
	struct mun_err err;
	enum mun_code code = mun_checkpoint_parse(&c, data, size, &err);

	mun_buf_init(&out, 1000);
	if (code != MUN_OK) {
		fuzz_check_failure(code, &err);
	} else {
		mun_checkpoint_format(&out, &c);
		assert(!out.failed && out.len <= size && memcmp(out.data, data, out.len) == 0);
	}
	code = mun_checkpoint_read(&c, &note, data, size, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
}

static void check_vkey(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	char again[MUN_VKEY_TEXT];
	struct mun_vkey key;
	struct mun_err err;
	enum mun_code code = mun_vkey_parse(&key, text, &err);

	if (code != MUN_OK) {
		fuzz_check_failure(code, &err);
	} else {
		mun_vkey_format(again, &key);
		assert(strncmp(again, text, strlen(again)) == 0);
		assert(strcmp(text + strlen(again), "\n") == 0 || !text[strlen(again)]);
	}
	free(text);
}

static void check_base64(const char *data, size_t size)
{
	MUN_BUF_CLEANUP struct mun_buf bytes;
	MUN_BUF_CLEANUP struct mun_buf again;
	struct mun_err err;

	mun_buf_init(&bytes, 1 << 20);
	mun_buf_init(&again, 2 << 20);
	if (mun_base64_decode(&bytes, data, size, &err) != MUN_OK)
		return;
	mun_base64_add(&again, bytes.data, bytes.len);
	assert(again.len == size && memcmp(mun_buf_str(&again), data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_note((const char *)data, size);
	check_checkpoint((const char *)data, size);
	check_vkey(data, size);
	check_base64((const char *)data, size);
	return 0;
}
