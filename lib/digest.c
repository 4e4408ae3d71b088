/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* A hash that cannot be computed leaves nothing to go on with: libcrypto itself is broken. */
static void must(bool ok)
{
	assert(ok);
	(void)ok;
}

static EVP_MD *fetched;

static void fetch(void)
{
	fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(fetched != NULL);
}

/* A constant, but one that libcrypto looks up: by itself it would do so for each hash. */
static const EVP_MD *sha256(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	must(pthread_once(&once, fetch) == 0);
	return fetched;
}

static void finish(EVP_MD_CTX *ctx, uint8_t ret[static MUN_SHA256_LEN])
{
	unsigned len = 0;

	must(EVP_DigestFinal_ex(ctx, ret, &len) == 1 && len == MUN_SHA256_LEN);
}

void mun_sha256_of(uint8_t ret[static MUN_SHA256_LEN], const struct mun_slice *pieces,
                   size_t pieces_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(pieces_len <= 8);
	must(ctx != NULL && EVP_DigestInit_ex(ctx, sha256(), NULL) == 1);
	for (size_t i = 0; i < pieces_len; i++)
		must(EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].len) == 1);
	finish(ctx, ret);
	EVP_MD_CTX_free(ctx);
}

void mun_sha256(uint8_t ret[static MUN_SHA256_LEN], const void *data, size_t len)
{
	mun_sha256_of(ret, &(struct mun_slice){ data, len }, 1);
}

struct mun_sha256 {
	EVP_MD_CTX *ctx;
};

enum mun_code mun_sha256_new(struct mun_sha256 **ret, struct mun_err *err)
{
	struct mun_sha256 *h = calloc(1, sizeof(*h));

	if (h != NULL)
		h->ctx = EVP_MD_CTX_new();
	if (h == NULL || h->ctx == NULL || EVP_DigestInit_ex(h->ctx, sha256(), NULL) != 1) {
		mun_sha256_freep(&h);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a SHA-256 state");
	}
	*ret = h;
	return MUN_OK;
}

void mun_sha256_add(struct mun_sha256 *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, data, len) == 1);
}

void mun_sha256_end(struct mun_sha256 *h, uint8_t ret[static MUN_SHA256_LEN])
{
	finish(h->ctx, ret);
}

void mun_sha256_again(struct mun_sha256 *h)
{
	must(EVP_DigestInit_ex(h->ctx, NULL, NULL) == 1);
}

void mun_sha256_freep(struct mun_sha256 **h)
{
	if (*h == NULL)
		return;
	EVP_MD_CTX_free((*h)->ctx);
	free(*h);
	*h = NULL;
}
