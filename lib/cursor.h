/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CURSOR_H
#define MUN_CURSOR_H
/*
 * Big-endian reading from borrowed bytes, with a sticky error: after the first read past the end
 * everything yields zero or NULL. Writers: mun_put_u16/32/64 into memory of the caller.
 */
#include "lib/base.h"
struct mun_cursor {
	const uint8_t *p;
	size_t left;
	bool failed;
};
void mun_cursor_init(struct mun_cursor *c, const void *data, size_t len);
uint8_t mun_cursor_u8(struct mun_cursor *c);
uint16_t mun_cursor_u16(struct mun_cursor *c);
uint32_t mun_cursor_u32(struct mun_cursor *c);
uint64_t mun_cursor_u64(struct mun_cursor *c);
const uint8_t *mun_cursor_bytes(struct mun_cursor *c, size_t len); /* NULL past the end */
bool mun_cursor_at_end(const struct mun_cursor *c); /* nothing failed and nothing is left */
void mun_put_u16(uint8_t *p, uint16_t v);
void mun_put_u32(uint8_t *p, uint32_t v);
void mun_put_u64(uint8_t *p, uint64_t v);
uint32_t mun_get_u32(const uint8_t *p);
uint64_t mun_get_u64(const uint8_t *p);
#endif
