/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/id.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/hex.h"
#include "lib/text.h"

#define DIGITS    (2 * MUN_ID_LEN)
#define SHOWN_MAX 80 /* bytes of a foreign text in a message */

enum mun_id_fault mun_id_parse(struct mun_id *ret, const char *s, size_t len)
{
	enum mun_id_fault fault = MUN_ID_OK;
	char hex[DIGITS];

	if (len != DIGITS)
		return MUN_ID_BAD;
	for (size_t i = 0; i < DIGITS; i++) {
		hex[i] = s[i];
		if (s[i] >= 'A' && s[i] <= 'F') {
			hex[i] = (char)(s[i] - 'A' + 'a');
			fault = MUN_ID_FOLDED;
		}
	}
	return mun_hex_decode(ret->bytes, MUN_ID_LEN, hex, DIGITS) ? fault : MUN_ID_BAD;
}

void mun_id_format(char ret[static MUN_ID_TEXT], const struct mun_id *id)
{
	mun_hex_encode(ret, id->bytes, MUN_ID_LEN);
}

bool mun_id_equal(const struct mun_id *a, const struct mun_id *b)
{
	return memcmp(a->bytes, b->bytes, MUN_ID_LEN) == 0;
}

/* What the text looks like, as the reason of the refusal; only the likely causes. */
static const char *guess_hint(const char *s, size_t len)
{
	size_t hex = 0;
	size_t dashes = 0;
	size_t others = 0;
	bool sheet = false;

	for (size_t i = 0; i < len; i++) {
		if (isxdigit((unsigned char)s[i]))
			hex++;
		else if (s[i] == '-')
			dashes++;
		else
			others++;
		if (i > 0 && (s[i] == 'E' || s[i] == 'e') && i + 1 < len && s[i + 1] == '+')
			sheet = true;
	}
	if (sheet)
		return "a spreadsheet turned the id into a number: export the column as text";
	if (hex == DIGITS && dashes > 0 && others == 0)
		return "ids have no dashes: remove them";
	if (len > 0 && len < DIGITS && hex == len && len >= DIGITS - 8)
		return "leading zeros may have been lost in a spreadsheet: export the column as "
		       "text";
	if (others > 0 && hex < len)
		return "this may be a name: give the id of the run, from its URL or an export";
	return "an id is 32 characters of 0-9 and a-f";
}

/* hint NULL: guessed from the text. */
static enum mun_code refuse(const char *what, const char *hint, const char *s, size_t len,
                            struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf shown = { .max = (size_t)SHOWN_MAX * 10 };
	size_t fit = mun_text_fit(s, len < SHOWN_MAX ? len : SHOWN_MAX, SHOWN_MAX);

	while (fit > 0 && fit < len && ((unsigned char)s[fit] & 0xc0) == 0x80)
		fit--; /* not inside a character */
	mun_text_visible(&shown, s, fit, false);
	if (len == 0)
		(void)mun_fail(err, MUN_E_INPUT, "%s is empty", what);
	else
		(void)mun_fail(err, MUN_E_INPUT, "\"%s%s\" is no %s", mun_buf_str(&shown),
		               fit < len ? "..." : "", what);
	mun_hint(err, "%s", hint != NULL ? hint : guess_hint(s, len));
	return MUN_E_INPUT;
}

struct part {
	const char *p;
	size_t len;
};

static bool is_word(const struct part *part, const char *word)
{
	return part->len == strlen(word) && strncasecmp(part->p, word, part->len) == 0;
}

/* Split the path at slashes, up to a query or fragment. More parts than max: not one of ours. */
static size_t split_path(struct part *ret, size_t max, const char *s, size_t len)
{
	size_t n = 0;
	size_t i = 0;

	while (i < len && s[i] != '?' && s[i] != '#') {
		size_t start = i;

		while (i < len && s[i] != '/' && s[i] != '?' && s[i] != '#')
			i++;
		if (i > start) {
			if (n == max)
				return 0;
			ret[n++] = (struct part){ .p = s + start, .len = i - start };
		}
		if (i < len && s[i] == '/')
			i++;
	}
	return n;
}

