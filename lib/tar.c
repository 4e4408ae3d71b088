/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tar.h"

#include <stdio.h>
#include <string.h>

struct header {
	char name[MUN_TAR_NAME], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
	char prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == MUN_TAR_BLOCK, "a header is one block");

/* Octal digits and a NUL; what is larger as a big-endian number behind a mark. */
static void put_number(char *ret, size_t size, uint64_t n)
{
	if (n >> (3 * (size - 1)) == 0) {
		(void)snprintf(ret, size, "%0*llo", (int)size - 1, (unsigned long long)n);
		return;
	}
	memset(ret, 0, size);
	for (size_t i = size; i > 1 && n > 0; n >>= 8)
		ret[--i] = (char)(n & 0xff);
	ret[0] = (char)0x80;
}

bool mun_tar_header(uint8_t ret[static MUN_TAR_BLOCK], const char *name, uint64_t size,
                    uint64_t time_s)
{
	struct header h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	unsigned sum = 0;

	if (!*name || strlen(name) > sizeof(h.name))
		return false;
	memcpy(h.name, name, strlen(name));
	put_number(h.mode, sizeof(h.mode), 0644);
	put_number(h.uid, sizeof(h.uid), 0);
	put_number(h.gid, sizeof(h.gid), 0);
	put_number(h.size, sizeof(h.size), size);
	put_number(h.mtime, sizeof(h.mtime), time_s);
	put_number(h.major, sizeof(h.major), 0);
	put_number(h.minor, sizeof(h.minor), 0);
	memset(h.checksum, ' ', sizeof(h.checksum)); /* so it is counted itself */
	memcpy(ret, &h, sizeof(h));
	for (size_t i = 0; i < MUN_TAR_BLOCK; i++)
		sum += ret[i];
	put_number(h.checksum, sizeof(h.checksum) - 1, sum);
	memcpy(ret, &h, sizeof(h));
	return true;
}

size_t mun_tar_padding(uint64_t size)
{
	return (size_t)(MUN_TAR_BLOCK - size % MUN_TAR_BLOCK) % MUN_TAR_BLOCK;
}
