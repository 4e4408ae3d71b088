/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_COSIGN_STATE_H
#define MUN_COSIGN_STATE_H
/*
 * What a witness has cosigned: for each log (its origin) the key, and size and root of the newest
 * checkpoint. A file of JSON lines `{"root":HEX,"size":N,"vkey":VKEY}`, ordered as they were first
 * seen; the origin is the key's name. Replaced as a whole and synced, mode 0600, under a lock.
 */
#include "lib/tlog/checkpoint.h"
#define MUN_COSIGN_LOGS 1000
struct mun_cosigned {
	struct mun_vkey key;
	uint64_t size; /* 0: nothing yet */
	uint8_t root[MUN_SHA256_LEN];
};
struct mun_cosign_state;
/* Under the lock, which lasts until it is closed. A file that is not there is an empty state.
 * INPUT: it is no such file. BUSY: another process holds it. */
enum mun_code mun_cosign_open(struct mun_cosign_state **ret, const char *path, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_cosign_closep(struct mun_cosign_state **s);
/* NULL: a log that is not known. */
const struct mun_cosigned *mun_cosign_find(const struct mun_cosign_state *s, const char *origin);
/* Replaces the line of its log, or adds it, and writes the file. */
enum mun_code mun_cosign_keep(struct mun_cosign_state *s, const struct mun_cosigned *log,
                              struct mun_err *err) MUN_MUST_CHECK;
#endif
