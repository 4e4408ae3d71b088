/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/faults.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/distort.h"
#include "tests/sandbox/random.h"

struct sandbox_kind {
	const char *name;
	bool effect;
	sandbox_distort *distort;
	const char *help;
};

/* A name of digits without a distortion is answered with that status. */
static const struct sandbox_kind kinds[] = {
	{ "close-before", false, sandbox_distort_close, "close without an answer, no effect" },
	{ "close-after", true, sandbox_distort_close, "close without an answer, after the effect" },
	{ "rst", false, sandbox_distort_reset, "reset the connection, no effect" },
	{ "rst-after", true, sandbox_distort_reset, "reset the connection, after the effect" },
	{ "hang", false, sandbox_distort_hang, "never answer, no effect" },
	{ "hang-after", true, sandbox_distort_hang, "never answer, after the effect" },
	{ "cut-headers", true, sandbox_distort_cut_headers,
	  "send only the first ARG bytes of the answer (40), then close" },
	{ "cut-body", true, sandbox_distort_cut_body,
	  "send only the first ARG bytes of the body (half), then close" },
	{ "drip", true, sandbox_distort_drip, "send the body at one byte a second" },
	{ "huge", true, sandbox_distort_huge, "send a body of 1 GB" },
	{ "other-id", true, sandbox_distort_other_id, "the answer names another run" },
	{ "archived-null", true, sandbox_distort_archived_null, "archived_at is null" },
	{ "archived-missing", true, sandbox_distort_archived_missing, "archived_at is missing" },
	{ "dup-keys", true, sandbox_distort_dup_keys, "a key occurs twice, with two values" },
	{ "deep-nesting", true, sandbox_distort_deep, "100,000 arrays in each other" },
	{ "trailing", true, sandbox_distort_trailing, "bytes after the JSON document" },
	{ "nan", true, sandbox_distort_nan, "NaN as a number" },
	{ "bad-utf8", true, sandbox_distort_utf8, "a string that is not UTF-8" },
	{ "errors200", false, sandbox_distort_errors, "200 with \"errors\", no effect" },
	{ "empty200", true, sandbox_distort_empty, "200 without a body, after the effect" },
	{ "204", true, sandbox_distort_status, "204 after the effect" },
	{ "html200", false, sandbox_distort_html200, "200 with a web page, no effect" },
	{ "html403", false, sandbox_distort_html403, "403 with a challenge page" },
	{ "302", false, sandbox_distort_redirect, "redirect to a sign-in page" },
	{ "401", false, sandbox_distort_status, "with n=K+ or all: the token is dead everywhere" },
	{ "401-run", false, sandbox_distort_status, "401 while GET /me still works" },
	{ "404-resource", false, sandbox_distort_status, "RESOURCE_NOT_FOUND" },
	{ "404-endpoint", false, sandbox_distort_endpoint, "ENDPOINT_NOT_FOUND" },
	{ "429", false, sandbox_distort_too_many,
	  "Retry-After as ARG (1): text as it is, or date absurd missing past garbage two" },
	{ "500-after", true, sandbox_distort_status, "500 after the effect" },
	{ "delay-effect", false, sandbox_distort_bad_gateway,
	  "502 now, the effect ARG seconds later" },
	{ "status", false, sandbox_distort_status, "status ARG; the true answer when it is 2xx" },
	{ "400", false, sandbox_distort_status, NULL },
	{ "402", false, sandbox_distort_status, NULL },
	{ "403", false, sandbox_distort_status, NULL },
	{ "405", false, sandbox_distort_status, NULL },
	{ "408", false, sandbox_distort_status, NULL },
	{ "409", false, sandbox_distort_status, NULL },
	{ "410", false, sandbox_distort_status, NULL },
	{ "422", false, sandbox_distort_status, NULL },
	{ "423", false, sandbox_distort_status, NULL },
	{ "425", false, sandbox_distort_status, NULL },
	{ "500", false, sandbox_distort_status, NULL },
	{ "501", false, sandbox_distort_status, NULL },
	{ "502", false, sandbox_distort_status, NULL },
	{ "503", false, sandbox_distort_status, NULL },
	{ "504", false, sandbox_distort_status, NULL },
};

static const char *const on_names[SANDBOX_ON_COUNT] = {
	[SANDBOX_ON_ANY] = "any",   [SANDBOX_ON_MUTATE] = "mutate", [SANDBOX_ON_GET] = "get",
	[SANDBOX_ON_RUN] = "run",   [SANDBOX_ON_LIST] = "list",     [SANDBOX_ON_ME] = "me",
	[SANDBOX_ON_FEED] = "feed",
};

void sandbox_fault_help(void)
{
	printf("\nfault kinds:\n");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		printf("  %-17s %s\n", kinds[i].name,
		       kinds[i].help == NULL ? "that status, no effect" : kinds[i].help);
	printf("\nWHEN: all, n=K (the K-th such request), n=K+ (from then on), n=K-L, every=K,\n"
	       "p=0.05 (by chance, from the seed).\n"
	       "WHAT: mutate (default), get, any, run (GET of one run), list (of runs), me, feed.\n"
	       "effect= says whether the request does what it asks for, where the kind's own\n"
	       "choice is not wanted.\n");
}

