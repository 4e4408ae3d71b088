/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Small files of the kernel and the system: one read; len 0 when there is no such file. */
static size_t read_small(char *ret, size_t ret_size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = -1;

	if (fd >= 0) {
		got = read(fd, ret, ret_size - 1);
		(void)close(fd);
	}
	ret[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A UUID's 32 digits, dashes anywhere; all zero when /proc is not there. */
static void read_boot_id(uint8_t ret[static MUN_BOOT_LEN])
{
	char text[64];
	size_t digits = 0;

	memset(ret, 0, MUN_BOOT_LEN);
	(void)read_small(text, sizeof(text), "/proc/sys/kernel/random/boot_id");
	for (const char *c = text; *c != '\0' && digits < 2 * (size_t)MUN_BOOT_LEN; c++) {
		int digit = digit_of(*c);

		if (digit < 0)
			continue;
		ret[digits / 2] = (uint8_t)(ret[digits / 2] << 4 | digit);
		digits++;
	}
}

static void system_now(const struct mun_clock *clock, struct mun_now *ret)
{
	struct timespec real;
	struct timespec boot;

	(void)clock;
	(void)clock_gettime(CLOCK_REALTIME, &real);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	ret->real_us = (int64_t)real.tv_sec * 1000000 + real.tv_nsec / 1000;
	ret->uptime_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	/* Read each time: a copy kept over fork or checkpoint/restore would be of another boot. */
	read_boot_id(ret->boot_id);
}

const struct mun_clock *mun_clock_system(void)
{
	static const struct mun_clock system_clock = { .now = system_now };

	return &system_clock;
}

void mun_machine_id(char ret[static 65])
{
	size_t len = read_small(ret, 65, "/etc/machine-id");

	while (len > 0 && isspace((unsigned char)ret[len - 1]))
		ret[--len] = '\0';
}
