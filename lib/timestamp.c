/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/timestamp.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "lib/crypto.h"
#include "lib/text.h"

/* ---- libcrypto's objects as cleanup variables ---- */

static void request_freep(TS_REQ **p)
{
	TS_REQ_free(*p);
}

static void reply_freep(TS_RESP **p)
{
	TS_RESP_free(*p);
}

static void context_freep(TS_VERIFY_CTX **p)
{
	if (*p)
		TS_VERIFY_CTX_free(*p);
}

static void store_freep(X509_STORE **p)
{
	X509_STORE_free(*p);
}

static void imprint_freep(TS_MSG_IMPRINT **p)
{
	TS_MSG_IMPRINT_free(*p);
}

static void algorithm_freep(X509_ALGOR **p)
{
	X509_ALGOR_free(*p);
}

static void integer_freep(ASN1_INTEGER **p)
{
	ASN1_INTEGER_free(*p);
}

/*
 * The words of libcrypto for what went wrong: its own, not the peer's. The queue is emptied, so
 * that nobody else takes its errors for theirs.
 */
static enum mun_code refuse(struct mun_err *err, enum mun_code code)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long number = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = ERR_reason_error_string(number);

	if (ERR_GET_LIB(number) == ERR_LIB_TS &&
	    ERR_GET_REASON(number) == TS_R_CERTIFICATE_VERIFY_ERROR && data &&
	    (flags & ERR_TXT_STRING))
		(void)mun_fail(err, code, "the time stamp is not valid: %s", data);
	else
		(void)mun_fail(err, code, "the time stamp is not valid: %s",
		               reason ? reason : "libcrypto refuses it");
	ERR_clear_error();
	return code;
}

static enum mun_code no_memory(struct mun_err *err)
{
	ERR_clear_error();
	return mun_fail(err, MUN_E_NOMEM, "no memory for a time stamp");
}

/* ---- requests ---- */

/* nonce: NULL for none. */
static TS_REQ *request_new(const uint8_t digest[static MUN_SHA256_LEN], const uint64_t *nonce)
{
	TS_REQ *req MUN_CLEANUP(request_freep) = TS_REQ_new();
	TS_MSG_IMPRINT *imprint MUN_CLEANUP(imprint_freep) = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm MUN_CLEANUP(algorithm_freep) = X509_ALGOR_new();
	ASN1_INTEGER *number MUN_CLEANUP(integer_freep) = ASN1_INTEGER_new();
	uint8_t copy[MUN_SHA256_LEN]; /* libcrypto takes it without const */

	memcpy(copy, digest, sizeof(copy));
	if (!req || !imprint || !algorithm || !number ||
	    !X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) ||
	    !TS_MSG_IMPRINT_set_algo(imprint, algorithm) ||
	    !TS_MSG_IMPRINT_set_msg(imprint, copy, sizeof(copy)) || !TS_REQ_set_version(req, 1) ||
	    !TS_REQ_set_msg_imprint(req, imprint) || !TS_REQ_set_cert_req(req, 1))
		return NULL;
	if (nonce && (!ASN1_INTEGER_set_uint64(number, *nonce) || !TS_REQ_set_nonce(req, number)))
		return NULL;
	return MUN_STEAL(req);
}

enum mun_code mun_timestamp_request(struct mun_buf *ret,
                                    const uint8_t digest[static MUN_SHA256_LEN],
                                    struct mun_err *err)
{
	TS_REQ *req MUN_CLEANUP(request_freep) = NULL;
	uint64_t nonce;
	unsigned char *der;
	int len;

	mun_random(&nonce, sizeof(nonce));
	req = request_new(digest, &nonce);
	len = req ? i2d_TS_REQ(req, NULL) : -1;
	if (len < 0)
		return no_memory(err);
	der = mun_buf_reserve(ret, (size_t)len);
	if (der && i2d_TS_REQ(req, &der) == len)
		ret->len += (size_t)len;
	return mun_buf_check(ret, "a time stamp request", err);
}

/* ---- what a reply says ---- */

static enum mun_code decode(TS_RESP **ret, const void *reply, size_t len, enum mun_code fault,
                            struct mun_err *err)
{
	const unsigned char *at = reply;

