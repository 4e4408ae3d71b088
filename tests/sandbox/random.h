/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_RANDOM_H
#define MUN_SANDBOX_RANDOM_H

#include <stdint.h>

/* A value that depends on nothing but its arguments, so that a seed always gives the same world. */
uint64_t sandbox_mix(uint64_t seed, uint64_t a, uint64_t b);

/* 32 lower-case hexadecimal characters, made like sandbox_mix. */
void sandbox_hex_id(char ret[static 33], uint64_t seed, uint64_t a, uint64_t b);

#endif
