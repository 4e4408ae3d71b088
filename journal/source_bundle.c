/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/lines.h"
#include "journal/source_impl.h"
#include "journal/source_list.h"
#include "journal/withheld.h"
#include "lib/base64.h"
#include "lib/digest.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/tlog/checkpoint.h"

#define SALT_LEN     32
#define WITHHELD_MAX 100 /* bytes of a line */

struct from_bundle {
	struct mun_source base;
	struct mun_members *members;
	struct mun_lines *entries, *found; /* one after the other, and by number */
	uint64_t at;                       /* of the next entry */
	struct mun_lines *bodies;          /* NULL: none in the bundle */
	struct mun_lists *lists;
	struct mun_lines *withheld; /* NULL: the whole range */
	uint64_t withheld_at;
	struct mun_withheld piece; /* the next of withheld */
	bool piece_known;
	uint64_t *sizes; /* owned, ascending: of the checkpoints */
	size_t sizes_len;
};

static struct from_bundle *of(struct mun_source *s)
{
	return (struct from_bundle *)(void *)s;
}

static void close_bundle(struct mun_source *base)
{
	struct from_bundle *s = of(base);

	mun_lines_closep(&s->entries);
	mun_lines_closep(&s->found);
	mun_lines_closep(&s->bodies);
	mun_lines_closep(&s->withheld);
	mun_lists_closep(&s->lists);
	mun_members_closep(&s->members);
	free(s->sizes);
	free(s);
}

static void freep(struct from_bundle **s)
{
	if (*s)
		close_bundle(&(*s)->base);
}

static enum mun_code next_entry(struct mun_source *base, uint64_t *ret_seq, const char **ret_line,
                                size_t *ret_len, struct mun_err *err)
{
	struct from_bundle *s = of(base);

	*ret_seq = MUN_NO_SEQ;
	enum mun_code code = mun_lines_read(s->entries, &s->at, ret_line, ret_len, err);
	if (code == MUN_OK && !mun_lines_number(*ret_line, *ret_len, ret_seq))
		return mun_fail(err, MUN_E_CORRUPT, "a line of entries.jsonl has no seq");
	return code;
}

static enum mun_code peek(struct mun_source *base, uint64_t *ret_seq, struct mun_err *err)
{
	struct from_bundle *s = of(base);
	uint64_t at = s->at;
	const char *line;
	size_t len;

	enum mun_code code = next_entry(base, ret_seq, &line, &len, err);
	s->at = at;
	return code;
}

static enum mun_code rewind_bundle(struct mun_source *base, struct mun_err *err)
{
	struct from_bundle *s = of(base);

	(void)err;
	s->at = s->withheld_at = 0;
	s->piece_known = false;
	return MUN_OK;
}

static enum mun_code get_entry(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err)
{
	const char *line;
	size_t len;

	enum mun_code code = mun_lines_find(of(s)->found, seq, &line, &len, err);
	if (code != MUN_OK)
		return code;
	mun_buf_add(ret, line, len);
	return mun_buf_check(ret, "an entry", err);
}

static enum mun_code get_list_row(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                  struct mun_list_row *ret, struct mun_buf *text,
                                  struct mun_err *err)
{
	return mun_lists_row(of(s)->lists, plan, item, ret, text, err);
}

static enum mun_code no_columns(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                struct mun_buf *ret, struct mun_err *err)
{
	(void)s;
	(void)plan;
	(void)item;
	(void)ret;
	(void)err;
	return MUN_E_NOTFOUND;
}

/* The line is what an export writes of it, and nothing else: no space, no escape, no other order.
 */