static size_t scheme_len(const char *s, size_t len)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < MUN_ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (len >= n && strncasecmp(s, schemes[i], n) == 0)
			return n;
	}
	return 0;
}

/* Without its port: the vendor's domain, or this machine, where a sandbox stands. */
static bool is_our_host(const struct part *host)
{
	static const char *const local[] = { "localhost", "127.0.0.1", "[::1]" };
	static const char vendor[] = "tallyfy.com";
	const char *colon = memrchr(host->p, ':', host->len);
	const char *bracket = memrchr(host->p, ']', host->len);
	struct part name = *host;

	if (colon != NULL && (bracket == NULL || colon > bracket))
		name.len = (size_t)(colon - host->p);
	for (size_t i = 0; i < MUN_ARRAY_LEN(local); i++)
		if (is_word(&name, local[i]))
			return true;
	if (name.len > sizeof(vendor) - 1 && name.p[name.len - sizeof(vendor)] == '.')
		name = (struct part){ name.p + name.len - (sizeof(vendor) - 1),
			              sizeof(vendor) - 1 };
	return is_word(&name, vendor);
}

static enum mun_code parse_url(struct mun_id *ret_run, struct mun_id *ret_org, bool *ret_folded,
                               const char *s, size_t len, struct mun_err *err)
{
	size_t skip = scheme_len(s, len);
	struct part part[8];
	size_t n = split_path(part, MUN_ARRAY_LEN(part), s + skip, len - skip);
	size_t word = 0;
	struct mun_id run;
	struct mun_id org;
	enum mun_id_fault of_org;
	enum mun_id_fault of_run;

	/* The last two parts are "processes" or "runs" and the run; the org stands before. */
	if (n >= 4 && (is_word(&part[n - 2], "processes") || is_word(&part[n - 2], "runs") ||
	               is_word(&part[n - 2], "process")))
		word = n - 2;
	if (word < 2 || !is_our_host(&part[0]))
		return refuse("URL of a run", "expected https://go.tallyfy.com/ORG/processes/RUN",
		              s, len, err);
	of_org = mun_id_parse(&org, part[word - 1].p, part[word - 1].len);
	of_run = mun_id_parse(&run, part[word + 1].p, part[word + 1].len);
	if (of_org == MUN_ID_BAD)
		return refuse("id of an organization", NULL, part[word - 1].p, part[word - 1].len,
		              err);
	if (of_run == MUN_ID_BAD)
		return refuse("run id", NULL, part[word + 1].p, part[word + 1].len, err);
	*ret_org = org;
	*ret_run = run;
	*ret_folded = of_org == MUN_ID_FOLDED || of_run == MUN_ID_FOLDED;
	return MUN_OK;
}

enum mun_code mun_run_parse(struct mun_id *ret_run, struct mun_id *ret_org, bool *ret_has_org,
                            bool *ret_folded, const char *s, size_t len, struct mun_err *err)
{
	enum mun_id_fault fault = mun_id_parse(ret_run, s, len);
	enum mun_code code;

	if (fault != MUN_ID_BAD) {
		*ret_has_org = false;
		*ret_folded = fault == MUN_ID_FOLDED;
		return MUN_OK;
	}
	if (scheme_len(s, len) == 0)
		return refuse("run id", NULL, s, len, err);
	code = parse_url(ret_run, ret_org, ret_folded, s, len, err);
	if (code == MUN_OK)
		*ret_has_org = true;
	return code;
}

void mun_ref_format(char ret[static MUN_REF_TEXT], char prefix, const struct mun_ref *ref)
{
	ret[0] = prefix;
	ret[1] = '-';
	mun_hex_encode(ret + 2, ref->bytes, MUN_REF_LEN);
}

bool mun_ref_parse(struct mun_ref *ret, char prefix, const char *s)
{
	return s[0] == prefix && s[1] == '-' &&
	       mun_hex_decode(ret->bytes, MUN_REF_LEN, s + 2, strlen(s + 2));
}

bool mun_ref_equal(const struct mun_ref *a, const struct mun_ref *b)
{
	return memcmp(a->bytes, b->bytes, MUN_REF_LEN) == 0;
}
