/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BASE_H
#define MUN_BASE_H

/* Attributes and ownership macros that every module uses. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUN_MUST_CHECK                 __attribute__((warn_unused_result))
#define MUN_PRINTF(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
/* fn(&var) when var leaves its scope */
#define MUN_CLEANUP(fn) __attribute__((cleanup(fn)))

#define MUN_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Move a pointer or struct out of a cleanup variable: yields the value, leaves NULL or zeros. */
#define MUN_STEAL(v)                         \
	(__extension__({                     \
		__typeof__(v) stolen_ = (v); \
		(v) = (__typeof__(v)){ 0 };  \
		stolen_;                     \
	}))

void mun_freep(void *p); /* cleanup handler for malloc'ed memory: p is the address of a pointer */

#endif
