/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the README.txt of a bundle that the test made: readme ORIGIN VKEY KEY SIZE ROOT ENTRIES
 * LINE LEAF [filtered] [stamps] [cosigned] [bodies], hashes in hex. With no arguments: verify.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/bundle_text.h"
#include "lib/hex.h"

static void hash(uint8_t ret[static MUN_SHA256_LEN], const char *hex)
{
	if (!mun_hex_decode(ret, MUN_SHA256_LEN, hex, strlen(hex)))
		abort();
}

int main(int argc, char **argv)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_bundle_facts f = { 0 };

	if (argc < 9)
		return fwrite(mun_verify_py, 1, mun_verify_py_len, stdout) != mun_verify_py_len;
	mun_buf_init(&text, 1 << 20);
	f.origin = argv[1];
	f.vkey = argv[2];
	hash(f.key_sha256, argv[3]);
	f.size = strtoull(argv[4], NULL, 10);
	hash(f.root, argv[5]);
	f.entries = strtoull(argv[6], NULL, 10);
	f.sample_line = strtoull(argv[7], NULL, 10);
	hash(f.sample_leaf, argv[8]);
	for (int i = 9; i < argc; i++) {
		f.filtered |= strcmp(argv[i], "filtered") == 0;
		f.stamps += strcmp(argv[i], "stamp") == 0;
		f.cosigned |= strcmp(argv[i], "cosigned") == 0;
		f.bodies |= strcmp(argv[i], "bodies") == 0;
	}
	mun_bundle_readme(&text, &f);
	return fputs(mun_buf_str(&text), stdout) < 0 || text.failed;
}
