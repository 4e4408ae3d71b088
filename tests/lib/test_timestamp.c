/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/crypto.h"
#include "lib/date.h"
#include "lib/file.h"
#include "lib/timestamp.h"
#include "tests/test.h"

/*
 * The authority is the openssl command: a CA, a certificate for time stamps (good), and ones that
 * were valid in 2020 only (old), are not for time stamps (plain), or come from another CA (other).
 */
static const char setup_script[] =
	"umask 077\n"
	"cat >tsa.cnf <<'E'\n"
	"[tsa]\n"
	"default_policy=1.2.3.4.1\n"
	"digests=sha256\n"
	"signer_digest=sha256\n"
	"ess_cert_id_alg=sha256\n"
	"clock_precision_digits=6\n"
	"ordering=no\n"
	"tsa_name=$ENV::TSA_NAME\n"
	"serial=$ENV::PWD/serial\n"
	"[ca]\n"
	"new_certs_dir=.\n"
	"database=index\n"
	"default_md=sha256\n"
	"policy=any\n"
	"rand_serial=yes\n"
	"unique_subject=no\n"
	"[any]\n"
	"organizationName=optional\n"
	"commonName=supplied\n"
	"[stamp]\n"
	"keyUsage=critical,digitalSignature\n"
	"extendedKeyUsage=critical,timeStamping\n"
	"[plain]\n"
	"extendedKeyUsage=clientAuth\n"
	"[root]\n"
	"basicConstraints=critical,CA:TRUE\n"
	"[req]\n"
	"distinguished_name=dn\n"
	"[dn]\n"
	"E\n"
	"echo 01 >serial; : >index; : >empty\n"
	"ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
	"issue() { # name, section, start, end\n"
	"	openssl req -config tsa.cnf $ec -keyout $1.key -out $1.csr \\\n"
	"		-subj \"/O=Test Authority/CN=TSA $1\" &&\n"
	"	openssl ca -batch -notext -config tsa.cnf -name ca -extensions $2 -in $1.csr \\\n"
	"		-cert ca.pem -keyfile ca.key -startdate $3 -enddate $4 -out $1.pem\n"
	"}\n"
	"exec >>log 2>&1\n"
	"for ca in ca other_ca; do\n"
	"	openssl req -config tsa.cnf $ec -keyout $ca.key -out $ca.csr -subj /CN=root &&\n"
	"	openssl ca -batch -notext -config tsa.cnf -name ca -extensions root -selfsign \\\n"
	"		-in $ca.csr -keyfile $ca.key -startdate 20150101000000Z \\\n"
	"		-enddate 20990101000000Z -out $ca.pem || exit 1\n"
	"done\n"
	"issue good stamp 20200101000000Z 20990101000000Z &&\n"
	"issue old stamp 20200101000000Z 20210101000000Z &&\n"
	"issue plain plain 20200101000000Z 20990101000000Z\n";

static struct mun_err err;
static char folder[64];
static uint8_t digest[MUN_SHA256_LEN];
static struct mun_buf request; /* over digest, with a nonce */
static struct mun_buf reply;   /* to it, by the good authority, who says its name */
static struct mun_buf nameless;

static int script(const char *text)
{
	char *line = NULL;
	int rc;

	if (asprintf(&line, "cd %s && exec 2>>log && %s", folder, text) < 0)
		return -1;
	rc = system(line);
	free(line);
	return rc;
}

static const char *path(const char *name)
{
	static char ret[128];

	(void)snprintf(ret, sizeof(ret), "%s/%s", folder, name);
	return ret;
}

static void save(const char *name, const struct mun_buf *data)
{
	assert_ok(mun_file_replace(path(name), data->data, data->len, 0600, &err), &err);
}

static void load(const char *name, struct mun_buf *ret)
{
	mun_buf_clear(ret);
	assert_ok(mun_file_read(ret, path(name), &err), &err);
}

