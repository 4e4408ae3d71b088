/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_TEST_H
#define MUN_TESTS_TEST_H

/*
 * cmocka and two assertions for functions that return an enum mun_code. A failing assertion
 * leaves by longjmp: cleanup variables do not run then, so what lives outside the process
 * (folder, server) belongs in setup and teardown.
 */

/* cmocka.h needs these four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "lib/err.h"

/* The call succeeded; prints the message of the error when it did not. */
#define assert_ok(call, err) test_code_((call), MUN_OK, (err), __FILE__, __LINE__)

/* The call failed with exactly this code, and the error says the same and has a text. */
#define assert_fails(call, expected, err) test_code_((call), (expected), (err), __FILE__, __LINE__)

static inline void test_code_(enum mun_code got, enum mun_code expected, const struct mun_err *err,
                              const char *file, int line)
{
	if (got != expected) {
		print_error("%s:%d: got %s, expected %s: %s\n", file, line, mun_code_name(got),
		            mun_code_name(expected), got != MUN_OK && err ? err->text : "");
		_fail(file, line);
	}
	if (expected != MUN_OK && err && (err->code != expected || err->text[0] == '\0')) {
		print_error("%s:%d: the error has code %s and text \"%s\"\n", file, line,
		            mun_code_name(err->code), err->text);
		_fail(file, line);
	}
}

#endif