static bool find_kind(struct sandbox_fault *f, const char *name, size_t name_len)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strlen(kinds[i].name) != name_len || memcmp(kinds[i].name, name, name_len) != 0)
			continue;
		f->kind = &kinds[i];
		f->effect = kinds[i].effect;
		return true;
	}
	return false;
}

/* The status is the kind's leading digits, or the argument of `status`. */
static bool set_status(struct sandbox_fault *f)
{
	const char *digits =
		f->kind->name[0] >= '0' && f->kind->name[0] <= '9' ? f->kind->name : f->arg;

	f->status = (unsigned)strtoul(digits, NULL, 10);
	if (f->kind->distort != sandbox_distort_status)
		return true;
	if (strcmp(f->kind->name, "status") == 0)
		f->effect = f->status >= 200 && f->status < 300;
	return f->status >= 200 && f->status <= 599;
}

static bool set_range(struct sandbox_fault *f, const char *text)
{
	char *end;

	f->when = SANDBOX_WHEN_RANGE;
	f->first = strtoull(text, &end, 10);
	f->last = f->first;
	if (f->first == 0)
		return false;
	if (*end == '+') {
		f->last = UINT64_MAX;
		end++;
	} else if (*end == '-') {
		f->last = strtoull(end + 1, &end, 10);
	}
	return *end == '\0' && f->last >= f->first;
}

static bool set_when(struct sandbox_fault *f, const char *text)
{
	char *end;

	if (strcmp(text, "all") == 0)
		return true;
	if (strncmp(text, "n=", 2) == 0)
		return set_range(f, text + 2);
	if (strncmp(text, "every=", 6) == 0) {
		f->when = SANDBOX_WHEN_EVERY;
		f->first = strtoull(text + 6, &end, 10);
		return f->first > 0 && *end == '\0';
	}
	if (strncmp(text, "p=", 2) == 0) {
		f->when = SANDBOX_WHEN_CHANCE;
		f->chance = strtod(text + 2, &end);
		return f->chance >= 0 && f->chance <= 1 && *end == '\0';
	}
	return false;
}

static bool set_extra(struct sandbox_fault *f, const char *text)
{
	if (strcmp(text, "effect=yes") == 0 || strcmp(text, "effect=no") == 0) {
		f->effect = text[7] == 'y';
		return true;
	}
	if (strncmp(text, "on=", 3) != 0)
		return false;
	for (int on = 0; on < SANDBOX_ON_COUNT; on++) {
		if (strcmp(on_names[on], text + 3) != 0)
			continue;
		f->on = (enum sandbox_on)on;
		return true;
	}
	return false;
}

bool sandbox_fault_parse(struct sandbox_fault *f, const char *text)
{
	const char *at = strrchr(text, '@');
	size_t name_len = strcspn(text, ":@");
	char rest[128];
	char *save = NULL;
	char *part;
	bool ok;

	*f = (struct sandbox_fault){ .on = SANDBOX_ON_MUTATE };
	if (at == NULL || !find_kind(f, text, name_len) || strlen(at + 1) >= sizeof rest)
		return false;
	if (text[name_len] == ':')
		(void)snprintf(f->arg, sizeof f->arg, "%.*s", (int)(at - text - 1) - (int)name_len,
		               text + name_len + 1);
	(void)snprintf(rest, sizeof rest, "%s", at + 1);
	part = strtok_r(rest, ",", &save);
	ok = set_status(f) && part != NULL && set_when(f, part);
	while (ok && (part = strtok_r(NULL, ",", &save)) != NULL)
		ok = set_extra(f, part);
	return ok;
}

static bool hits(const struct sandbox_fault *f, uint64_t nth, uint64_t seed)
{
	switch (f->when) {
	case SANDBOX_WHEN_ALL:
		return true;
	case SANDBOX_WHEN_RANGE:
		return nth >= f->first && nth <= f->last;
	case SANDBOX_WHEN_EVERY:
		return nth % f->first == 0;
	case SANDBOX_WHEN_CHANCE:
		return (double)(sandbox_mix(seed, 77, nth) >> 11) / 9007199254740992.0 < f->chance;
	}
	return false;
}

const struct sandbox_fault *sandbox_fault_pick(const struct sandbox_fault *faults,
                                               size_t fault_count, uint64_t seed,
                                               const struct sandbox_request *request)
{
	for (size_t i = 0; i < fault_count; i++) {
		uint64_t nth = request->nth[faults[i].on];

		if (nth > 0 && hits(&faults[i], nth, seed + i))
			return &faults[i];
	}
	return NULL;
}

bool sandbox_fault_revokes(const struct sandbox_fault *f)
{
	return strcmp(f->kind->name, "401") == 0 &&
	       (f->when == SANDBOX_WHEN_ALL ||
	        (f->when == SANDBOX_WHEN_RANGE && f->last == UINT64_MAX));
}

int64_t sandbox_fault_delay_ms(const struct sandbox_fault *f)
{
	if (strcmp(f->kind->name, "delay-effect") != 0)
		return -1;
	return (int64_t)(strtod(f->arg, NULL) * 1000);
}

void sandbox_fault_apply(const struct sandbox_fault *f, struct sandbox_reply *reply)
{
	f->kind->distort(f, reply);
}