static bool is_exact(const char *line, size_t len, uint64_t seq, size_t bytes_len, const char *salt,
                     const uint8_t commit[static MUN_SHA256_LEN])
{
	static const char head[] = "{\"bytes\":\"";
	char tail[256], hex[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(hex, commit, MUN_SHA256_LEN);
	size_t tail_len = (size_t)snprintf(tail, sizeof(tail),
	                                   "\",\"commit\":\"%s\",\"salt\":\"%.44s\",\"seq\":%llu}",
	                                   hex, salt, (unsigned long long)seq);
	return len == sizeof(head) - 1 + bytes_len + tail_len &&
	       memcmp(line, head, sizeof(head) - 1) == 0 &&
	       memcmp(line + len - tail_len, tail, tail_len) == 0;
}

static enum mun_code read_body(const char *line, size_t len, uint64_t seq,
                               uint8_t ret_salt[static SALT_LEN], struct mun_buf *ret,
                               struct mun_err *err)
{
	uint8_t commit[MUN_SHA256_LEN];
	struct mun_json *doc MUN_CLEANUP(mun_json_freep) = NULL;
	struct mun_err why;

	enum mun_code code = mun_json_parse(&doc, line, len, &why);
	if (code == MUN_E_NOMEM)
		return mun_fail(err, code, "no memory for a body");
	const struct mun_json_val *root = code == MUN_OK ? mun_json_root(doc) : NULL;
	const char *salt = mun_json_str(mun_json_get(root, "salt"));
	const char *bytes = mun_json_str(mun_json_get(root, "bytes"));
	if (!salt || !bytes || mun_json_count(root) != 4 ||
	    !mun_base64_exact(ret_salt, SALT_LEN, salt, strlen(salt)))
		return mun_fail(err, MUN_E_CORRUPT, "a line of bodies.jsonl is malformed");
	size_t before = ret->len;
	code = mun_base64_decode(ret, bytes, strlen(bytes), err);
	if (code != MUN_OK)
		return code == MUN_E_INPUT ? MUN_E_CORRUPT : code;
	const struct mun_slice pieces[] = { { ret_salt, SALT_LEN },
		                            { ret->data + before, ret->len - before } };
	mun_sha256_of(commit, pieces, MUN_ARRAY_LEN(pieces));
	return is_exact(line, len, seq, strlen(bytes), salt, commit)
	               ? MUN_OK
	               : mun_fail(err, MUN_E_CORRUPT,
	                          "a line of bodies.jsonl is not what its bytes make");
}

static enum mun_code get_body(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
                              struct mun_buf *ret, struct mun_err *err)
{
	const char *line;
	size_t len;

	if (!of(s)->bodies)
		return MUN_E_NOTFOUND;
	enum mun_code code = mun_lines_find(of(s)->bodies, seq, &line, &len, err);
	return code == MUN_OK ? read_body(line, len, seq, ret_salt, ret, err) : code;
}

static bool read_decimal(const char **p, const char *end, char until, uint64_t *ret)
{
	const char *start = *p;

	for (*ret = 0; *p < end && **p >= '0' && **p <= '9' && *p - start < 17; (*p)++)
		*ret = *ret * 10 + (uint64_t)(**p - '0');
	if (*p == start || (*start == '0' && *p - start > 1) || *p == end || **p != until)
		return false;
	(*p)++;
	return true;
}

/* START HEIGHT HASH: a subtree of the tree, within its size. */
static bool read_piece(struct from_bundle *s, const char *line, size_t len)
{
	struct mun_err ignored;

	return mun_withheld_parse(&s->piece, line, len, &ignored) == MUN_OK &&
	       s->piece.height < 53 && s->piece.start < s->base.size &&
	       UINT64_C(1) << s->piece.height <= s->base.size - s->piece.start;
}

static enum mun_code get_withheld(struct mun_source *base, uint64_t seq, unsigned *ret_height,
                                  uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err)
{
	struct from_bundle *s = of(base);
	const char *line;
	size_t len;

	if (!s->withheld)
		return MUN_E_NOTFOUND;
	if (!s->piece_known) {
		enum mun_code code = mun_lines_read(s->withheld, &s->withheld_at, &line, &len, err);
		if (code != MUN_OK)
			return code;
		if (!read_piece(s, line, len))
			return mun_fail(err, MUN_E_CORRUPT, "a line of withheld is malformed");
		s->piece_known = true;
	}
	if (s->piece.start != seq) {
		bool passed = s->piece.start < seq;
		s->piece_known = !passed;
		return passed ? mun_fail(err, MUN_E_CORRUPT,
		                         "withheld has what stands in entries.jsonl: from #%llu on",
		                         (unsigned long long)s->piece.start)
		              : MUN_E_NOTFOUND;
	}
	s->piece_known = false;
	*ret_height = s->piece.height;
	memcpy(ret_hash, s->piece.hash, MUN_SHA256_LEN);
	return MUN_OK;
}

/* The raw replies NAME.1.tsr, NAME.2.tsr, … */
static enum mun_code read_stamps(const struct from_bundle *s, const char *name,
                                 struct mun_signed *ret, struct mun_err *err)
{
	char stamp[MUN_MEMBER_NAME];

	for (ret->stamps_len = 0; ret->stamps_len < MUN_STAMPS_MAX; ret->stamps_len++) {
		size_t at = ret->stamp.len;
		(void)snprintf(stamp, sizeof(stamp), "%.64s.%zu.tsr", name, ret->stamps_len + 1);
		enum mun_code code = mun_members_read(s->members, stamp, &ret->stamp, err);
		if (code == MUN_E_NOTFOUND)
			break;
		if (code != MUN_OK)
			return code;
		ret->stamps[ret->stamps_len].at = at;
		ret->stamps[ret->stamps_len].len = ret->stamp.len - at;
	}
	return MUN_OK;
}

static enum mun_code read_checkpoint(const struct from_bundle *s, const char *name,
                                     struct mun_signed *ret, struct mun_err *err)
{
	struct mun_buf as_signed MUN_BUF_CLEANUP;
	char other[MUN_MEMBER_NAME];
	struct mun_checkpoint c;
	struct mun_note lines;
	struct mun_err why;

	mun_buf_init(&as_signed, MUN_NOTE_MAX);
	(void)snprintf(other, sizeof(other), "%.64s.signed", name);
	enum mun_code code = mun_members_read(s->members, name, &ret->note, err);
	if (code == MUN_E_NOTFOUND)
		code = mun_fail(err, MUN_E_CORRUPT, "%s is missing", name);
	if (code == MUN_OK)
		code = mun_members_read(s->members, other, &as_signed, err);
	if (code == MUN_E_NOTFOUND)
		code = mun_fail(err, MUN_E_CORRUPT, "%s is missing", other);
	if (code != MUN_OK)
		return code;
	if (as_signed.len > ret->note.len ||
	    memcmp(mun_buf_str(&as_signed), mun_buf_str(&ret->note), as_signed.len) != 0)
		return mun_fail(err, MUN_E_CORRUPT, "%s does not begin with what %s holds", name,
		                other);
	code = mun_checkpoint_read(&c, &lines, mun_buf_str(&as_signed), as_signed.len, &why);
	if (code != MUN_OK)
		return mun_fail(err, MUN_E_CORRUPT, "%s is no signed checkpoint", other);
	ret->signed_len = as_signed.len;
	return read_stamps(s, name, ret, err);
}

static void name_of(const struct from_bundle *s, uint64_t size, char ret[static MUN_MEMBER_NAME])
{
	if (size == s->base.size)
		(void)snprintf(ret, MUN_MEMBER_NAME, "checkpoint");
	else
		(void)snprintf(ret, MUN_MEMBER_NAME, "checkpoints/%llu", (unsigned long long)size);
}

static enum mun_code next_checkpoint(struct mun_source *base, uint64_t above,
                                     struct mun_signed *ret, struct mun_err *err)
{
	struct from_bundle *s = of(base);
	size_t low = 0, high = s->sizes_len;
	char name[MUN_MEMBER_NAME];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->sizes[middle] <= above)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->sizes_len)
		return MUN_E_NOTFOUND;
	mun_signed_done(ret);
	mun_signed_init(ret);
	ret->size = s->sizes[low];
	name_of(s, ret->size, name);
	return read_checkpoint(s, name, ret, err);
}

