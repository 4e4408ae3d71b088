/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_QUERY_H
#define MUN_QUERY_H
/*
 * Questions about the history. Read in slices: no transaction is held
 * while a row is delivered, so a pager that blocks costs nothing. Filters combine with AND; the
 * values of one are alternatives (OR). What is damaged is left out: CORRUPT then comes after all
 * that can be read was delivered, and its message names the entries.
 */
#include "journal/journal.h"
#define MUN_FILTER_VALUES 16
struct mun_filter {
	const char *run[MUN_FILTER_VALUES];
	size_t run_len; /* validated ids or unique prefixes >= 6 */
	const char *org[MUN_FILTER_VALUES];
	size_t org_len;
	const char *batch[MUN_FILTER_VALUES];
	size_t batch_len;
	const char *plan[MUN_FILTER_VALUES];
	size_t plan_len;
	const char *ticket[MUN_FILTER_VALUES];
	size_t ticket_len;
	const char *operator_[MUN_FILTER_VALUES];
	size_t operator_len;
	const char *identity[MUN_FILTER_VALUES];
	size_t identity_len;
	const char *label[MUN_FILTER_VALUES];
	size_t label_len; /* k=v */
	const char *reason[MUN_FILTER_VALUES];
	size_t reason_len; /* substring */
	const char *op[MUN_FILTER_VALUES];
	size_t op_len;
	const char *state[MUN_FILTER_VALUES];
	size_t state_len;
	const char *verdict[MUN_FILTER_VALUES];
	size_t verdict_len;
	const char *http[MUN_FILTER_VALUES];
	size_t http_len; /* 404 or 4xx */
	const char *kind[MUN_FILTER_VALUES];
	size_t kind_len;
	int64_t since_us, until_us; /* MUN_TIME_NONE: open; until is exclusive */
	uint64_t after_seq;         /* MUN_NO_SEQ: none */
	uint64_t limit;             /* 0: none */
	bool reverse;
};
/* Resolve a reference that a person gave: full id, or unique prefix of at least 6 characters
 * behind "p-"/"b-". USAGE: malformed or of the wrong kind (names the right command); NOTFOUND;
 * an ambiguous prefix is USAGE and lists the candidates. */
enum mun_code mun_query_batch(struct mun_journal *j, const char *text, struct mun_ref *ret,
                              struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_query_plan(struct mun_journal *j, const char *text, struct mun_ref *ret,
                             struct mun_err *err) MUN_MUST_CHECK;
/* The batches and plans of a filter: of the right kind, and in this journal (else NOTFOUND). */
enum mun_code mun_query_check(struct mun_journal *j, const struct mun_filter *f,
                              struct mun_err *err) MUN_MUST_CHECK;
/* One history row, strings valid for the call; NULL is null. In this order everywhere. */
struct mun_history_row {
	int64_t time_us;
	struct mun_id org, run;
	const char *name, *op;
	struct mun_ref batch;
	uint32_t item, attempt;
	const char *verdict, *evidence; /* verdict "in_doubt" while nothing holds */
	unsigned http;                  /* 0 null */
	const char *archived_at;
	int64_t duration_ms; /* -1 null */
	const char *operator_, *claimed, *identity, *reason, *ticket, *token;
	uint64_t request_seq, response_seq, settled_seq; /* MUN_NO_SEQ null */
};
typedef enum mun_code (*mun_history_fn)(void *arg, const struct mun_history_row *row,
                                        struct mun_err *err);
enum mun_code mun_query_history(struct mun_journal *j, const struct mun_filter *f,
                                mun_history_fn fn, void *arg, struct mun_err *err) MUN_MUST_CHECK;
struct mun_item_row {
	struct mun_ref batch;
	uint32_t item, line;
	struct mun_id run, org;
	const char *name, *state, *verdict, *evidence;
	uint32_t attempts;
	const char *archived_at, *reason, *ticket;
	uint64_t last_seq;
};
typedef enum mun_code (*mun_item_fn)(void *arg, const struct mun_item_row *row,
                                     struct mun_err *err);
enum mun_code mun_query_items(struct mun_journal *j, const struct mun_ref *batch,
                              const struct mun_filter *f, bool runner_lives, mun_item_fn fn,
                              void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* Entries byte for byte. */
typedef enum mun_code (*mun_log_fn)(void *arg, uint64_t seq, const char *line, size_t len,
                                    const struct mun_entry *e, struct mun_err *err);
enum mun_code mun_query_log(struct mun_journal *j, const struct mun_filter *f, mun_log_fn fn,
                            void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* Entries that concern one item, in order (requests, responses, settlements, decisions). */
enum mun_code mun_query_item_log(struct mun_journal *j, const struct mun_ref *batch, uint32_t item,
                                 mun_log_fn fn, void *arg, struct mun_err *err) MUN_MUST_CHECK;
#endif
