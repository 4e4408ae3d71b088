/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/random.h"

#include <inttypes.h>
#include <stdio.h>

/* splitmix64: short, and good enough for invented data */
static uint64_t step(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t sandbox_mix(uint64_t seed, uint64_t a, uint64_t b)
{
	return step(step(step(seed) ^ a) ^ b);
}

void sandbox_hex_id(char ret[static 33], uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t high = sandbox_mix(seed, a, b);

	(void)snprintf(ret, 33, "%016" PRIx64 "%016" PRIx64, high, step(high ^ b));
}
