/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CLOCK_H
#define MUN_CLOCK_H
/*
 * Clocks as an argument, so that tests can set them. now() fills one reading; boottime goes on
 * during suspend (CLOCK_BOOTTIME), realtime may jump.
 */
#include "lib/err.h"
#define MUN_BOOT_LEN 16
struct mun_now {
	int64_t real_us;               /* since 1970 UTC */
	int64_t uptime_ms;             /* CLOCK_BOOTTIME */
	uint8_t boot_id[MUN_BOOT_LEN]; /* /proc/sys/kernel/random/boot_id, raw */
};
struct mun_clock {
	void (*now)(const struct mun_clock *clock, struct mun_now *ret);
	void *data;
};
const struct mun_clock *mun_clock_system(void);
/* First 64 characters at most of /etc/machine-id, "" when there is none. */
void mun_machine_id(char ret[static 65]);
#endif