/* ret: the reply of an authority of the setup to what stands in the file `query`. */
static void answer(const char *query, const char *who, struct mun_buf *ret)
{
	char line[512];

	(void)snprintf(
		line, sizeof(line),
		"openssl ts -reply -config tsa.cnf -section tsa -queryfile %s -signer %s.pem "
		"-inkey %s.key -chain ca.pem -out reply",
		query, who, who);
	assert_int_equal(script(line), 0);
	load("reply", ret);
}

/* Where the GeneralizedTime of a TSTInfo begins; it is as long as its fraction needs. */
static char *date_of(struct mun_buf *tst)
{
	for (char *p = tst->data; p + 4 < tst->data + tst->len; p++) {
		if (p[0] == 0x18 && p[1] >= 15 && p[1] <= 22 && p[2] == '2' && p[3] == '0')
			return p + 2;
	}
	return NULL;
}

/*
 * ret: the stamp of base with its date replaced (NULL: kept), signed anew by `who` with
 * the CMS command, which asks neither for the date nor for what a certificate is for.
 */
static void forge(const struct mun_buf *base, const char *who, const char *date,
                  const char *options, struct mun_buf *ret)
{
	char line[512];
	char *at;

	save("reply", base);
	assert_int_equal(
		script("openssl ts -reply -config tsa.cnf -in reply -token_out -out token && "
	               "openssl cms -verify -noverify -inform DER -in token -out tst"),
		0);
	load("tst", ret);
	at = date_of(ret);
	assert_non_null(at);
	if (date)
		memcpy(at, date, 8);
	save("tst", ret);
	(void)snprintf(
		line, sizeof(line),
		"openssl cms -sign -binary -nodetach -econtent_type "
		"1.2.840.113549.1.9.16.1.4 %s -md sha256 -signer %s.pem -inkey %s.key -in tst "
		"-outform DER -out token && "
		"openssl ts -reply -config tsa.cnf -in token -token_in -out reply",
		options, who, who);
	assert_int_equal(script(line), 0);
	load("reply", ret);
}

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t made_after_us, made_before_us;

static int setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-timestamp-XXXXXX");
	(void)setenv("TSA_NAME", "no", 1);
	if (mkdtemp(folder) == NULL || mun_crypto_init(&err) != MUN_OK || script(setup_script) != 0)
		return 1;
	memset(digest, 0x5a, sizeof(digest));
	mun_buf_init(&request, 4096);
	mun_buf_init(&reply, MUN_TIMESTAMP_MAX);
	if (mun_timestamp_request(&request, digest, &err) != MUN_OK)
		return 1;
	save("request", &request);
	mun_buf_init(&nameless, MUN_TIMESTAMP_MAX);
	answer("request", "good", &nameless);
	(void)setenv("TSA_NAME", "yes", 1);
	made_after_us = now_us();
	answer("request", "good", &reply);
	made_before_us = now_us();
	return 0;
}

static int teardown(void **state)
{
	char line[128];

	(void)state;
	mun_buf_done(&request);
	mun_buf_done(&reply);
	mun_buf_done(&nameless);
	(void)snprintf(line, sizeof(line), "rm -rf %s", folder);
	return system(line);
}

static enum mun_code accept_reply(struct mun_timestamp *ret, const struct mun_buf *r)
{
	return mun_timestamp_accept(ret, r->data, r->len, request.data, request.len, &err);
}

static enum mun_code verify_reply(struct mun_timestamp *ret, const struct mun_buf *r,
                                  const char *ca)
{
	return mun_timestamp_verify(ret, r->data, r->len, digest, path(ca), &err);
}

