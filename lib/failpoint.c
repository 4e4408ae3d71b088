/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/failpoint.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base.h"

/* A test hook: what MUN_FAIL asks for. */
static struct {
	bool read;
	const char *name; /* not NUL-terminated; NULL: nothing is asked for */
	size_t name_len;
	unsigned long passage; /* the first that is hit */
	bool onwards;
	int errnum; /* 0: die */
	unsigned long passed;
} plan;

/* A misspelt wish would let a test pass that tests nothing: hence the assertions. */
static void read_plan(void)
{
	const char *text = getenv("MUN_FAIL");

	plan.read = true;
	if (text == NULL || *text == '\0')
		return;
	plan.name = text;
	plan.name_len = strcspn(text, ":=");
	plan.passage = 1;
	text += plan.name_len;
	if (*text == ':') {
		char *end;

		plan.passage = strtoul(text + 1, &end, 10);
		assert(end > text + 1 && plan.passage > 0);
		plan.onwards = *end == '+';
		text = end + plan.onwards;
	}
	if (strcmp(text, "=ENOSPC") == 0)
		plan.errnum = ENOSPC;
	else if (strcmp(text, "=EIO") == 0)
		plan.errnum = EIO;
	else
		assert(*text == '\0');
}

int mun_failpoint(const char *name)
{
	if (!plan.read)
		read_plan();
	if (plan.name == NULL || strlen(name) != plan.name_len ||
	    memcmp(name, plan.name, plan.name_len) != 0)
		return 0;
	plan.passed++;
	if (plan.passed < plan.passage || (plan.passed > plan.passage && !plan.onwards))
		return 0;
	if (plan.errnum == 0)
		(void)raise(SIGKILL);
	return plan.errnum;
}

/*
 * The system calls of an LMDB commit, found before those of libc: "write" is passed before each
 * write of pages and of the head, "sync" between the two. Labels, because headers rename pwrite.
 */
ssize_t mun_failpoint_pwrite(int fd, const void *data, size_t len, off_t at) __asm__("pwrite");
ssize_t mun_failpoint_writev(int fd, const struct iovec *pieces, int count) __asm__("writev");
int mun_failpoint_fdatasync(int fd) __asm__("fdatasync");

ssize_t mun_failpoint_pwrite(int fd, const void *data, size_t len, off_t at)
{
	int errnum = mun_failpoint("write");

	if (errnum == 0)
		return syscall(SYS_pwrite64, fd, data, len, at);
	errno = errnum;
	return -1;
}

ssize_t mun_failpoint_writev(int fd, const struct iovec *pieces, int count)
{
	int errnum = mun_failpoint("write");

	if (errnum == 0)
		return syscall(SYS_writev, fd, pieces, count);
	errno = errnum;
	return -1;
}

int mun_failpoint_fdatasync(int fd)
{
	int errnum = mun_failpoint("sync");

	if (errnum == 0)
		return (int)syscall(SYS_fdatasync, fd);
	errno = errnum;
	return -1;
}
