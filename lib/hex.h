/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HEX_H
#define MUN_HEX_H
/* Strict lower-case hexadecimal. */
#include "lib/err.h"
/* ret gets 2 * len digits and a NUL. */
void mun_hex_encode(char *ret, const void *data, size_t len);
/* Exactly 2 * len lower-case digits, else false and ret untouched. */
bool mun_hex_decode(void *ret, size_t len, const char *hex, size_t hex_len);
#endif