static void a_request_is_what_the_command_reads(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	MUN_BUF_CLEANUP struct mun_buf second;

	(void)state;
	mun_buf_init(&text, 65536);
	mun_buf_init(&second, 4096);
	assert_int_equal(script("openssl ts -query -in request -text -out text"), 0);
	load("text", &text);
	assert_non_null(strstr(text.data, "Version: 1\n"));
	assert_non_null(strstr(text.data, "Hash Algorithm: sha256\n"));
	assert_non_null(strstr(text.data, "5a 5a 5a 5a 5a 5a 5a 5a-5a 5a 5a 5a 5a 5a 5a 5a"));
	assert_non_null(strstr(text.data, "Nonce: 0x"));
	assert_non_null(strstr(text.data, "Certificate required: yes\n"));
	mun_buf_puts(&second, "before");
	assert_ok(mun_timestamp_request(&second, digest, &err), &err);
	assert_memory_equal(second.data, "before", 6);
	/* equal but for the nonce, whose DER may be a byte shorter or longer */
	assert_true(second.len - 6 != request.len ||
	            memcmp(second.data + 6, request.data, request.len) != 0);
	assert_memory_equal(second.data + 6 + 2, request.data + 2, 40);
}

static void a_good_reply_is_accepted(void **state)
{
	struct mun_timestamp t, again;

	(void)state;
	assert_ok(accept_reply(&t, &reply), &err);
	assert_string_equal(t.by, "CN=TSA good,O=Test Authority");
	assert_true(t.time_us >= made_after_us && t.time_us <= made_before_us);
	assert_ok(mun_timestamp_read(&again, reply.data, reply.len, digest, &err), &err);
	assert_true(again.time_us == t.time_us);
	assert_string_equal(again.by, t.by);
	assert_ok(verify_reply(&again, &reply, "ca.pem"), &err);
	assert_true(again.time_us == t.time_us);
	assert_string_equal(again.by, t.by);
}

