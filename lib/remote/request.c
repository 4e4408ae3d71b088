/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/request.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Leaves room for the longest request behind it in MUN_PATH_MAX. */
#define BASE_PATH_MAX 63
#define HOST_MAX      180

static bool is_loopback(const char *host)
{
	struct in_addr a4;
	struct in6_addr a6;
	char inner[64];
	size_t len = strlen(host);

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &a4) == 1)
		return (ntohl(a4.s_addr) >> 24) == 127;
	if (len < 3 || len - 2 >= sizeof(inner) || host[0] != '[')
		return false;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	return inet_pton(AF_INET6, inner, &a6) == 1 &&
	       memcmp(&a6, &in6addr_loopback, sizeof(a6)) == 0;
}

static bool host_valid(const char *host)
{
	size_t len = strlen(host);

	if (host[0] == '[') {
		struct in6_addr a6;
		char inner[64];

		if (len < 4 || len - 2 >= sizeof(inner) || host[len - 1] != ']')
			return false;
		memcpy(inner, host + 1, len - 2);
		inner[len - 2] = '\0';
		return inet_pton(AF_INET6, inner, &a6) == 1;
	}
	if (len == 0 || host[0] == '.' || host[0] == '-' || strstr(host, ".."))
		return false;
	return strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* "" or "/a/b": no empty segment, no dots alone, nothing that needs escaping. */
static bool path_valid(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._~-";

	while (*path) {
		size_t len;

		if (*path++ != '/')
			return false;
		len = strspn(path, plain);
		if (len == 0 || strspn(path, ".") == len)
			return false;
		path += len;
	}
	return true;
}

/* Splits ":port" off host. 0: none; -1: invalid. */
static long take_port(char *host)
{
	char *close = strchr(host, ']');
	char *colon = strchr(close ? close : host, ':');
	long port;

	if (!colon)
		return 0;
	*colon++ = '\0';
	if (strspn(colon, "0123456789") != strlen(colon) || !*colon || strlen(colon) > 5)
		return -1;
	port = strtol(colon, NULL, 10);
	return port >= 1 && port <= 65535 ? port : -1;
}

static enum mun_code refuse(struct mun_err *err, const char *why)
{
	return mun_fail(err, MUN_E_USAGE, "the base URL %s", why);
}

static enum mun_code base_make(struct mun_base_url *ret, bool tls, char *host, const char *path,
                               struct mun_err *err)
{
	long port;
	char port_text[8] = "";

	for (char *p = host; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	port = take_port(host);
	if (port < 0)
		return refuse(err, "has an invalid port");
	if (!host_valid(host))
		return refuse(err, "has an invalid host name");
	if (!tls && !is_loopback(host))
		return refuse(err, "must be https (http only for loopback)");
	if (!path_valid(path))
		return refuse(err, "has an invalid path");
	if (port > 0 && port != (tls ? 443 : 80))
		(void)snprintf(port_text, sizeof(port_text), ":%ld", port);
	(void)snprintf(ret->host, sizeof(ret->host), "%s%s", host, port_text);
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	(void)snprintf(ret->text, sizeof(ret->text), "%s://%.*s%.*s", tls ? "https" : "http",
	               HOST_MAX, ret->host, BASE_PATH_MAX, path);
	return MUN_OK;
}

enum mun_code mun_base_url_parse(struct mun_base_url *ret, const char *s, struct mun_err *err)
{
	char host[HOST_MAX - 6], path[BASE_PATH_MAX + 1];
	bool tls = strncasecmp(s, "https://", 8) == 0;
	size_t host_len, path_len;

	if (!tls && strncasecmp(s, "http://", 7) != 0)
		return refuse(err, "must begin with https://");
	s += tls ? 8 : 7;
	if (strchr(s, '@'))
		return refuse(err, "must not carry user info");
	if (strpbrk(s, "?#"))
		return refuse(err, "must not carry a query or a fragment");
	host_len = strcspn(s, "/");
	path_len = strlen(s + host_len);
	if (path_len > 0 && s[host_len + path_len - 1] == '/')
		path_len--;
	if (host_len >= sizeof(host) || path_len >= sizeof(path))
		return refuse(err, "is too long");
	memcpy(host, s, host_len);
	host[host_len] = '\0';
	memcpy(path, s + host_len, path_len);
	path[path_len] = '\0';
	return base_make(ret, tls, host, path, err);
}

static void make(struct mun_request *ret, const char *method, bool mutating,
                 const struct mun_base_url *base, const char *fmt, ...) MUN_PRINTF(5, 6);

static void make(struct mun_request *ret, const char *method, bool mutating,
                 const struct mun_base_url *base, const char *fmt, ...)
{
	va_list args;
	int len = snprintf(ret->path, sizeof(ret->path), "%s", base->path);

	ret->method = method;
	ret->mutating = mutating;
	if (len < 0 || len > BASE_PATH_MAX) { /* not made by mun_base_url_parse(): match nothing */
		ret->path[0] = '\0';
		return;
	}
	va_start(args, fmt);
	(void)vsnprintf(ret->path + len, sizeof(ret->path) - (size_t)len, fmt, args);
	va_end(args);
}

void mun_request_mutate(struct mun_request *ret, const struct mun_base_url *base,
                        const struct mun_op *op, const struct mun_id *org, const struct mun_id *run)
{
	char o[MUN_ID_TEXT], r[MUN_ID_TEXT];

	mun_id_format(o, org);
	mun_id_format(r, run);
	make(ret, op->method, true, base, "/organizations/%s/runs/%s%s", o, r, op->suffix);
}

void mun_request_get_run(struct mun_request *ret, const struct mun_base_url *base,
                         const struct mun_id *org, const struct mun_id *run)
{
	char o[MUN_ID_TEXT], r[MUN_ID_TEXT];

	mun_id_format(o, org);
	mun_id_format(r, run);
	make(ret, "GET", false, base, "/organizations/%s/runs/%s", o, r);
}

void mun_request_list_archived(struct mun_request *ret, const struct mun_base_url *base,
                               const struct mun_id *org, enum mun_archived_filter filter,
                               unsigned page, unsigned per_page, const struct mun_id *checklist)
{
	char o[MUN_ID_TEXT], c[MUN_ID_TEXT] = "";
	const char *word =
		filter == MUN_FILTER_STATUS_ARCHIVED ? "status=archived" : "archived=only";

	mun_id_format(o, org);
	if (checklist)
		mun_id_format(c, checklist);
	make(ret, "GET", false, base, "/organizations/%s/runs?%s&per_page=%u&page=%u%s%s", o, word,
	     per_page, page, checklist ? "&checklist_id=" : "", c);
}

void mun_request_me(struct mun_request *ret, const struct mun_base_url *base)
{
	make(ret, "GET", false, base, "/me");
}

void mun_request_my_orgs(struct mun_request *ret, const struct mun_base_url *base, unsigned page)
{
	make(ret, "GET", false, base, "/me/organizations?per_page=100&page=%u", page);
}

void mun_request_member(struct mun_request *ret, const struct mun_base_url *base,
                        const struct mun_id *org, int64_t user_id)
{
	char o[MUN_ID_TEXT];

	mun_id_format(o, org);
	make(ret, "GET", false, base, "/organizations/%s/users/%lld", o, (long long)user_id);
}

void mun_request_list_one(struct mun_request *ret, const struct mun_base_url *base,
                          const struct mun_id *org)
{
	char o[MUN_ID_TEXT];

	mun_id_format(o, org);
	make(ret, "GET", false, base, "/organizations/%s/runs?per_page=1", o);
}

/* '@' stands for an id, '*' for a decimal number. */
struct pattern {
	const char *method;
	const char *path;
};

static const struct pattern patterns[] = {
	{ "DELETE", "/organizations/@/runs/@" },
	{ "PUT", "/organizations/@/runs/@/activate" },
	{ "GET", "/organizations/@/runs/@" },
	{ "GET", "/organizations/@/runs?archived=only&per_page=*&page=*" },
	{ "GET", "/organizations/@/runs?archived=only&per_page=*&page=*&checklist_id=@" },
	{ "GET", "/organizations/@/runs?status=archived&per_page=*&page=*" },
	{ "GET", "/organizations/@/runs?status=archived&per_page=*&page=*&checklist_id=@" },
	{ "GET", "/organizations/@/runs?per_page=1" },
	{ "GET", "/organizations/@/users/*" },
	{ "GET", "/me" },
	{ "GET", "/me/organizations?per_page=100&page=*" },
};

static bool fits(const char *pattern, const char *s)
{
	for (; *pattern; pattern++) {
		size_t len = 1;

		if (*pattern == '@') {
			len = strspn(s, "0123456789abcdef");
			if (len != 32)
				return false;
		} else if (*pattern == '*') {
			len = strspn(s, "0123456789");
			if (len < 1 || len > 19)
				return false;
		} else if (*s != *pattern) {
			return false;
		}
		s += len;
	}
	return *s == '\0';
}

bool mun_request_allowed(const struct mun_request *r, const struct mun_base_url *base)
{
	size_t len = strlen(base->path);
	bool mutating = strcmp(r->method, "GET") != 0;

	if (mutating != r->mutating || strncmp(r->path, base->path, len) != 0)
		return false;
	for (size_t i = 0; i < MUN_ARRAY_LEN(patterns); i++) {
		if (strcmp(patterns[i].method, r->method) == 0 &&
		    fits(patterns[i].path, r->path + len))
			return true;
	}
	return false;
}
