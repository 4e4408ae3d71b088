/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a bundle beside its entries: against their sums, and against what they follow from.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/bundle_text.h"
#include "journal/lines.h"
#include "journal/verify_impl.h"
#include "lib/base64.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/text.h"

#define SUMS      "SHA256SUMS"
#define SUMS_LINE 256
#define HEX_LEN   (2 * MUN_SHA256_LEN)

static void check_sum(struct mun_verify *v, const char *name, const char *hex,
                      const uint8_t is[static MUN_SHA256_LEN])
{
	uint8_t sum[MUN_SHA256_LEN];

	if (!mun_hex_decode(sum, sizeof(sum), hex, HEX_LEN))
		mun_verify_bad(v, MUN_NO_SEQ, SUMS ": the sum of %s is none", name);
	else if (memcmp(sum, is, sizeof(sum)) != 0)
		mun_verify_bad(v, MUN_NO_SEQ, "%s was altered: it has another sum than in " SUMS,
		               name);
}

/* One line: `HEX  NAME`. */
static enum mun_code check_line(struct mun_verify *v, const struct mun_members *m, const char *line,
                                size_t len, uint8_t *listed, struct mun_err *err)
{
	char name[MUN_MEMBER_NAME];
	uint8_t sum[MUN_SHA256_LEN];
	size_t at;

	if (len <= HEX_LEN + 2 || len - HEX_LEN - 2 >= sizeof(name) ||
	    memcmp(line + HEX_LEN, "  ", 2) != 0 || memchr(line, '\0', len)) {
		mun_verify_bad(v, MUN_NO_SEQ, SUMS " has a malformed line");
		return MUN_OK;
	}
	memcpy(name, line + HEX_LEN + 2, len - HEX_LEN - 2);
	name[len - HEX_LEN - 2] = '\0';
	if (!mun_members_find(m, name, &at)) {
		mun_buf_clear(&v->text);
		mun_text_visible(&v->text, name, strlen(name), true);
		mun_verify_bad(v, MUN_NO_SEQ, "%.150s is missing", mun_buf_str(&v->text));
		return MUN_OK;
	}
	if (listed[at]++) {
		mun_verify_bad(v, MUN_NO_SEQ, SUMS " names %s twice", name);
		return MUN_OK;
	}
	enum mun_code code = mun_members_sha256(m, name, sum, err);
	if (code == MUN_OK)
		check_sum(v, name, line, sum);
	return code;
}

static enum mun_code read_sums(struct mun_verify *v, const struct mun_members *m, uint8_t *listed,
                               struct mun_err *err)
{
	struct mun_lines *lines MUN_CLEANUP(mun_lines_closep) = NULL;
	const char *line;
	uint64_t at = 0;
	size_t len;
	int fd;

