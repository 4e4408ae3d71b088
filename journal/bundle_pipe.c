/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle_pipe.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

struct mun_pipe {
	struct mun_buf buf[2];
	unsigned filling; /* the other one is the thread's while busy */
	int fd;
	struct mun_sha256 *sum;
	bool started, threaded, busy, leaving;
	int rc; /* of the first write that failed */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

static int put_out(struct mun_pipe *p, struct mun_buf *b)
{
	int rc = write_all(p->fd, mun_buf_str(b), b->len);

	mun_sha256_add(p->sum, mun_buf_str(b), b->len);
	mun_buf_clear(b);
	return rc;
}

static void *run(void *arg)
{
	struct mun_pipe *p = arg;

	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->busy && !p->leaving)
			(void)pthread_cond_wait(&p->changed, &p->lock);
		if (!p->busy)
			break;
		struct mun_buf *b = &p->buf[1 - p->filling];
		(void)pthread_mutex_unlock(&p->lock);
		int rc = put_out(p, b);
		(void)pthread_mutex_lock(&p->lock);
		p->rc = p->rc ? p->rc : rc;
		p->busy = false;
		(void)pthread_cond_broadcast(&p->changed);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

enum mun_code mun_pipe_new(struct mun_pipe **ret, struct mun_err *err)
{
	struct mun_pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return mun_fail(err, MUN_E_NOMEM, "no memory to write a file");
	mun_buf_init(&p->buf[0], CHUNK);
	mun_buf_init(&p->buf[1], CHUNK);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	*ret = p;
	return MUN_OK;
}

void mun_pipe_freep(struct mun_pipe **pipe)
{
	struct mun_pipe *p = *pipe;

	*pipe = NULL;
	if (!p)
		return;
	if (p->threaded) {
		(void)pthread_mutex_lock(&p->lock);
		p->leaving = true;
		(void)pthread_cond_broadcast(&p->changed);
		(void)pthread_mutex_unlock(&p->lock);
		(void)pthread_join(p->thread, NULL);
	}
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_cond_destroy(&p->changed);
	mun_buf_done(&p->buf[0]);
	mun_buf_done(&p->buf[1]);
	mun_sha256_freep(&p->sum);
	free(p);
}

enum mun_code mun_pipe_begin(struct mun_pipe *p, int fd, struct mun_err *err)
{
	p->fd = fd;
	p->rc = 0;
	mun_sha256_freep(&p->sum);
	return mun_sha256_new(&p->sum, err);
}

/* The thread has nothing to do; what it said. */
static int wait_idle(struct mun_pipe *p)
{
	if (!p->threaded)
		return p->rc;
	(void)pthread_mutex_lock(&p->lock);
	while (p->busy)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	int rc = p->rc;
	(void)pthread_mutex_unlock(&p->lock);
	return rc;
}

/* The full buffer to the thread, which the first one starts. */
static int hand_over(struct mun_pipe *p)
{
	int rc = wait_idle(p);

	if (rc != 0)
		return rc;
	if (!p->started)
		p->threaded = pthread_create(&p->thread, NULL, run, p) == 0;
	p->started = true;
	if (!p->threaded) {
		p->rc = put_out(p, &p->buf[p->filling]);
		return p->rc;
	}
	(void)pthread_mutex_lock(&p->lock);
	p->filling = 1 - p->filling;
	p->busy = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	return 0;
}

int mun_pipe_write(struct mun_pipe *p, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		struct mun_buf *b = &p->buf[p->filling];
		size_t room = CHUNK - b->len, part = len < room ? len : room;

		mun_buf_add(b, from, part);
		if (b->failed)
			return ENOMEM;
		from += part;
		len -= part;
		int rc = b->len == CHUNK ? hand_over(p) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

int mun_pipe_end(struct mun_pipe *p, uint8_t ret[static MUN_SHA256_LEN])
{
	int rc = wait_idle(p);
	int last = put_out(p, &p->buf[p->filling]);

	mun_sha256_end(p->sum, ret);
	return rc ? rc : last;
}
