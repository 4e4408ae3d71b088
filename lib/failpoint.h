/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_FAILPOINT_H
#define MUN_FAILPOINT_H
/*
 * Named places where a test build dies or fails on demand, so that every crash window can be hit
 * at will. Compiled in with -DMUN_FAILPOINTS alone (the sanitized builds); in every other build a
 * call is nothing, and the program holds neither the names nor the reading of the environment.
 *
 * MUN_FAIL=NAME[:N[+]][=ERRNO], read once: the N-th passage (1) through NAME kills the process
 * with SIGKILL; with =EIO or =ENOSPC it fails with that errno instead; with + so do all later ones.
 */
#ifdef MUN_FAILPOINTS
/* 0, or the errno with which the caller fails as if it had come from below. */
int mun_failpoint(const char *name);
#else
static inline int mun_failpoint(const char *name)
{
	(void)name;
	return 0;
}
#endif

#endif
