/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/remote/http_impl.h"

void mun_http_copy_value(char *ret, size_t ret_size, const char *s, size_t len)
{
	size_t n = 0;

	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	for (; n < len && n + 1 < ret_size; n++)
		ret[n] = s[n] >= ' ' && s[n] <= '~' ? s[n] : '?';
	ret[n] = '\0';
}

/* The list is ours to read: libcurl gives it back unchanged, and the token must not stay in it. */
void mun_http_wipe_headers(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l; l = l->next)
		mun_wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

enum mun_code mun_http_make_headers(struct mun_http *h, const struct mun_secret *token,
                                    struct mun_err *err)
{
	static const char bearer[] = "Authorization: Bearer ";
	struct mun_secret line MUN_CLEANUP(mun_secret_done) = { 0 };
	enum mun_code rc = mun_secret_new(&line, sizeof(bearer) + token->len, err);
	bool ok = true;

	if (rc != MUN_OK)
		return rc;
	memcpy(line.data, bearer, sizeof(bearer) - 1);
	memcpy(line.data + sizeof(bearer) - 1, token->data, token->len);
	line.data[line.len - 1] = '\0';
	for (size_t i = 0; i < MUN_LISTS; i++) {
		ok = ok && add_header(&h->headers[i], (const char *)line.data);
		ok = ok && add_header(&h->headers[i], "Accept: application/json");
		ok = ok && add_header(&h->headers[i], "X-Tallyfy-Client: APIClient");
		ok = ok && add_header(&h->headers[i], "Expect:");
	}
	ok = ok && add_header(&h->headers[MUN_LIST_GET], "Cache-Control: no-cache");
	/* A PUT without a body says so (RFC 9110 8.6); some servers answer 411 otherwise. */
	ok = ok && add_header(&h->headers[MUN_LIST_PUT], "Content-Length: 0");
	return ok ? MUN_OK : mun_fail(err, MUN_E_NOMEM, "no memory for request headers");
}

enum mun_code mun_http_check_options(const struct mun_http_options *o, struct mun_err *err)
{
	int fd;

	for (size_t i = 0; i < o->token->len; i++) {
		if (o->token->data[i] <= ' ' || o->token->data[i] > '~')
			return mun_fail(err, MUN_E_CREDENTIAL, "the token is not a header value");
	}
	if (!o->cacert)
		return MUN_OK;
	fd = open(o->cacert, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mun_fail(err, MUN_E_USAGE, "the CA file cannot be read");
	(void)close(fd);
	return MUN_OK;
}

/* ---- proxies ---- */

static const char *proxy_of_environment(bool tls)
{
	/* As libcurl: no HTTP_PROXY, which a CGI request could set. */
	static const char *const names[2][4] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY", NULL },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
	};

	for (size_t i = 0; i < 4 && names[tls][i]; i++) {
		const char *value = getenv(names[tls][i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

static bool no_proxy_fits(const char *entry, size_t len, const char *host, size_t host_len)
{
	if (len == 1 && *entry == '*')
		return true;
	if (len > 0 && *entry == '.') {
		entry++;
		len--;
	}
	if (len == 0 || len > host_len || strncasecmp(host + host_len - len, entry, len) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

static bool is_excepted(const char *host)
{
	const char *list = getenv("no_proxy");
	const char *close = strchr(host, ']');
	size_t host_len = (close ? (size_t)(close - host) : 0);

	host_len += strcspn(host + host_len, ":");
	if (!list)
		list = getenv("NO_PROXY");
	while (list && *list) {
		size_t len = strcspn(list, ", ");

		if (no_proxy_fits(list, len, host, host_len))
			return true;
		list += len;
		list += strspn(list, ", ");
	}
	return false;
}

void mun_http_proxy_host(char *ret, size_t ret_size, const struct mun_base_url *base)
{
	const char *proxy = proxy_of_environment(strncmp(base->text, "https:", 6) == 0);
	char *host = NULL;
	CURLU *url;

	ret[0] = '\0';
	if (!proxy || is_excepted(base->host))
		return;
	url = curl_url();
	if (url &&
	    curl_url_set(url, CURLUPART_URL, proxy,
	                 CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		mun_http_copy_value(ret, ret_size, host, strlen(host));
	curl_free(host);
	curl_url_cleanup(url);
}
