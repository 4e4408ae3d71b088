/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_LIMITS_H
#define MUN_SANDBOX_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sandbox/options.h"

/* Exact sliding windows: each keeps the moments of its last `count` admitted requests. */
struct sandbox_limits {
	struct {
		int64_t *moments_ns;
		size_t count;
		size_t used;
		size_t oldest;
		int64_t length_ns;
	} windows[SANDBOX_WINDOWS_MAX];
	size_t window_count;
};

bool sandbox_limits_init(struct sandbox_limits *l, const struct sandbox_options *o);
void sandbox_limits_done(struct sandbox_limits *l);

/*
 * Returns 0 and counts the request, or the seconds until one is admitted again, at least 1.
 * A refused request is not counted.
 */
unsigned sandbox_limits_admit(struct sandbox_limits *l, int64_t now_ns);

#endif
