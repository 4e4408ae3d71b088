/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_DIR_H
#define MUN_BUNDLE_DIR_H
/*
 * A bundle while it is being written: in a temporary directory beside its place, which it takes by
 * one rename when all is synced, as a directory or packed into one tar file. The temporary
 * directory is locked as long as its process lives; whoever makes the next one there removes those
 * of the dead. What cannot be written is IO: the journal is not to blame.
 */
#include "lib/buf.h"
#include "lib/digest.h"
struct mun_bundle_dir;
/* USAGE: something stands at out already, or its folder is not there. tar: out is to be a file. */
enum mun_code mun_bundle_dir_new(struct mun_bundle_dir **ret, const char *out, bool tar,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Removes what was written, unless it was finished. */
void mun_bundle_dir_freep(struct mun_bundle_dir **d);
const char *mun_bundle_dir_path(const struct mun_bundle_dir *d); /* of the files so far */
/* One member after the other: "entries.jsonl", "plan/p-….ids". */
enum mun_code mun_bundle_dir_begin(struct mun_bundle_dir *d, const char *name, struct mun_err *err)
	MUN_MUST_CHECK;
/* arg: the directory. A mun_write_fn. */
enum mun_code mun_bundle_dir_write(void *arg, const void *data, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_bundle_dir_end(struct mun_bundle_dir *d, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_bundle_dir_put(struct mun_bundle_dir *d, const char *name, const void *data,
                                 size_t len, struct mun_err *err) MUN_MUST_CHECK;
/* SHA256SUMS, and then the final name. time_us: of everything in a tar. */
enum mun_code mun_bundle_dir_finish(struct mun_bundle_dir *d, int64_t time_us,
                                    uint8_t ret_sums[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
#endif
