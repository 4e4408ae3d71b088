/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlog/note.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/cursor.h"
#include "lib/digest.h"
#include "lib/encoding.h"
#include "lib/hex.h"
#include "lib/text.h"
#include "lib/tlog/line.h"

#define DASH         "\xe2\x80\x94 " /* em dash and space: how a signature line begins */
#define HASH_LEN     4
#define TIME_LEN     8
#define ENCODED_LEN  (1 + MUN_PUBLIC_LEN) /* type and key */
#define COSIGNED     "cosignature/v1\ntime "
#define COSIGNED_MAX (sizeof(COSIGNED) + 24 + MUN_NOTE_MAX)

/* White_Space of Unicode above ASCII; U+0085 is a control character. */
static const char *const spaces[] = {
	"\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
	"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

static bool is_space(const char *s, size_t len)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(spaces); i++) {
		size_t n = strlen(spaces[i]);

		if (len >= n && memcmp(s, spaces[i], n) == 0)
			return true;
	}
	/* U+2000 to U+200A */
	return len >= 3 && memcmp(s, "\xe2\x80", 2) == 0 && (uint8_t)s[2] >= 0x80 &&
	       (uint8_t)s[2] <= 0x8a;
}

static bool is_name(const char *s, size_t len)
{
	if (len == 0 || mun_utf8_bad(s, len) != len || mun_control_at(s, len) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == ' ' || s[i] == '+' || is_space(s + i, len - i))
			return false;
	}
	return true;
}

static uint32_t hash_of(const char *name, const uint8_t encoded[static ENCODED_LEN])
{
	const struct mun_slice pieces[] = { { name, strlen(name) },
		                            { "\n", 1 },
		                            { encoded, ENCODED_LEN } };
	uint8_t hash[MUN_SHA256_LEN];

	mun_sha256_of(hash, pieces, MUN_ARRAY_LEN(pieces));
	return mun_get_u32(hash);
}

static void encode_key(uint8_t ret[static ENCODED_LEN], enum mun_key_type type, const uint8_t *key)
{
	ret[0] = (uint8_t)type;
	memcpy(ret + 1, key, MUN_PUBLIC_LEN);
}

enum mun_code mun_vkey_make(struct mun_vkey *ret, const char *name, enum mun_key_type type,
                            const uint8_t key[static MUN_PUBLIC_LEN], struct mun_err *err)
{
	struct mun_vkey made = { .type = type };
	uint8_t encoded[ENCODED_LEN];
	size_t len = strlen(name);

	if (len > MUN_KEY_NAME_MAX || !is_name(name, len))
		return mun_fail(err, MUN_E_USAGE,
		                "the name of a key has 1 to %d bytes, and neither blanks, control "
		                "characters nor a plus",
		                MUN_KEY_NAME_MAX);
	encode_key(encoded, type, key);
	memcpy(made.name, name, len);
	memcpy(made.key, key, MUN_PUBLIC_LEN);
	made.hash = hash_of(name, encoded);
	*ret = made;
	return MUN_OK;
}

static enum mun_code bad_vkey(struct mun_err *err, const char *why)
{
	return mun_fail(err, MUN_E_INPUT, "not a verifier key (NAME+HASH+KEY): %s", why);
}

enum mun_code mun_vkey_parse(struct mun_vkey *ret, const char *text, struct mun_err *err)
{
	struct mun_vkey k = { .type = MUN_KEY_ED25519 };
	uint8_t encoded[ENCODED_LEN];
	uint8_t hash[HASH_LEN];
	size_t name_len = strcspn(text, "+");
	const char *rest = text + name_len;
	size_t key_len;

	if (name_len > MUN_KEY_NAME_MAX || !is_name(text, name_len))
		return bad_vkey(err, "the name is empty, too long, or has blanks");
	if (strlen(rest) < 2 + 2 * HASH_LEN || rest[1 + 2 * HASH_LEN] != '+' ||
	    !mun_hex_decode(hash, HASH_LEN, rest + 1, 2 * HASH_LEN))
		return bad_vkey(err, "the hash is no eight lower-case hexadecimal digits");
	rest += 2 + 2 * HASH_LEN;
	key_len = strlen(rest);
	if (key_len > 0 && rest[key_len - 1] == '\n')
		key_len--;
	if (!mun_base64_exact(encoded, sizeof(encoded), rest, key_len))
		return bad_vkey(err, "the key is not 33 bytes in base64");
	if (encoded[0] != MUN_KEY_ED25519 && encoded[0] != MUN_KEY_COSIGNER)
		return bad_vkey(err, "the key is of a type that is not known here");
	memcpy(k.name, text, name_len);
	memcpy(k.key, encoded + 1, MUN_PUBLIC_LEN);
	k.type = encoded[0];
	k.hash = mun_get_u32(hash);
	if (k.hash != hash_of(k.name, encoded))
		return bad_vkey(err, "the hash does not fit the name and the key");
	*ret = k;
	return MUN_OK;
}