	if (len > MUN_TIMESTAMP_MAX)
		return mun_fail(err, fault, "the time stamp is longer than %zu bytes",
		                MUN_TIMESTAMP_MAX);
	ERR_clear_error();
	*ret = len > 0 ? d2i_TS_RESP(NULL, &at, (long)len) : NULL;
	ERR_clear_error();
	if (!*ret)
		return mun_fail(err, fault, "this is no time stamp reply");
	if (at != (const unsigned char *)reply + len)
		return mun_fail(err, fault, "%zu bytes stand behind the time stamp",
		                len - (size_t)(at - (const unsigned char *)reply));
	return MUN_OK;
}

/* The words are the authority's: shown in their visible form. */
static enum mun_code check_status(TS_RESP *reply, enum mun_code fault, struct mun_err *err)
{
	TS_STATUS_INFO *info = TS_RESP_get_status_info(reply);
	long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
	const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);
	MUN_BUF_CLEANUP struct mun_buf words;

	mun_buf_init(&words, 1000);
	if (status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS)
		return MUN_OK;
	if (sk_ASN1_UTF8STRING_num(texts) > 0) {
		const ASN1_UTF8STRING *s = sk_ASN1_UTF8STRING_value(texts, 0);
		int len = ASN1_STRING_length(s);

		mun_text_visible(&words, (const char *)ASN1_STRING_get0_data(s),
		                 len > 200 ? 200 : (size_t)len, true);
	}
	return mun_fail(err, fault, "the authority refuses, status %ld%s%s", status,
	                words.len > 0 ? ": " : "", mun_buf_str(&words));
}

static bool read_time(int64_t *ret_us, const ASN1_GENERALIZEDTIME *t)
{
	const char *s = (const char *)ASN1_STRING_get0_data(t);
	size_t len = (size_t)ASN1_STRING_length(t);
	const char *dot = memchr(s, '.', len);
	int64_t us = 0, unit = 100000;
	struct tm tm = { 0 };
	time_t seconds;

	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	seconds = timegm(&tm);
	for (const char *p = dot ? dot + 1 : s + len; p < s + len && *p >= '0' && *p <= '9'; p++) {
		us += (*p - '0') * unit;
		unit /= 10;
	}
	*ret_us = (int64_t)seconds * 1000000 + us;
	return seconds >= 0;
}

/* Subject of the certificate that the token carries for its signature. */
static void read_subject(char *ret, size_t ret_size, PKCS7 *token)
{
	STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
	BIO *text = BIO_new(BIO_s_mem());
	char *s = NULL;
	long len = 0;

	if (text && signers && sk_X509_num(signers) > 0 &&
	    X509_NAME_print_ex(text, X509_get_subject_name(sk_X509_value(signers, 0)), 0,
	                       XN_FLAG_RFC2253) > 0)
		len = BIO_get_mem_data(text, &s);
	if (len > 0)
		mun_text_copy(ret, ret_size, s, (size_t)len);
	else
		mun_text_copy(ret, ret_size, "unknown", 7);
	BIO_free(text);
	sk_X509_free(signers);
	ERR_clear_error();
}

/* ---- checks ---- */

struct check {
	const TS_REQ *request; /* what it must answer */
	unsigned flags;        /* of libcrypto: what is checked */
	const char *ca_file;   /* NULL: any certificate that the reply carries */
	enum mun_code fault;
};

/* The certificates that the reply carries, each trusted: who signed is not asked, that he did is.
 */
static bool trust_carried(X509_STORE *store, PKCS7 *token)
{
	STACK_OF(X509) *certs =
		PKCS7_type_is_signed(token) && token->d.sign ? token->d.sign->cert : NULL;
	bool ok = X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;

	for (int i = 0; ok && i < sk_X509_num(certs); i++)
		ok = X509_STORE_add_cert(store, sk_X509_value(certs, i)) == 1;
	return ok;
}

static enum mun_code make_store(X509_STORE **ret, const struct check *c, PKCS7 *token,
                                int64_t time_us, struct mun_err *err)
{
	X509_STORE *store MUN_CLEANUP(store_freep) = X509_STORE_new();

	if (!store)
		return no_memory(err);
	if (c->ca_file && X509_STORE_load_file(store, c->ca_file) != 1) {
		ERR_clear_error();
		return mun_fail(err, MUN_E_INPUT, "%s: no certificates in PEM can be read from it",
		                c->ca_file);
	}
	if (!c->ca_file && !trust_carried(store, token))
		return no_memory(err);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(time_us / 1000000));
	*ret = MUN_STEAL(store);
	return MUN_OK;
}