static int compare_sizes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* checkpoints/SIZE, and the size of the bundle itself. */
static enum mun_code list_sizes(struct from_bundle *s, struct mun_err *err)
{
	static const char folder[] = "checkpoints/";
	size_t members = mun_members_count(s->members);

	s->sizes = calloc(members + 1, sizeof(*s->sizes));
	if (!s->sizes)
		return mun_fail(err, MUN_E_NOMEM, "no memory for sizes of checkpoints");
	s->sizes[s->sizes_len++] = s->base.size;
	for (size_t i = 0; i < members; i++) {
		const char *name = mun_members_name(s->members, i);
		if (strncmp(name, folder, sizeof(folder) - 1) != 0)
			continue;
		char digits[32];
		const char *p = digits;
		uint64_t size;
		int len = snprintf(digits, sizeof(digits), "%.20s/", name + sizeof(folder) - 1);
		if (read_decimal(&p, digits + len, '/', &size) && p == digits + len &&
		    size < s->base.size)
			s->sizes[s->sizes_len++] = size;
	}
	qsort(s->sizes, s->sizes_len, sizeof(*s->sizes), compare_sizes);
	return MUN_OK;
}

static enum mun_code open_lines(const struct from_bundle *s, const char *name, size_t max,
                                struct mun_lines **ret, struct mun_err *err)
{
	int fd;

