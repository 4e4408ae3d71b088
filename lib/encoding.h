/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENCODING_H
#define MUN_ENCODING_H
/* Is a list plain UTF-8 text? Tab and line ends are the only control characters. */
#include "lib/err.h"
struct mun_encoding {
	size_t skip; /* bytes of the BOM in front */
	bool crlf;
	bool no_last_newline;
};
/* INPUT: names the byte offset and a command that converts the file. */
enum mun_code mun_encoding_check(struct mun_encoding *ret, const char *data, size_t len,
                                 const char *source, struct mun_err *err) MUN_MUST_CHECK;
/* Offset of the first control character (C0, DEL, C1), else len. s is valid UTF-8. */
size_t mun_control_at(const char *s, size_t len);
#endif