static enum mun_code verify(TS_RESP *reply, const struct check *c, int64_t time_us,
                            struct mun_err *err)
{
	TS_VERIFY_CTX *ctx MUN_CLEANUP(context_freep) = NULL;
	X509_STORE *store MUN_CLEANUP(store_freep) = NULL;
	enum mun_code code = MUN_OK;
	TS_REQ *copy MUN_CLEANUP(request_freep) = TS_REQ_dup(c->request);

	if (c->flags & TS_VFY_SIGNATURE)
		code = make_store(&store, c, TS_RESP_get_token(reply), time_us, err);
	if (code != MUN_OK)
		return code;
	ctx = copy ? TS_REQ_to_TS_VERIFY_CTX(copy, NULL) : NULL;
	if (!ctx)
		return no_memory(err);
	(void)TS_VERIFY_CTX_set_flags(ctx, (int)c->flags);
	if (store)
		(void)TS_VERIFY_CTX_set_store(ctx, MUN_STEAL(store));
	return TS_RESP_verify_response(ctx, reply) == 1 ? MUN_OK : refuse(err, c->fault);
}

static enum mun_code check(struct mun_timestamp *ret, const void *data, size_t len,
                           const struct check *c, struct mun_err *err)
{
	TS_RESP *reply MUN_CLEANUP(reply_freep) = NULL;
	struct mun_timestamp t;
	enum mun_code code = decode(&reply, data, len, c->fault, err);

	if (code == MUN_OK)
		code = check_status(reply, c->fault, err);
	if (code != MUN_OK)
		return code;
	if (!TS_RESP_get_tst_info(reply))
		return mun_fail(err, c->fault, "the reply holds no time stamp");
	if (!read_time(&t.time_us, TS_TST_INFO_get_time(TS_RESP_get_tst_info(reply))))
		return mun_fail(err, c->fault, "the time in the time stamp is none");
	code = verify(reply, c, t.time_us, err);
	if (code != MUN_OK)
		return code;
	read_subject(t.by, sizeof(t.by), TS_RESP_get_token(reply));
	*ret = t;
	return MUN_OK;
}

enum mun_code mun_timestamp_accept(struct mun_timestamp *ret, const void *reply, size_t len,
                                   const void *request, size_t request_len, struct mun_err *err)
{
	const unsigned char *at = request;
	TS_REQ *req MUN_CLEANUP(request_freep) = d2i_TS_REQ(NULL, &at, (long)request_len);
	const struct check c = { req,
		                 TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE | TS_VFY_SIGNER |
		                         TS_VFY_SIGNATURE,
		                 NULL, MUN_E_REMOTE };

	if (!req)
		return mun_fail(err, MUN_E_INTERNAL, "this is no time stamp request");
	return check(ret, reply, len, &c, err);
}

static enum mun_code check_digest(struct mun_timestamp *ret, const void *reply, size_t len,
                                  const uint8_t digest[static MUN_SHA256_LEN], const char *ca_file,
                                  struct mun_err *err)
{
	TS_REQ *req MUN_CLEANUP(request_freep) = request_new(digest, NULL);
	struct check c = { req, TS_VFY_VERSION | TS_VFY_IMPRINT, ca_file, MUN_E_VERIFY };

	if (!req)
		return no_memory(err);
	if (ca_file)
		c.flags |= TS_VFY_SIGNATURE;
	return check(ret, reply, len, &c, err);
}

enum mun_code mun_timestamp_read(struct mun_timestamp *ret, const void *reply, size_t len,
                                 const uint8_t digest[static MUN_SHA256_LEN], struct mun_err *err)
{
	return check_digest(ret, reply, len, digest, NULL, err);
}

enum mun_code mun_timestamp_verify(struct mun_timestamp *ret, const void *reply, size_t len,
                                   const uint8_t digest[static MUN_SHA256_LEN], const char *ca_file,
                                   struct mun_err *err)
{
	return check_digest(ret, reply, len, digest, ca_file, err);
}