	enum mun_code code = mun_members_fd(m, SUMS, &fd, NULL, err);
	if (code == MUN_E_NOTFOUND) {
		mun_verify_bad(v, MUN_NO_SEQ, SUMS " is missing");
		return code;
	}
	if (code == MUN_OK)
		code = mun_lines_open(&lines, fd, SUMS, SUMS_LINE, err);
	while (code == MUN_OK &&
	       (code = mun_lines_read(lines, &at, &line, &len, err)) != MUN_E_NOTFOUND) {
		if (code == MUN_OK)
			code = check_line(v, m, line, len, listed, err);
		if (code != MUN_E_CORRUPT)
			continue;
		mun_verify_bad(v, MUN_NO_SEQ, "%.180s", err->text);
		code = MUN_OK;
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_verify_sums(struct mun_verify *v, const struct mun_members *m,
                              struct mun_err *err)
{
	size_t count = mun_members_count(m), foreign;
	uint8_t *listed = calloc(count + 1, 1);

	if (!listed)
		return mun_fail(err, MUN_E_NOMEM, "no memory for names of files");
	const char *name = mun_members_foreign(m, &foreign);
	if (name)
		mun_verify_bad(v, MUN_NO_SEQ, "%.100s is no file of a bundle%s", name,
		               foreign > 1 ? ", and more" : "");
	enum mun_code code = read_sums(v, m, listed, err);
	for (size_t i = 0; code == MUN_OK && i < count; i++)
		if (!listed[i] && strcmp(mun_members_name(m, i), SUMS) != 0)
			mun_verify_bad(v, MUN_NO_SEQ, "%s is surplus: " SUMS " does not name it",
			               mun_members_name(m, i));
	free(listed);
	if (code == MUN_OK)
		mun_verify_checked(v, "every file has its sum in " SUMS);
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* The verifier key, its hash, and the key as OpenSSL reads it. */
static void make_public_key(struct mun_buf *out, const char *vkey, const uint8_t key[static 32])
{
	/* RFC 8410: SubjectPublicKeyInfo of an Ed25519 key up to the key's 32 bytes */
	static const uint8_t head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
		                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
	uint8_t spki[sizeof(head) + MUN_PUBLIC_LEN], sum[MUN_SHA256_LEN];
	char hex[HEX_LEN + 1];

	memcpy(spki, head, sizeof(head));
	memcpy(spki + sizeof(head), key, MUN_PUBLIC_LEN);
	mun_sha256(sum, vkey, strlen(vkey));
	mun_hex_encode(hex, sum, sizeof(sum));
	mun_buf_printf(out, "%s\nsha256 %s\n-----BEGIN PUBLIC KEY-----\n", vkey, hex);
	mun_base64_add(out, spki, sizeof(spki));
	mun_buf_puts(out, "\n-----END PUBLIC KEY-----\n");
}

/* A file whose bytes are known. */
static enum mun_code compare(struct mun_verify *v, const struct mun_members *m, const char *name,
                             const void *data, size_t len, bool *ret_same, struct mun_err *err)
{
	struct mun_buf is MUN_BUF_CLEANUP;

	mun_buf_init(&is, len);
	*ret_same = false;
	enum mun_code code = mun_members_read(m, name, &is, err);
	if (code == MUN_E_NOTFOUND) {
		mun_verify_bad(v, MUN_NO_SEQ, "%s is missing", name);
		return MUN_OK;
	}
	if (code != MUN_OK && code != MUN_E_CORRUPT)
		return code;
	*ret_same = code == MUN_OK && is.len == len && memcmp(mun_buf_str(&is), data, len) == 0;
	return MUN_OK;
}

static enum mun_code check_public_key(struct mun_verify *v, const struct mun_members *m,
                                      struct mun_err *err)
{
	struct mun_buf want MUN_BUF_CLEANUP;
	bool same;

	if (v->keys_len == 0)
		return MUN_OK;
	mun_buf_init(&want, 4096);
	char vkey[MUN_VKEY_TEXT];
	mun_vkey_format(vkey, &v->keys[v->keys_len - 1].key);
	make_public_key(&want, vkey, v->keys[v->keys_len - 1].key.key);
	enum mun_code code = mun_buf_check(&want, "public-key.txt", err);
	if (code == MUN_OK)
		code = compare(v, m, "public-key.txt", mun_buf_str(&want), want.len, &same, err);
	if (code == MUN_OK && !same)
		mun_verify_bad(v, MUN_NO_SEQ, "public-key.txt is not the key in force");
	else if (code == MUN_OK)
		mun_verify_checked(v, "public-key.txt is the key in force");
	return code;
}

static enum mun_code check_checker(struct mun_verify *v, const struct mun_members *m,
                                   struct mun_err *err)
{
	bool same;

	enum mun_code code =
		compare(v, m, "verify.py", mun_verify_py, mun_verify_py_len, &same, err);
	if (code == MUN_OK && !same)
		mun_verify_note(v, MUN_NO_SEQ,
		                "verify.py is not the one of this version: do not run it unseen");
	else if (code == MUN_OK)
		mun_verify_checked(v, "verify.py is this version's");
	return code;
}

struct counted {
	uint64_t lines, too_long; /* all, and those of more than MUN_BODY_LINE bytes */
	uint64_t len;             /* of the line that goes on */
};

static void count_line(struct counted *c)
{
	c->lines++;
	c->too_long += c->len > MUN_BODY_LINE;
	c->len = 0;
}

static enum mun_code count_lines(int fd, struct counted *c, struct mun_err *err)
{
	char chunk[16384];
	off_t at = 0;

	for (;;) {
		ssize_t got = pread(fd, chunk, sizeof(chunk), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mun_fail_errno(err, MUN_E_IO, errno, "bodies.jsonl");
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i++)
			if (chunk[i] == '\n')
				count_line(c);
			else
				c->len++;
		at += got;
	}
	if (c->len > 0)
		count_line(c);
	return MUN_OK;
}

/* Each line belongs to an entry that commits to it: those were found one by one. */
static enum mun_code check_bodies(struct mun_verify *v, const struct mun_members *m,
                                  struct mun_err *err)
{
	int fd MUN_CLEANUP(mun_closep) = -1;
	struct counted c = { .lines = 0 };

	if (v->gap || v->broken)
		return MUN_OK;
	enum mun_code code = mun_members_fd(m, "bodies.jsonl", &fd, NULL, err);
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code == MUN_OK)
		code = count_lines(fd, &c, err);
	if (code != MUN_OK)
		return code;
	if (c.lines - c.too_long != v->bodies_found || c.too_long > v->bodies_withheld)
		mun_verify_bad(v, MUN_NO_SEQ,
		               "bodies.jsonl has %llu lines, %llu of them belong to an entry",
		               (unsigned long long)c.lines, (unsigned long long)v->bodies_found);
	else if (c.too_long > 0)
		mun_verify_not_checked(v, "%llu bodies: too large, verify.py checks them",
		                       (unsigned long long)c.too_long);
	return MUN_OK;
}

/* NAME, NAME.signed, NAME.1.tsr and on without a gap, of a checkpoint that is there. */
static bool is_of_checkpoint(const struct mun_members *m, const char *name)
{
	char base[MUN_MEMBER_NAME], before[MUN_MEMBER_NAME];
	const char *dot = strchr(name, '.');
	unsigned number;
	int used = 0;

	(void)snprintf(base, sizeof(base), "%.*s", dot ? (int)(dot - name) : (int)strlen(name),
	               name);
	if (!mun_members_find(m, base, NULL))
		return false;
	if (!dot || strcmp(dot, ".signed") == 0)
		return true;
	if (sscanf(dot, ".%2u.tsr%n", &number, &used) != 1 || dot[used] != '\0' || used == 0 ||
	    number < 1 || number > MUN_STAMPS_MAX || dot[1] == '0')
		return false;
	(void)snprintf(before, sizeof(before), "%.60s.%u.tsr", base, number - 1);
	return number == 1 || mun_members_find(m, before, NULL);
}

/* Of an earlier checkpoint: only those are read. */
static bool is_earlier(const struct mun_verify *v, const char *digits)
{
	size_t len = strspn(digits, "0123456789");

	return len > 0 && len < 17 && digits[0] != '0' &&
	       (digits[len] == '\0' || digits[len] == '.') &&
	       strtoull(digits, NULL, 10) < mun_source_size(v->source);
}

/* plan/PLAN.ids, plan/PLAN.overrides of plans that an entry stores. */
static bool is_list(struct mun_verify *v, const char *name)
{
	char text[MUN_REF_TEXT];
	struct mun_ref plan;

	if (strlen(name) < sizeof(text))
		return false;
	memcpy(text, name, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	const char *kind = name + sizeof(text) - 1;
	if (!mun_ref_parse(&plan, 'p', text))
		return false;
	const struct mun_verify_plan *p = mun_verify_find_plan(&v->state, &plan);
	return p && (strcmp(kind, ".ids") == 0 || (p->own && strcmp(kind, ".overrides") == 0));
}

static bool is_of_bundle(struct mun_verify *v, const struct mun_members *m, const char *name)
{
	static const char *const names[] = {
		"README.txt",    SUMS,        "bodies.jsonl",   "entries.jsonl", "history.csv",
		"history.jsonl", "items.csv", "public-key.txt", "summary.json",  "verify.py",
		"withheld"
	};

	for (size_t i = 0; i < MUN_ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (strncmp(name, "plan/", 5) == 0)
		return is_list(v, name + 5);
	if (strncmp(name, "checkpoints/", 12) == 0)
		return is_earlier(v, name + 12) && is_of_checkpoint(m, name);
	return strncmp(name, "checkpoint", 10) == 0 && (name[10] == '\0' || name[10] == '.') &&
	       is_of_checkpoint(m, name);
}

static void check_names(struct mun_verify *v, const struct mun_members *m)
{
	if (!mun_members_find(m, "README.txt", NULL))
		mun_verify_bad(v, MUN_NO_SEQ, "README.txt is missing");
	for (size_t i = 0; i < mun_members_count(m); i++)
		if (!v->gap && !is_of_bundle(v, m, mun_members_name(m, i)))
			mun_verify_bad(v, MUN_NO_SEQ, "%s is no file of this bundle",
			               mun_members_name(m, i));
}

enum mun_code mun_verify_derived(struct mun_verify *v, const struct mun_members *m,
                                 struct mun_err *err)
{
	check_names(v, m);
	enum mun_code code = check_public_key(v, m, err);

	if (code == MUN_OK)
		code = check_checker(v, m, err);
	if (code == MUN_OK)
		code = check_bodies(v, m, err);
	return code == MUN_OK ? mun_verify_files(v, m, err) : code;
}

bool mun_verify_bundle_origin(const char *dir, char ret[static MUN_KEY_NAME_MAX + 1])
{
	struct mun_members *m MUN_CLEANUP(mun_members_closep) = NULL;
	struct mun_buf text MUN_BUF_CLEANUP;
	struct mun_checkpoint c;
	struct mun_err why;

	mun_buf_init(&text, MUN_NOTE_MAX);
	enum mun_code code = mun_members_open(&m, dir, &why);
	if (code == MUN_OK)
		code = mun_members_read(m, "checkpoint", &text, &why);
	if (code == MUN_OK)
		code = mun_verify_read_kept(&c, mun_buf_str(&text), text.len, &why);
	if (code == MUN_OK)
		(void)snprintf(ret, MUN_KEY_NAME_MAX + 1, "%s", c.origin);
	return code == MUN_OK;
}
