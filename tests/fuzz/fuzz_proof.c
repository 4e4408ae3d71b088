/* SPDX-License-Identifier: Apache-2.0 */
/* Proof files and requests to a witness: what is taken is written the same again, and is checked
 * against any root without harm. */
#include "lib/tlog/proof.h"
#include "tests/fuzz/fuzz.h"

static void check_proof(const struct mun_proof *p, uint64_t a, uint64_t b)
{
	const uint8_t *hash = p->hash[0];

	assert(p->len <= MUN_PROOF_HASHES);
	(void)mun_proof_includes(hash, a, b, hash, p);
	(void)mun_proof_includes(hash, b, a, hash, p);
	(void)mun_proof_consistent(a, hash, b, hash, p);
	(void)mun_proof_consistent(b, hash, a, hash, p);
}

static void check_same(const struct mun_buf *out, const char *data, size_t size)
{
	assert(!out->failed && out->len == size && memcmp(out->data, data, size) == 0);
}

static void check_file(const char *data, size_t size)
{
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
	MUN_BUF_CLEANUP struct mun_buf out;
	struct mun_err err;
	enum mun_code code = mun_tlog_proof_parse(&p, data, size, &err);

	mun_buf_init(&out, 1 << 20);
	if (code != MUN_OK) {
		fuzz_check_failure(code, &err);
		return;
	}
	assert(p.note > data && p.note_len > 0 && p.note + p.note_len == data + size);
	mun_tlog_proof_format(&out, &p);
	check_same(&out, data, size);
	check_proof(&p.proof, p.index, p.note_len);
	check_proof(&p.proof, p.index, UINT64_MAX);
}

static void check_request(const char *data, size_t size)
{
	MUN_BUF_CLEANUP struct mun_buf out;
	struct mun_add_checkpoint a;
	struct mun_err err;
	enum mun_code code = mun_add_checkpoint_parse(&a, data, size, &err);

	mun_buf_init(&out, 1 << 20);
	if (code != MUN_OK) {
		fuzz_check_failure(code, &err);
		return;
	}
	assert(a.note > data && a.note_len > 0 && a.note + a.note_len == data + size);
	mun_add_checkpoint_format(&out, &a);
	check_same(&out, data, size);
	check_proof(&a.proof, a.old, a.note_len);
	check_proof(&a.proof, a.old, UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_file((const char *)data, size);
	check_request((const char *)data, size);
	return 0;
}
