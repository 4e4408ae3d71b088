/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/moment.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ended;
} sleepers = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

int64_t sandbox_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sandbox_monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void to_second(char ret[static SANDBOX_MOMENT_MAX], time_t s)
{
	struct tm parts;

	if (gmtime_r(&s, &parts) == NULL ||
	    strftime(ret, SANDBOX_MOMENT_MAX, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
		ret[0] = '\0';
}

void sandbox_moment_ms(char ret[static SANDBOX_MOMENT_MAX], int64_t ms)
{
	char whole[SANDBOX_MOMENT_MAX];

	to_second(whole, (time_t)(ms / 1000));
	(void)snprintf(ret, SANDBOX_MOMENT_MAX, "%.32s.%03dZ", whole, (int)(ms % 1000));
}

void sandbox_moment_now_us(char ret[static SANDBOX_MOMENT_MAX])
{
	struct timespec now;
	char whole[SANDBOX_MOMENT_MAX];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	to_second(whole, now.tv_sec);
	(void)snprintf(ret, SANDBOX_MOMENT_MAX, "%.32s.%06dZ", whole, (int)(now.tv_nsec / 1000));
}

void sandbox_moment_http(char ret[static SANDBOX_MOMENT_MAX], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm parts;

	if (gmtime_r(&s, &parts) == NULL ||
	    strftime(ret, SANDBOX_MOMENT_MAX, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
		ret[0] = '\0';
}

void sandbox_sleep_ms(int64_t ms)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&sleepers.lock);
	while (!sleepers.ended && rc == 0)
		rc = pthread_cond_timedwait(&sleepers.changed, &sleepers.lock, &until);
	(void)pthread_mutex_unlock(&sleepers.lock);
}

void sandbox_wake(void)
{
	(void)pthread_mutex_lock(&sleepers.lock);
	sleepers.ended = 1;
	(void)pthread_cond_broadcast(&sleepers.changed);
	(void)pthread_mutex_unlock(&sleepers.lock);
}

int sandbox_woken(void)
{
	int ended;

	(void)pthread_mutex_lock(&sleepers.lock);
	ended = sleepers.ended;
	(void)pthread_mutex_unlock(&sleepers.lock);
	return ended;
}
