/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TLOG_CHECKPOINT_H
#define MUN_TLOG_CHECKPOINT_H
/* Text of a checkpoint (c2sp.org/tlog-checkpoint): origin, size, base64 of the root, one a line;
 * lines behind them are extensions. Pure. */
#include "lib/tlog/note.h"
#include "lib/tlog/tree.h"
struct mun_checkpoint {
	char origin[MUN_KEY_NAME_MAX + 1];
	uint64_t size;
	uint8_t root[MUN_SHA256_LEN];
};
/* text is that of a note, signatures left out. INPUT: names the line; leading zeros are refused. */
enum mun_code mun_checkpoint_parse(struct mun_checkpoint *ret, const char *text, size_t len,
                                   struct mun_err *err) MUN_MUST_CHECK;
void mun_checkpoint_format(struct mun_buf *ret, const struct mun_checkpoint *c);
/* Parse a whole note that is a checkpoint: both of the above in one. */
enum mun_code mun_checkpoint_read(struct mun_checkpoint *ret, struct mun_note *ret_note,
                                  const char *data, size_t len, struct mun_err *err) MUN_MUST_CHECK;
#endif
