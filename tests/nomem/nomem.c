/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/nomem/nomem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	bool armed, hit, paused;
	enum nomem_after after;
	unsigned left; /* allocations until the one that fails */
	long live;
} m;

void nomem_arm(unsigned n, enum nomem_after after)
{
	m.armed = true;
	m.hit = false;
	m.after = after;
	m.left = n;
}

bool nomem_disarm(void)
{
	m.armed = false;
	return m.hit;
}

void nomem_pause(void)
{
	m.paused = true;
}

void nomem_resume(void)
{
	m.paused = false;
}

long nomem_live(void)
{
	return m.live;
}

static bool fails(void)
{
	if (!m.armed || m.paused)
		return false;
	if (m.hit && m.after == NOMEM_ONCE)
		return false;
	if (!m.hit && --m.left > 0)
		return false;
	m.hit = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *p)
{
	m.live += p != NULL;
	return p;
}

/* What --wrap=NAME calls, and what it calls NAME; no header of anybody's declares them. */
#define WRAPPED(type, name, ...)         \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAPPED(void *, malloc, size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

WRAPPED(void *, calloc, size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

WRAPPED(void *, realloc, void *p, size_t size)
{
	void *moved = fails() ? NULL : __real_realloc(p, size);

	if (p == NULL)
		return counted(moved);
	return moved;
}

WRAPPED(void *, reallocarray, void *p, size_t n, size_t size)
{
	void *moved = fails() ? NULL : __real_reallocarray(p, n, size);

	if (p == NULL)
		return counted(moved);
	return moved;
}

WRAPPED(char *, strdup, const char *s)
{
	return fails() ? NULL : counted(__real_strdup(s));
}

WRAPPED(char *, strndup, const char *s, size_t n)
{
	return fails() ? NULL : counted(__real_strndup(s, n));
}

WRAPPED(void, free, void *p)
{
	m.live -= p != NULL;
	__real_free(p);
}

/* A failing asprintf() leaves its output as it likes. */
int __real_vasprintf(char **ret, const char *fmt, va_list ap) MUN_PRINTF(2, 0);
static MUN_PRINTF(2, 0) int print(char **ret, const char *fmt, va_list ap)
{
	static char wild[1];
	int len;

	*ret = wild;
	if (fails())
		return -1;
	len = __real_vasprintf(ret, fmt, ap);
	m.live += len >= 0;
	return len;
}

int __wrap_asprintf(char **ret, const char *fmt, ...) MUN_PRINTF(2, 3);
int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = print(ret, fmt, ap);
	va_end(ap);
	return len;
}

/* The same in builds with _FORTIFY_SOURCE. */
int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...) MUN_PRINTF(3, 4);
int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
	va_list ap;
	int len;

	(void)flag;
	va_start(ap, fmt);
	len = print(ret, fmt, ap);
	va_end(ap);
	return len;
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap) MUN_PRINTF(2, 0);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	return print(ret, fmt, ap);
}

int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap) MUN_PRINTF(3, 0);
int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return print(ret, fmt, ap);
}

static void check(const struct nomem_case *c, unsigned n, enum mun_code code, bool hit,
                  const struct mun_err *err)
{
	bool wanted = hit ? code == MUN_E_NOMEM || (c->optional && code == MUN_OK) : code == MUN_OK;

	if (wanted && (code == MUN_OK || (err->code == code && err->text[0] != '\0')))
		return;
	print_error("%s: allocation %u %s, got %s: %s\n", c->name, n, hit ? "failed" : "was there",
	            mun_code_name(code), code == MUN_OK ? "" : err->text);
	fail();
}

void nomem_try(const struct nomem_case *c, void *arg)
{
	for (enum nomem_after after = NOMEM_ONCE; after < NOMEM_AFTERS; after++) {
		bool hit = true;

		for (unsigned n = 1; hit; n++) {
			struct mun_err err = { .code = MUN_OK };
			enum mun_code code;
			long live = nomem_live();

			nomem_arm(n, after);
			code = c->run(arg, &err);
			hit = nomem_disarm();
			check(c, n, code, hit, &err);
			if (nomem_live() != live)
				print_error("%s: allocation %u failed, %ld not freed\n", c->name, n,
				            nomem_live() - live);
			assert_int_equal(nomem_live(), live);
			if (c->between)
				c->between(arg);
			if (n > 1 || hit)
				continue;
			print_error("%s allocates nothing\n", c->name);
			fail();
		}
	}
}