void mun_vkey_format(char ret[static MUN_VKEY_TEXT], const struct mun_vkey *key)
{
	uint8_t encoded[ENCODED_LEN];
	char base64[MUN_BASE64_LEN(ENCODED_LEN) + 1];

	encode_key(encoded, key->type, key->key);
	mun_base64_encode(base64, encoded, sizeof(encoded));
	(void)snprintf(ret, MUN_VKEY_TEXT, "%s+%08" PRIx32 "+%s", key->name, key->hash, base64);
}

bool mun_vkey_equal(const struct mun_vkey *a, const struct mun_vkey *b)
{
	return a->hash == b->hash && a->type == b->type && strcmp(a->name, b->name) == 0 &&
	       memcmp(a->key, b->key, MUN_PUBLIC_LEN) == 0;
}

static enum mun_code fail_at(struct mun_err *err, const char *data, size_t at, const char *why)
{
	size_t number = 1;

	for (size_t i = 0; i < at; i++)
		number += data[i] == '\n';
	return mun_fail(err, MUN_E_INPUT, "signed note, line %zu: %s", number, why);
}

/* Where a control character other than a newline stands, else len. */
static size_t control_in(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && ((uint8_t)s[i] >= ' ' || s[i] == '\n'))
		i++;
	return i;
}

/* NULL, or what is wrong with the line. */
static const char *read_line(struct mun_note_line *ret, const struct mun_slice *line)
{
	struct mun_slice rest;
	uint8_t bytes[HASH_LEN + sizeof(ret->sig)];
	const char *space;
	size_t total;

	if (!mun_line_after(line, DASH, &rest))
		return "a signature begins with a dash and a space";
	space = memchr(rest.data, ' ', rest.len);
	if (space == NULL)
		return "a signature is a name and base64, a space between them";
	ret->line = line->data;
	ret->len = line->len + 1;
	ret->name = rest.data;
	ret->name_len = (size_t)(space - ret->name);
	if (!is_name(ret->name, ret->name_len))
		return "the name of a key is empty or has blanks, control characters or a plus";
	if (!mun_base64_prefix(bytes, sizeof(bytes), space + 1, rest.len - ret->name_len - 1,
	                       &total))
		return "a signature is not strict base64";
	if (total <= HASH_LEN)
		return "a signature is too short";
	ret->hash = mun_get_u32(bytes);
	ret->sig_len = (total < sizeof(bytes) ? total : sizeof(bytes)) - HASH_LEN;
	memcpy(ret->sig, bytes + HASH_LEN, ret->sig_len);
	return NULL;
}

static enum mun_code read_signatures(struct mun_note *note, const char *data, size_t at, size_t len,
                                     struct mun_err *err)
{
	struct mun_slice line;
	struct mun_lines l;

	mun_lines_init(&l, data + at, len - at);
	while (mun_lines_next(&l, &line)) {
		const char *wrong = note->sig_len == MUN_NOTE_SIGS
		                            ? "there are more than 64 signatures"
		                            : read_line(&note->sig[note->sig_len], &line);

		if (wrong != NULL)
			return fail_at(err, data, (size_t)((const char *)line.data - data), wrong);
		note->sig_len++;
	}
	if (note->sig_len == 0)
		return fail_at(err, data, len, "there is no signature");
	return MUN_OK;
}

enum mun_code mun_note_parse(struct mun_note *ret, const char *data, size_t len,
                             struct mun_err *err)
{
	struct mun_note note = { .text = data };
	size_t end = len;
	enum mun_code code;

