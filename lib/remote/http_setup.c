/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/file.h"
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
		ret[n] = (char)(s[n] >= ' ' && s[n] <= '~' ? s[n] : '?');
	ret[n] = '\0';
}

void mun_http_name_resolvers(char *ret, size_t ret_size)
{
	MUN_BUF_CLEANUP struct mun_buf conf;
	struct mun_err ignored;
	const char *line;
	char asked[128] = "";
	size_t used;

	mun_buf_init(&conf, 65536);
	if (mun_file_read(&conf, "/etc/resolv.conf", &ignored) != MUN_OK)
		mun_buf_clear(&conf);
	for (line = mun_buf_str(&conf); line; line = strchr(line, '\n')) {
		int len;

		line += strspn(line, " \t\r\n");
		if (strncmp(line, "nameserver", 10) != 0 || !strchr(" \t", line[10]))
			continue;
		line += 10 + strspn(line + 10, " \t");
		len = (int)strcspn(line, " \t\r\n");
		used = strlen(asked);
		(void)snprintf(asked + used, sizeof(asked) - used, " %.*s", len, line);
	}
	used = strlen(ret);
	(void)snprintf(ret + used, ret_size - used, " (%s%s)",
	               asked[0] ? "resolver" : "no resolver in /etc/resolv.conf", asked);
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

enum mun_code mun_http_check_cacert(const char *cacert, struct mun_err *err)
{
	int fd = cacert ? open(cacert, O_RDONLY | O_CLOEXEC) : -1;

	if (cacert && fd < 0)
		return mun_fail(err, MUN_E_USAGE, "the CA file cannot be read");
	if (fd >= 0)
		(void)close(fd);
	return MUN_OK;
}

enum mun_code mun_http_check_options(const struct mun_http_options *o, struct mun_err *err)
{
	if (o->timeout_ms == 0)
		return mun_fail(err, MUN_E_USAGE, "an exchange needs a time limit above 0");
	for (size_t i = 0; i < o->token->len; i++) {
		if (o->token->data[i] <= ' ' || o->token->data[i] > '~')
			return mun_fail(err, MUN_E_CREDENTIAL, "the token is not a header value");
	}
	return mun_http_check_cacert(o->cacert, err);
}

void mun_site_done(struct mun_site *s)
{
	free(s->cacert);
	free(s->user_agent);
	free(s->proxy);
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

/* An address without brackets: 4 bytes, 16 bytes, or 0 when it is a name. */
static size_t address_of(uint8_t ret[static 16], const char *s, size_t len)
{
	char text[64];

	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	if (len >= sizeof(text))
		return 0;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, text, ret) == 1 ? 16 : 0;
}

/* entry: an address, or a network such as 10.0.0.0/8. */
static bool network_fits(const char *entry, size_t len, const uint8_t *address, size_t address_len)
{
	const char *slash = memchr(entry, '/', len);
	uint8_t network[16];
	size_t bits = address_len * 8;

	if (slash) {
		size_t digits = len - (size_t)(slash - entry) - 1;

		if (digits < 1 || digits > 3 || strspn(slash + 1, "0123456789") < digits)
			return false;
		bits = strtoul(slash + 1, NULL, 10);
		len = (size_t)(slash - entry);
	}
	if (bits > address_len * 8 || address_of(network, entry, len) != address_len)
		return false;
	for (size_t i = 0; i < bits; i++) {
		if (((network[i / 8] ^ address[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	}
	return true;
}

/* entry: a name, which stands for all names below it as well; a dot in front changes nothing. */
static bool name_fits(const char *entry, size_t len, const char *host, size_t host_len)
{
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
	uint8_t address[16];
	size_t address_len;

	host_len += strcspn(host + host_len, ":");
	address_len = address_of(address, host, host_len);
	if (!list || !*list)
		list = getenv("NO_PROXY");
	while (list && *list) {
		size_t len = strcspn(list, ", ");

		if (len == 1 && *list == '*')
			return true;
		if (address_len > 0 ? network_fits(list, len, address, address_len)
		                    : name_fits(list, len, host, host_len))
			return true;
		list += len;
		list += strspn(list, ", ");
	}
	return false;
}

/*
 * What is said is what is used: the proxy is chosen here and given to libcurl, which then asks no
 * variable. One that libcurl would refuse is refused first, because its error quotes the whole
 * address, password included.
 */
static bool proxy_host_of(char *ret, size_t ret_size, const char *proxy)
{
	static const char *const schemes[] = { "http",    "https",  "socks4",
		                               "socks4a", "socks5", "socks5h" };
	CURLU *url = curl_url();
	char *host = NULL, *scheme = NULL;
	bool known = false;

	if (url &&
	    curl_url_set(url, CURLUPART_URL, proxy,
	                 CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
		for (size_t i = 0; i < MUN_ARRAY_LEN(schemes); i++)
			known = known || strcmp(scheme, schemes[i]) == 0;
		mun_http_copy_value(ret, ret_size, host, strlen(host));
	}
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(url);
	return known;
}

enum mun_code mun_http_choose_proxy(const char **ret, bool tls, const char *host,
                                    struct mun_err *err)
{
	const char *proxy = proxy_of_environment(tls);
	char proxy_host[256];

	*ret = "";
	if (!proxy || is_excepted(host))
		return MUN_OK;
	if (!proxy_host_of(proxy_host, sizeof(proxy_host), proxy))
		return mun_fail(err, MUN_E_USAGE,
		                "the proxy that the environment sets cannot be understood: "
		                "an http, https, socks4 or socks5 URL is wanted");
	*ret = proxy;
	return MUN_OK;
}

void mun_http_proxy_host(char *ret, size_t ret_size, const struct mun_base_url *base)
{
	const char *proxy;
	struct mun_err ignored;
	bool tls = strncmp(base->text, "https:", 6) == 0;

	ret[0] = '\0';
	if (mun_http_choose_proxy(&proxy, tls, base->host, &ignored) == MUN_OK && *proxy)
		(void)proxy_host_of(ret, ret_size, proxy);
}
