/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_POST_H
#define MUN_POST_H
/*
 * POST of small bodies to time stamp authorities and witnesses, on a libcurl multi handle of its
 * own, so that a run can look after them beside its work. http is allowed: what comes back is
 * signed. Redirects are not followed, proxies are those of the environment, answers over 64 KiB
 * are cut. No token ever goes there. What is in flight moves on only in mun_poster_wait(): its time
 * runs between the calls as well.
 */
#include "lib/remote/answer.h"
#define MUN_POST_ANSWER_MAX ((size_t)64 * 1024)
#define MUN_POST_URL_MAX    1024
struct mun_poster;
struct mun_poster_options {
	const char *cacert; /* the only authorities of TLS that are trusted; NULL: the system's */
	const char *user_agent; /* both are copied */
};
/* USAGE: a CA file that cannot be read. */
enum mun_code mun_poster_open(struct mun_poster **ret, const struct mun_poster_options *o,
                              struct mun_err *err) MUN_MUST_CHECK;
void mun_poster_closep(struct mun_poster **p); /* what is in flight is given up */
/* http or https, a host, no user info, no fragment: USAGE else; what names the option in the
 * message, which never holds the URL. */
enum mun_code mun_post_url_check(const char *url, const char *what, struct mun_err *err)
	MUN_MUST_CHECK;
/* All of it is copied. */
struct mun_post {
	uint64_t tag; /* comes back with the answer */
	const char *url, *content_type;
	const char *accept; /* the media type that is asked for, or NULL */
	const void *body;
	size_t body_len;
	uint32_t timeout_ms; /* of the whole exchange, connecting included; above 0 */
};
/* USAGE: the URL, or a proxy in the environment that is no URL. */
enum mun_code mun_poster_start(struct mun_poster *p, const struct mun_post *what,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Moves on what is in flight, waiting at most timeout_ms (0: not at all) for something to end. At
 * most max answers, to be ended with mun_answer_done(). */
enum mun_code mun_poster_wait(struct mun_poster *p, uint32_t timeout_ms, struct mun_answer *ret,
                              size_t max, size_t *ret_len, struct mun_err *err) MUN_MUST_CHECK;
size_t mun_poster_flying(const struct mun_poster *p); /* begun and not handed over yet */
#endif