	if (len > MUN_NOTE_MAX)
		return mun_fail(err, MUN_E_INPUT, "a signed note has %zu bytes, the limit is %zu",
		                len, MUN_NOTE_MAX);
	if (mun_utf8_bad(data, len) != len)
		return fail_at(err, data, mun_utf8_bad(data, len), "not UTF-8");
	if (control_in(data, len) != len)
		return fail_at(err, data, control_in(data, len), "a control character");
	if (len == 0 || data[len - 1] != '\n')
		return fail_at(err, data, len, "the last line has no newline");
	/* The last empty line: those of the text stand before it. */
	while (end > 1 && (data[end - 1] != '\n' || data[end - 2] != '\n'))
		end--;
	if (end <= 1)
		return fail_at(err, data, len, "no empty line before signatures");
	note.text_len = end - 1;
	code = read_signatures(&note, data, end, len, err);
	if (code == MUN_OK)
		*ret = note;
	return code;
}

/* What a cosigner signs. */
static size_t cosigned(char ret[static COSIGNED_MAX], uint64_t time_s, const char *text,
                       size_t text_len)
{
	int head = snprintf(ret, COSIGNED_MAX, COSIGNED "%" PRIu64 "\n", time_s);

	assert(head > 0 && text_len <= MUN_NOTE_MAX);
	memcpy(ret + head, text, text_len);
	return (size_t)head + text_len;
}

static bool is_cosigned(const struct mun_note *n, const struct mun_note_line *line,
                        const struct mun_vkey *key, uint64_t *ret_time_s)
{
	char message[COSIGNED_MAX];
	size_t len;

	if (line->sig_len != TIME_LEN + MUN_SIGNATURE_LEN || mun_get_u64(line->sig) > INT64_MAX)
		return false;
	*ret_time_s = mun_get_u64(line->sig);
	len = cosigned(message, *ret_time_s, n->text, n->text_len);
	return mun_sign_verify(line->sig + TIME_LEN, key->key, message, len);
}

static bool is_signed(const struct mun_note *n, const struct mun_note_line *line,
                      const struct mun_vkey *key, uint64_t *ret_time_s)
{
	switch (key->type) {
	case MUN_KEY_ED25519:
		*ret_time_s = 0;
		return line->sig_len == MUN_SIGNATURE_LEN &&
		       mun_sign_verify(line->sig, key->key, n->text, n->text_len);
	case MUN_KEY_COSIGNER:
		return is_cosigned(n, line, key, ret_time_s);
	}
	return false;
}

enum mun_note_found mun_note_check(const struct mun_note *n, const struct mun_vkey *key,
                                   uint64_t *ret_time_s, size_t *ret_at)
{
	size_t name_len = strlen(key->name);
	size_t at = n->sig_len;
	uint64_t earliest = 0;

	for (size_t i = 0; i < n->sig_len; i++) {
		const struct mun_note_line *line = &n->sig[i];
		uint64_t time_s;

		if (line->hash != key->hash || line->name_len != name_len ||
		    memcmp(line->name, key->name, name_len) != 0)
			continue;
		if (!is_signed(n, line, key, &time_s))
			return MUN_NOTE_INVALID;
		if (at == n->sig_len || time_s < earliest) {
			at = i;
			earliest = time_s;
		}
	}
	if (at == n->sig_len)
		return MUN_NOTE_ABSENT;
	if (ret_time_s != NULL)
		*ret_time_s = earliest;
	if (ret_at != NULL)
		*ret_at = at;
	return MUN_NOTE_VALID;
}

static void sign_cosigner(uint8_t ret[static TIME_LEN + MUN_SIGNATURE_LEN], const char *text,
                          size_t text_len, const struct mun_secret *secret, uint64_t time_s)
{
	char message[COSIGNED_MAX];
	size_t len = cosigned(message, time_s, text, text_len);

	mun_put_u64(ret, time_s);
	mun_sign(ret + TIME_LEN, secret, message, len);
}

void mun_note_sign(struct mun_buf *ret, const char *text, size_t text_len,
                   const struct mun_vkey *key, const struct mun_secret *secret, uint64_t time_s)
{
	uint8_t sig[HASH_LEN + TIME_LEN + MUN_SIGNATURE_LEN];
	size_t len = sizeof(sig);

	assert(text_len > 0 && text[text_len - 1] == '\n');
	mun_put_u32(sig, key->hash);
	switch (key->type) {
	case MUN_KEY_ED25519:
		mun_sign(sig + HASH_LEN, secret, text, text_len);
		len -= TIME_LEN;
		break;
	case MUN_KEY_COSIGNER:
		sign_cosigner(sig + HASH_LEN, text, text_len, secret, time_s);
		break;
	}
	mun_buf_printf(ret, DASH "%s ", key->name);
	mun_base64_add(ret, sig, len);
	mun_buf_putc(ret, '\n');
}
