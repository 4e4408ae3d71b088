/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TAR_H
#define MUN_TAR_H
/*
 * Headers of tar files (POSIX.1-1988 ustar), for regular files with short names: owner 0, mode
 * 0644, nothing of whoever packs. A size that does not fit in octal is written base-256, as GNU
 * tar, libarchive and Python do. Pure.
 */
#include "lib/err.h"
#define MUN_TAR_BLOCK 512
#define MUN_TAR_NAME  100 /* bytes of a name at most */
/* false: the name is too long or empty. */
bool mun_tar_header(uint8_t ret[static MUN_TAR_BLOCK], const char *name, uint64_t size,
                    uint64_t time_s);
/* Zeros that follow a file of that size; the whole ends with two blocks of them. */
size_t mun_tar_padding(uint64_t size);
#endif
