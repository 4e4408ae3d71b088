/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_FIELDS_H
#define MUN_FIELDS_H
/* --fields of an object: its members by name, in the order asked for, values byte for byte. */
#include "lib/buf.h"
/* object: one JSON object without spaces, as our writer makes it. USAGE: names what it lacks. */
enum mun_code mun_fields_select(struct mun_buf *ret, const char *object, size_t len,
                                const char *fields, struct mun_err *err) MUN_MUST_CHECK;
#endif
