/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROMPT_H
#define MUN_PROMPT_H
/* Questions to a person: on stdin when it is a terminal, else through /dev/tty. */
#include "cmd/cmd.h"
#include "lib/crypto.h"
/* May we ask at all? false with --no-input or without any terminal. */
bool mun_prompt_possible(const struct mun_app *app);
/* Without echo, which is restored on every way out, signals too. USAGE at end of input. */
enum mun_code mun_prompt_secret(struct mun_secret *ret, const struct mun_app *app, const char *text,
                                struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_prompt_line(char *ret, size_t ret_size, const struct mun_app *app,
                              const char *text, struct mun_err *err) MUN_MUST_CHECK;
#endif
