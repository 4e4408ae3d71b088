/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_DIR_IMPL_H
#define MUN_BUNDLE_DIR_IMPL_H
/* Private to journal/bundle_dir*.c. */
#include "journal/bundle_dir.h"
#include "journal/bundle_pipe.h"
#include "lib/tar.h"
struct mun_bundle_file {
	char name[MUN_TAR_NAME];
	uint8_t sha256[MUN_SHA256_LEN];
	uint64_t size;
};
struct mun_bundle_dir {
	char *out, *parent, *temporary, *files; /* owned paths; files: <temporary>/bundle */
	int lock;                               /* of the temporary directory */
	bool tar;
	struct mun_bundle_file *members; /* owned */
	size_t len, cap;
	int fd;                /* of the member at hand */
	struct mun_pipe *pipe; /* into it */
};
enum mun_code mun_bundle_dir_failed(int errnum, const char *what, const char *path,
                                    struct mun_err *err);
char *mun_bundle_dir_join(const char *folder, const char *name); /* NULL: no memory */
/* 0 or an errno. */
int mun_bundle_dir_write_all(int fd, const char *data, size_t len);
int mun_bundle_dir_sync(int *fd); /* and closes it, in any case */
#endif