static void what_does_not_answer_the_request_is_refused(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf other;
	MUN_BUF_CLEANUP struct mun_buf got;
	uint8_t changed[MUN_SHA256_LEN] = { 1 };
	struct mun_timestamp t;

	(void)state;
	mun_buf_init(&other, 4096);
	mun_buf_init(&got, MUN_TIMESTAMP_MAX + 16);
	assert_ok(mun_timestamp_request(&other, digest, &err), &err);
	save("other", &other);
	answer("other", "good", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the time stamp is not valid: nonce mismatch");
	/* a kept one is judged by its digest alone */
	assert_ok(mun_timestamp_read(&t, got.data, got.len, digest, &err), &err);

	mun_buf_clear(&other);
	assert_ok(mun_timestamp_request(&other, changed, &err), &err);
	save("other", &other);
	answer("other", "good", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the time stamp is not valid: message imprint mismatch");
	assert_fails(mun_timestamp_read(&t, got.data, got.len, digest, &err), MUN_E_VERIFY, &err);
	assert_string_equal(err.text, "the time stamp is not valid: message imprint mismatch");
	assert_fails(verify_reply(&t, &got, "ca.pem"), MUN_E_VERIFY, &err);
}

static void a_reply_ends_where_its_der_ends(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf longer;
	struct mun_timestamp t;

	(void)state;
	mun_buf_init(&longer, MUN_TIMESTAMP_MAX + 16);
	mun_buf_add(&longer, reply.data, reply.len);
	mun_buf_add(&longer, "\0\0", 2);
	assert_fails(accept_reply(&t, &longer), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "2 bytes stand behind the time stamp");
	assert_fails(mun_timestamp_read(&t, longer.data, longer.len, digest, &err), MUN_E_VERIFY,
	             &err);
	assert_fails(verify_reply(&t, &longer, "ca.pem"), MUN_E_VERIFY, &err);
	for (size_t len = 0; len < reply.len; len++) {
		assert_fails(
			mun_timestamp_accept(&t, reply.data, len, request.data, request.len, &err),
			MUN_E_REMOTE, &err);
		assert_string_equal(err.text, "this is no time stamp reply");
	}
	mun_buf_clear(&longer);
	assert_non_null(mun_buf_reserve(&longer, MUN_TIMESTAMP_MAX + 1));
	memset(longer.data, 0, MUN_TIMESTAMP_MAX + 1);
	longer.len = MUN_TIMESTAMP_MAX + 1;
	assert_fails(accept_reply(&t, &longer), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the time stamp is longer than 65536 bytes");
}

/* What is not signed (the status, certificates of others) may change; what is told may not. */
static void no_flipped_bit_changes_what_is_told(void **state)
{
	struct mun_timestamp good, t;
	size_t refused = 0;

	(void)state;
	assert_ok(verify_reply(&good, &reply, "ca.pem"), &err);
	for (size_t bit = 0; bit < reply.len * 8; bit += 3) {
		reply.data[bit / 8] = (char)(reply.data[bit / 8] ^ (1 << bit % 8));
		if (accept_reply(&t, &reply) == MUN_OK) {
			assert_true(t.time_us == good.time_us);
			assert_string_equal(t.by, good.by);
		} else {
			refused++;
		}
		if (verify_reply(&t, &reply, "ca.pem") == MUN_OK) {
			assert_true(t.time_us == good.time_us);
			assert_string_equal(t.by, good.by);
		}
		if (mun_timestamp_read(&t, reply.data, reply.len, digest, &err) != MUN_OK)
			assert_int_equal(err.code, MUN_E_VERIFY);
		reply.data[bit / 8] = (char)(reply.data[bit / 8] ^ (1 << bit % 8));
	}
	assert_true(refused > reply.len);
}

static void a_refusal_is_told_in_visible_words(void **state)
{
	/* SEQUENCE { SEQUENCE { INTEGER 2, SEQUENCE { UTF8String "no\x1b\n" } } } */
	static const uint8_t hostile[] = { 0x30, 0x0d, 0x30, 0x0b, 0x02, 0x01, 0x02, 0x30,
		                           0x06, 0x0c, 0x04, 'n',  'o',  0x1b, '\n' };
	MUN_BUF_CLEANUP struct mun_buf got;
	struct mun_timestamp t;

	(void)state;
	mun_buf_init(&got, MUN_TIMESTAMP_MAX);
	assert_int_equal(script("openssl ts -query -data empty -sha512 -out other"), 0);
	answer("other", "good", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the authority refuses, status 2: Message digest algorithm "
	                              "is not supported.");
	assert_fails(mun_timestamp_read(&t, got.data, got.len, digest, &err), MUN_E_VERIFY, &err);
	assert_fails(
		mun_timestamp_accept(&t, hostile, sizeof(hostile), request.data, request.len, &err),
		MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the authority refuses, status 2: no\\u{1b}\\n");
}

static void a_reply_carries_the_certificate_that_signed(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf got;
	MUN_BUF_CLEANUP struct mun_buf bare;
	struct mun_timestamp t;

	(void)state;
	mun_buf_init(&got, MUN_TIMESTAMP_MAX);
	mun_buf_init(&bare, 4096);
	assert_int_equal(script("openssl ts -query -no_nonce -sha256 -out other -digest "
	                        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
	                 0);
	answer("other", "good", &got);
	load("other", &bare);
	assert_fails(mun_timestamp_accept(&t, got.data, got.len, bare.data, bare.len, &err),
	             MUN_E_REMOTE, &err);
	assert_ok(mun_timestamp_read(&t, got.data, got.len, digest, &err), &err);
	assert_string_equal(t.by, "unknown");
	assert_fails(verify_reply(&t, &got, "ca.pem"), MUN_E_VERIFY, &err);
}

static void the_certificate_is_for_time_stamps_and_named(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf got;
	struct mun_timestamp t;

	(void)state;
	mun_buf_init(&got, MUN_TIMESTAMP_MAX);
	forge(&reply, "good", NULL, "-cades", &got); /* the forge itself is sound */
	assert_ok(accept_reply(&t, &got), &err);
	assert_ok(verify_reply(&t, &got, "ca.pem"), &err);
	forge(&reply, "old", "20200601", "-cades", &got); /* by another one than it says */
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the time stamp is not valid: tsa name mismatch");
	forge(&nameless, "plain", NULL, "-cades", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_fails(verify_reply(&t, &got, "ca.pem"), MUN_E_VERIFY, &err);
	assert_non_null(strstr(err.text, "unsuitable certificate purpose"));
	forge(&reply, "good", NULL, "", &got); /* no ESSCertID */
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_fails(verify_reply(&t, &got, "ca.pem"), MUN_E_VERIFY, &err);
}

static void only_the_given_authorities_count(void **state)
{
	struct mun_timestamp t;

	(void)state;
	assert_fails(verify_reply(&t, &reply, "other_ca.pem"), MUN_E_VERIFY, &err);
	assert_fails(verify_reply(&t, &reply, "absent.pem"), MUN_E_INPUT, &err);
	assert_fails(verify_reply(&t, &reply, "empty"), MUN_E_INPUT, &err);
	/* the certificate that signed is no end of the chain, as for the command */
	assert_fails(verify_reply(&t, &reply, "good.pem"), MUN_E_VERIFY, &err);
	assert_int_equal(script("cat other_ca.pem ca.pem >both.pem"), 0);
	assert_ok(verify_reply(&t, &reply, "both.pem"), &err);
}

static void a_certificate_is_judged_at_the_time_of_the_stamp(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf got;
	struct mun_timestamp t;
	char date[MUN_DATE_MAX];

	(void)state;
	mun_buf_init(&got, MUN_TIMESTAMP_MAX);
	assert_int_not_equal(script("openssl x509 -in old.pem -noout -checkend 0 >>log"), 0);
	forge(&nameless, "old", "20200601", "-cades", &got);
	assert_ok(verify_reply(&t, &got, "ca.pem"), &err);
	assert_ok(accept_reply(&t, &got), &err);
	mun_date_format(date, t.time_us);
	assert_memory_equal(date, "2020-06-01T", 11);
	assert_string_equal(t.by, "CN=TSA old,O=Test Authority");
	forge(&nameless, "old", "20220601", "-cades", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	assert_string_equal(err.text, "the time stamp is not valid: Verify error:certificate has "
	                              "expired");
	forge(&nameless, "old", "20190601", "-cades", &got);
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
	forge(&nameless, "old", "20201401", "-cades", &got); /* no such month */
	assert_fails(accept_reply(&t, &got), MUN_E_REMOTE, &err);
}

static void noise_is_refused(void **state)
{
	static const char *const noise[] = { "", "0", "<html>", "\x30\x80", "\x30\x03\x02\x01" };
	struct mun_timestamp t;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(noise); i++) {
		assert_fails(mun_timestamp_accept(&t, noise[i], strlen(noise[i]), request.data,
		                                  request.len, &err),
		             MUN_E_REMOTE, &err);
		assert_fails(mun_timestamp_read(&t, noise[i], strlen(noise[i]), digest, &err),
		             MUN_E_VERIFY, &err);
		assert_fails(mun_timestamp_verify(&t, noise[i], strlen(noise[i]), digest,
		                                  path("ca.pem"), &err),
		             MUN_E_VERIFY, &err);
	}
	assert_fails(mun_timestamp_accept(&t, reply.data, reply.len, "x", 1, &err), MUN_E_INTERNAL,
	             &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_what_the_command_reads),
		cmocka_unit_test(a_good_reply_is_accepted),
		cmocka_unit_test(what_does_not_answer_the_request_is_refused),
		cmocka_unit_test(a_reply_ends_where_its_der_ends),
		cmocka_unit_test(no_flipped_bit_changes_what_is_told),
		cmocka_unit_test(a_refusal_is_told_in_visible_words),
		cmocka_unit_test(a_reply_carries_the_certificate_that_signed),
		cmocka_unit_test(the_certificate_is_for_time_stamps_and_named),
		cmocka_unit_test(only_the_given_authorities_count),
		cmocka_unit_test(a_certificate_is_judged_at_the_time_of_the_stamp),
		cmocka_unit_test(noise_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
