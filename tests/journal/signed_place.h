/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_SIGNED_PLACE_H
#define MUN_TESTS_SIGNED_PLACE_H
/* A journal in a folder of its own, with keys that sign it; entries are of the shortest kind. */
#include "journal/checkpoint.h"
#include "lib/crypto.h"
#include "tests/test.h"

#define PLACE_KEYS 2

struct place {
	char dir[64];
	struct mun_journal *j;
	struct mun_vkey key[PLACE_KEYS];
	struct mun_secret secret[PLACE_KEYS];
	struct mun_err err;
};

int place_setup(void **state); /* #0 alone: nothing is signed, no key was added */
int place_teardown(void **state);
void place_open(struct place *p, enum mun_journal_mode mode); /* what is open is closed */
void place_grow(struct place *p, unsigned entries);
void place_add_key(struct place *p, unsigned n); /* key.added of key n */
struct mun_signing place_signing(const struct place *p, unsigned n);
uint64_t place_size(struct place *p);
/* Signs the head. */
void place_sign(struct place *p, unsigned key, struct mun_signed *ret);
/* The row holds together, and what it says is what the journal's first entries give. */
void place_check(struct place *p, const struct mun_signed *s, unsigned key);
void place_refuse_anchor(struct place *p, const struct mun_anchor *a, enum mun_code expected);
void place_put_raw(struct place *p, uint64_t size, const void *row, size_t len);
#endif