	enum mun_code code = mun_members_fd(s->members, name, &fd, NULL, err);
	return code == MUN_OK ? mun_lines_open(ret, fd, name, max, err) : code;
}

static enum mun_code open_optional(const struct from_bundle *s, const char *name, size_t max,
                                   struct mun_lines **ret, struct mun_err *err)
{
	enum mun_code code = open_lines(s, name, max, ret, err);

	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code read_size(struct from_bundle *s, struct mun_err *err)
{
	struct mun_buf text MUN_BUF_CLEANUP;
	struct mun_checkpoint c;
	struct mun_note note;

	mun_buf_init(&text, MUN_NOTE_MAX);
	enum mun_code code = mun_members_read(s->members, "checkpoint", &text, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "checkpoint is missing");
	if (code == MUN_OK)
		code = mun_checkpoint_read(&c, &note, mun_buf_str(&text), text.len, err);
	if (code != MUN_OK)
		return code == MUN_E_INPUT ? mun_wrap(err, MUN_E_CORRUPT, "checkpoint") : code;
	s->base.size = c.size;
	return MUN_OK;
}

static enum mun_code open_files(struct from_bundle *s, struct mun_err *err)
{
	enum mun_code code = open_lines(s, "entries.jsonl", MUN_ENTRY_MAX, &s->entries, err);

	if (code == MUN_OK)
		code = open_lines(s, "entries.jsonl", MUN_ENTRY_MAX, &s->found, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "entries.jsonl is missing");
	if (code == MUN_OK)
		code = open_optional(s, "bodies.jsonl", MUN_BODY_LINE, &s->bodies, err);
	if (code == MUN_OK)
		code = open_optional(s, "withheld", WITHHELD_MAX, &s->withheld, err);
	if (code == MUN_OK)
		code = mun_lists_open(&s->lists, s->members, err);
	return code == MUN_OK ? list_sizes(s, err) : code;
}

enum mun_code mun_source_bundle(struct mun_source **ret, const char *dir, struct mun_err *err)
{
	static const struct mun_source_ops ops = {
		.close = close_bundle,
		.next = next_entry,
		.peek = peek,
		.rewind = rewind_bundle,
		.entry = get_entry,
		.list_row = get_list_row,
		.columns = no_columns,
		.body = get_body,
		.withheld = get_withheld,
		.checkpoint = next_checkpoint,
	};
	struct from_bundle *s MUN_CLEANUP(freep) = calloc(1, sizeof(*s));

	if (!s)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	s->base.ops = &ops;
	enum mun_code code = mun_members_open(&s->members, dir, err);
	if (code == MUN_OK)
		code = read_size(s, err);
	if (code == MUN_OK)
		code = open_files(s, err);
	if (code != MUN_OK)
		return code;
	s->base.bundle = true;
	s->base.partial = s->withheld != NULL;
	s->base.bodies = s->bodies != NULL;
	*ret = &MUN_STEAL(s)->base;
	return MUN_OK;
}
