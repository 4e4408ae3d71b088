/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_NOMEM_H
#define MUN_TESTS_NOMEM_H
/*
 * Memory that runs out: the linker sends the allocations of our code (and of the tests) through
 * here (--wrap), those inside libraries go on as ever. What is allocated and not freed is counted.
 */
#include "tests/test.h"

enum nomem_after {
	NOMEM_ONCE, /* the n-th allocation alone fails */
	NOMEM_ON,   /* … and all behind it */
	NOMEM_AFTERS
};
void nomem_arm(unsigned n, enum nomem_after after);
bool nomem_disarm(void); /* true: the n-th allocation was asked for */
/* The allocations between pause and resume are not ours: they neither count nor fail. */
void nomem_pause(void);
void nomem_resume(void);
long nomem_live(void); /* allocations that are not freed */

/*
 * Calls run again and again; each time one allocation later fails, until none does. While one
 * fails run gives MUN_E_NOMEM, or MUN_OK where it can do without; it never leaks. Its call without
 * any failure must succeed. between, if any, is called after each, when memory is there again.
 */
struct nomem_case {
	const char *name;
	enum mun_code (*run)(void *arg, struct mun_err *err);
	void (*between)(void *arg);
	bool optional; /* MUN_OK is allowed although an allocation failed */
};
void nomem_try(const struct nomem_case *c, void *arg);
#endif
