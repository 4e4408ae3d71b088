/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WIRE_H
#define MUN_WIRE_H
/* What the engine needs of the network, as an argument, so that tests can give another. */
#include "lib/remote/answer.h"
#include "lib/remote/request.h"
/* The wire as the engine sees it: mun_http below, or a scripted one in tests. */
struct mun_wire {
	/* Start an exchange; answers carry tag. The request is copied. */
	enum mun_code (*start)(struct mun_wire *w, uint64_t tag, const struct mun_request *r,
	                       size_t body_max, struct mun_err *err);
	/*
	 * Wait until an exchange has ended, or for timeout_ms, or until wake() was called. At most
	 * max answers are put into ret, to be ended with mun_answer_done(); 0 after a timeout.
	 */
	enum mun_code (*wait)(struct mun_wire *w, uint32_t timeout_ms, struct mun_answer *ret,
	                      size_t max, size_t *ret_len, struct mun_err *err);
	/* Abort all in flight: each ends as MUN_SEND_BROKEN (or NOT_SENT) in the next wait(). */
	void (*abort)(struct mun_wire *w);
	void *data;
};
#endif
