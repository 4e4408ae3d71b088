/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program under test: its realtime, its time since boot and its boot id are what
 * the file $MUN_FAKE_CLOCK says, which is read at each look, so that a test can change them while
 * the program runs. One line: seconds added to realtime, milliseconds added to the time since
 * boot, and a file to be opened instead of the kernel's boot_id ("-": none). The monotonic clock,
 * by which libraries wait, stays what it is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Under the names of the C library; open() as its headers rename it. */
int fake_clock(clockid_t clock, struct timespec *ret) __asm__("clock_gettime");
time_t fake_time(time_t *ret) __asm__("time");
int fake_day(struct timeval *ret, void *zone) __asm__("gettimeofday");
int fake_open(const char *path, int flags, unsigned mode) __asm__("open64");
int fake_open_2(const char *path, int flags) __asm__("__open64_2");

struct fake {
	long real_s, boot_ms;
	char boot_id[200];
};

static void look(struct fake *ret)
{
	const char *path = getenv("MUN_FAKE_CLOCK");
	char text[256] = "";
	char *at = text;
	long fd = path != NULL ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

	*ret = (struct fake){ .boot_id = "-" };
	if (fd < 0)
		return;
	if (syscall(SYS_read, fd, text, sizeof(text) - 1) > 0) {
		ret->real_s = strtol(at, &at, 10);
		ret->boot_ms = strtol(at, &at, 10);
		at += strspn(at, " ");
		(void)snprintf(ret->boot_id, sizeof(ret->boot_id), "%.*s", (int)strcspn(at, "\n"),
		               at);
	}
	(void)syscall(SYS_close, fd);
}

int fake_clock(clockid_t clock, struct timespec *ret)
{
	struct fake fake;
	long rc = syscall(SYS_clock_gettime, clock, ret);

	if (rc != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
		return (int)rc;
	look(&fake);
	if (clock == CLOCK_REALTIME) {
		ret->tv_sec += fake.real_s;
		return 0;
	}
	ret->tv_sec += fake.boot_ms / 1000;
	ret->tv_nsec += fake.boot_ms % 1000 * 1000000;
	if (ret->tv_nsec < 0 || ret->tv_nsec >= 1000000000) {
		ret->tv_sec += ret->tv_nsec < 0 ? -1 : 1;
		ret->tv_nsec += ret->tv_nsec < 0 ? 1000000000 : -1000000000;
	}
	return 0;
}

time_t fake_time(time_t *ret)
{
	struct timespec now = { 0 };

	(void)fake_clock(CLOCK_REALTIME, &now);
	if (ret != NULL)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int fake_day(struct timeval *ret, void *zone)
{
	struct timespec now = { 0 };

	(void)zone;
	(void)fake_clock(CLOCK_REALTIME, &now);
	*ret = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

int fake_open(const char *path, int flags, unsigned mode)
{
	struct fake fake;

	if (strcmp(path, BOOT_ID) == 0) {
		look(&fake);
		if (strcmp(fake.boot_id, "-") != 0)
			path = fake.boot_id;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fake_open_2(const char *path, int flags)
{
	return fake_open(path, flags, 0);
}
