/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_HELP_H
#define MUN_CMD_HELP_H
/* Help made of the tables; written to a stream, whose state the caller checks. */
#include <stdio.h>

#include "cmd/cmd.h"
const struct mun_cmd *mun_cmd_find(const char *name); /* NULL */
void mun_help_all(FILE *out);
void mun_help_command(FILE *out, const struct mun_cmd *cmd);
/* The command whose name is nearest to name, NULL when none is near. */
const struct mun_cmd *mun_cmd_near(const char *name);
const char *mun_topic_text(const char *topic); /* NULL: no such topic */
void mun_topic_names(FILE *out);
#endif
