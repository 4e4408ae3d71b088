/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cursor.h"

void mun_cursor_init(struct mun_cursor *c, const void *data, size_t len)
{
	*c = (struct mun_cursor){ .p = data, .left = len };
}

const uint8_t *mun_cursor_bytes(struct mun_cursor *c, size_t len)
{
	const uint8_t *p = c->p;

	if (c->failed || len > c->left) {
		c->failed = true;
		return NULL;
	}
	if (len > 0)
		c->p += len;
	c->left -= len;
	return p;
}

/* Big-endian number of len bytes, zero past the end. */
static uint64_t number(struct mun_cursor *c, size_t len)
{
	const uint8_t *p = mun_cursor_bytes(c, len);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t mun_cursor_u8(struct mun_cursor *c)
{
	return (uint8_t)number(c, 1);
}

uint16_t mun_cursor_u16(struct mun_cursor *c)
{
	return (uint16_t)number(c, 2);
}

uint32_t mun_cursor_u32(struct mun_cursor *c)
{
	return (uint32_t)number(c, 4);
}

uint64_t mun_cursor_u64(struct mun_cursor *c)
{
	return number(c, 8);
}

bool mun_cursor_at_end(const struct mun_cursor *c)
{
	return !c->failed && c->left == 0;
}

void mun_put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void mun_put_u32(uint8_t *p, uint32_t v)
{
	mun_put_u16(p, (uint16_t)(v >> 16));
	mun_put_u16(p + 2, (uint16_t)v);
}

void mun_put_u64(uint8_t *p, uint64_t v)
{
	mun_put_u32(p, (uint32_t)(v >> 32));
	mun_put_u32(p + 4, (uint32_t)v);
}

uint32_t mun_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t mun_get_u64(const uint8_t *p)
{
	return (uint64_t)mun_get_u32(p) << 32 | mun_get_u32(p + 4);
}
