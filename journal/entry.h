/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENTRY_H
#define MUN_ENTRY_H
/*
 * Typed entries to and from their canonical line (FORMAT.md, section 1). Pure. One struct serves
 * appending (the caller fills it), reading and replaying (decoded from bytes), so projections
 * cannot differ between a live append and a rebuild. Strings are borrowed; NULL writes null.
 */
#include "journal/kind.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/digest.h"
#include "lib/id.h"
#define MUN_ENTRY_MAX   65535 /* bytes of a line, without newline */
#define MUN_SETTLES_MAX 256
#define MUN_NO_SEQ      UINT64_MAX /* "null" where a seq is optional */
#define MUN_NO_ITEM     (-1)
struct mun_operator {
	uint32_t uid;
	const char *user, *sudo_user, *host, *tty, *claimed; /* sudo_user, tty, claimed: or NULL */
};
struct mun_label {
	const char *key, *value;
};
struct mun_body_ref {          /* bytes beside the log */
	const char *data;      /* when appending: stored with a fresh salt; NULL: nothing is kept */
	struct mun_buf *owner; /* of a large one, or NULL: emptied when data is packed */
	uint64_t bytes;        /* length of data; when decoded: as recorded */
	bool present;          /* an object stands in the entry, not null */
	bool kept;             /* commit is not null */
	uint8_t commit[MUN_SHA256_LEN];
};
struct mun_counts { /* conservation law: total is the sum of the rest */
	uint64_t total, done, already, failed, in_doubt, skipped, cancelled, pending;
};
struct mun_settle {
	struct mun_ref batch;
	uint32_t item;
	uint64_t request; /* MUN_NO_SEQ: the item has none */
	enum mun_verdict verdict;
	char archived_at[40]; /* "" null */
};
struct mun_range {
	uint32_t first, last;
};
struct mun_previous { /* the journal that this one follows */
	const char *origin, *reason;
	uint64_t size, mark; /* mark: entries that this machine had seen of it */
	uint8_t root[MUN_SHA256_LEN];
};
struct mun_entry {
	enum mun_kind kind;
	uint64_t seq; /* these four are set by append, or decoded */
	int64_t time_us;
	uint64_t uptime_ms;
	uint8_t boot[6];
	bool has_batch, has_run, has_org;
	struct mun_ref batch;
	int64_t item; /* MUN_NO_ITEM */
	struct mun_id org, run;
	union {
		struct {
			const char *journal, *origin, *version, *exe_sha256;
			const struct mun_previous *previous; /* or NULL */
		} created;
		struct {
			const char *vkey, *previous, *reason; /* previous: or NULL */
			struct mun_operator operator_;
		} key;
		struct {
			struct mun_ref plan;
			enum mun_op_kind op;
			const char *base_url;
			uint32_t items;
			uint8_t list_sha256[MUN_SHA256_LEN];
			bool has_overrides;
			uint8_t overrides_sha256[MUN_SHA256_LEN];
			struct mun_body_ref source;
			uint64_t duplicates;
			bool has_adopted;       /* the items come from a former journal */
			struct mun_ref adopted; /* its batch */
			const char *reason, *ticket;
			const struct mun_label *labels; /* sorted by key */
			size_t labels_len;
			struct mun_operator operator_;
		} plan;
		struct {
			struct mun_ref plan;
			const char *reason;
			struct mun_operator operator_;
		} discard;
		struct {                /* batch.started, batch.resumed */
			bool resolving; /* purpose resolve */
			struct mun_ref plan;
			uint32_t epoch;
			struct mun_operator operator_;
			const char *version, *exe_sha256, *machine, *reason, *token;
			bool all_in_doubt;
			const char *identity_id, *identity_role; /* NULL id: null */
			const char *host, *proxy, *limits;
			const char *options; /* canonical JSON object text, "{}" */
			uint32_t attempts;   /* decoded from options, default 5 */
		} start;
		struct {
			enum mun_purpose purpose;
			uint32_t attempt;                         /* 0 for reads */
			uint32_t epoch;                           /* 0 outside a batch */
			const char *method, *host, *path, *token; /* token: fingerprint */
			const char *reason, *ticket;              /* own of the row, or NULL */
		} request;
		struct {
			uint64_t request;
			bool sent;
			int curl_code;
			const char *curl_name;
			unsigned http;         /* 0: null */
			const char *header[8]; /* mun_header order; NULL absent */
			struct mun_body_ref body;
			uint32_t duration_ms;
			const char *remote_ip, *tls_version, *tls_issuer; /* or NULL */
			enum mun_verdict verdict;
			const char *archived_at;
			struct mun_settle *settles;
			size_t settles_len;  /* 0: null */
			int64_t retry_at_us; /* MUN_TIME_NONE: null */
		} response;
		struct {
			uint64_t request;
			enum mun_verdict verdict;
			const char *reason;
			struct mun_operator operator_;
		} decision;
		struct { /* item.skipped, item.cancelled */
			const struct mun_range *ranges;
			size_t ranges_len;
			const char *why, *reason;
			struct mun_operator operator_;
			bool has_operator;
		} ranges;
		struct {
			const char *reason;
			struct mun_operator operator_;
		} cancelling;
		struct {
			const char *state;
			struct mun_counts counts;
			const char *why;
		} pause;
		struct {
			const char *name, *token;
			const char *base_url;
		} token; /* org: has_org */
		struct {
			uint64_t size;
			uint8_t root[MUN_SHA256_LEN], receipt[MUN_SHA256_LEN];
			const char *kind, *by; /* kind: witness, timestamp */
		} anchored;
		struct {
			const char
				*filter; /* as given on the command line; NULL: the whole range */
			uint64_t size;
			uint8_t root[MUN_SHA256_LEN], sums[MUN_SHA256_LEN]; /* of SHA256SUMS */
			bool bodies;
		} exported;
		struct {
			const uint64_t *seqs, *disclosed; /* ascending */
			size_t seqs_len, disclosed_len;
			const char *basis;
			struct mun_operator operator_;
		} erased;
		struct { /* the entry's own time is off: the service's; what it was already */
			int64_t server_us, before_us; /* MUN_TIME_NONE: null */
		} clock;
	} u;
	/* out, of append: why a request was not admitted; such an entry was not written */
	enum mun_refusal {
		MUN_ADMITTED,
		MUN_REFUSED_EPOCH,
		MUN_REFUSED_CANCELLED,
		MUN_REFUSED_WINDOW,
		MUN_REFUSED_ELSEWHERE,
		MUN_REFUSED_NOT_PENDING
	} refused;
	/* in: attempts elsewhere below this seq were asked about, so they do not refuse it */
	uint64_t elsewhere_seen;
};
/* Append the line (no newline) to ret. FULL over MUN_ENTRY_MAX: names the size. */
enum mun_code mun_entry_encode(struct mun_buf *ret, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
struct mun_decoded; /* owns what the strings of an entry point into */
/*
 * CORRUPT: not canonical, unknown kind, missing, surplus or ill-typed field. "Decodes" implies
 * that encoding again gives the same bytes; this is checked here.
 */
enum mun_code mun_entry_decode(struct mun_entry *ret, struct mun_decoded **ret_owner,
                               const void *line, size_t len, struct mun_err *err) MUN_MUST_CHECK;
void mun_decoded_freep(struct mun_decoded **d);
#endif
