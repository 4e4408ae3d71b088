/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/limits.h"

#include <stdlib.h>

#define SECOND_NS 1000000000

bool sandbox_limits_init(struct sandbox_limits *l, const struct sandbox_options *o)
{
	*l = (struct sandbox_limits){ .window_count = o->window_count };
	for (size_t i = 0; i < o->window_count; i++) {
		l->windows[i].count = o->windows[i].count;
		l->windows[i].length_ns =
			(int64_t)((double)o->windows[i].length_s * SECOND_NS / o->speedup);
		l->windows[i].moments_ns = calloc(o->windows[i].count, sizeof(int64_t));
		if (l->windows[i].moments_ns == NULL)
			return false;
	}
	return true;
}

void sandbox_limits_done(struct sandbox_limits *l)
{
	for (size_t i = 0; i < l->window_count; i++)
		free(l->windows[i].moments_ns);
}

static int64_t wait_of(const struct sandbox_limits *l, int64_t now_ns)
{
	int64_t longest_ns = 0;

	for (size_t i = 0; i < l->window_count; i++) {
		int64_t free_at_ns;

		if (l->windows[i].used < l->windows[i].count)
			continue;
		free_at_ns =
			l->windows[i].moments_ns[l->windows[i].oldest] + l->windows[i].length_ns;
		if (free_at_ns - now_ns > longest_ns)
			longest_ns = free_at_ns - now_ns;
	}
	return longest_ns;
}

unsigned sandbox_limits_admit(struct sandbox_limits *l, int64_t now_ns)
{
	int64_t wait_ns = wait_of(l, now_ns);

	if (wait_ns > 0)
		return (unsigned)((wait_ns + SECOND_NS - 1) / SECOND_NS);
	for (size_t i = 0; i < l->window_count; i++) {
		size_t count = l->windows[i].count;
		size_t at = (l->windows[i].oldest + l->windows[i].used) % count;

		l->windows[i].moments_ns[at] = now_ns;
		if (l->windows[i].used < count)
			l->windows[i].used++;
		else
			l->windows[i].oldest = (l->windows[i].oldest + 1) % count;
	}
	return 0;
}
