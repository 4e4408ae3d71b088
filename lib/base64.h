/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BASE64_H
#define MUN_BASE64_H
/* Standard base64 with padding (RFC 4648 section 4), strict: one text for one value. */
#include "lib/buf.h"
/* Characters that len bytes need. */
#define MUN_BASE64_LEN(len) (((len) + 2) / 3 * 4)
/* ret gets MUN_BASE64_LEN(len) characters and a NUL. */
void mun_base64_encode(char *ret, const void *data, size_t len);
void mun_base64_add(struct mun_buf *ret, const void *data, size_t len);
/* Appends the bytes to ret. INPUT: another character, missing or surplus padding, bits left over.
 */
enum mun_code mun_base64_decode(struct mun_buf *ret, const char *text, size_t len,
                                struct mun_err *err) MUN_MUST_CHECK;
/* Exactly len bytes into ret; false when the text holds anything else. ret is then undefined. */
bool mun_base64_exact(uint8_t *ret, size_t len, const char *text, size_t text_len);
/* The first len bytes into ret, but all of the text is checked. *ret_total: how many it holds. */
bool mun_base64_prefix(uint8_t *ret, size_t len, const char *text, size_t text_len,
                       size_t *ret_total);
#endif
