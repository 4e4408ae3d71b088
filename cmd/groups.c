/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opt.h"

#define AT(field) offsetof(struct mun_args, field)
#define TEXT(name, field, value, help)                                     \
	{                                                                  \
		0, name, MUN_OPT_TEXT, AT(field), value, help, false, NULL \
	}
#define FLAG(name, field, help)                                           \
	{                                                                 \
		0, name, MUN_OPT_FLAG, AT(field), NULL, help, false, NULL \
	}
#define LIST(name, field, value, help)                                     \
	{                                                                  \
		0, name, MUN_OPT_LIST, AT(field), value, help, false, NULL \
	}
/* From the command line only: consent, overrides, and filters whose word means another thing to
 * the commands that act, so that a variable set for those does not hide rows of a query. */
#define HERE_TEXT(name, field, value, help)                               \
	{                                                                 \
		0, name, MUN_OPT_TEXT, AT(field), value, help, true, NULL \
	}
#define HERE_FLAG(name, field, help)                                     \
	{                                                                \
		0, name, MUN_OPT_FLAG, AT(field), NULL, help, true, NULL \
	}

static const struct mun_opt common[] = {
	TEXT("journal", journal, "DIR", "the journal's directory"),
	TEXT("vault", vault, "DIR", "the directory of the sealed tokens"),
	{ 'o', "output", MUN_OPT_TEXT, AT(output), "FORMAT", "table, json, jsonl or csv", false,
	  NULL },
	FLAG("json", json, "the same as -o json"),
	TEXT("fields", fields, "A,B,C", "only these columns or members, in this order"),
	{ 'q', "quiet", MUN_OPT_FLAG, AT(quiet), NULL, "less on stderr", false, NULL },
	{ 'v', "verbose", MUN_OPT_FLAG, AT(verbose), NULL,
	  "more on stderr: which journal, batch, user and pace", false, NULL },
	FLAG("no-input", no_input, "never ask; fail instead"),
	TEXT("color", color, "WHEN", "auto, always or never"),
	TEXT("progress", progress, "HOW", "auto, tty, plain, json or none"),
	TEXT("tz", tz, "ZONE", "show times in this zone, or local (default UTC)"),
	FLAG("csv-raw", csv_raw, "do not defuse CSV cells that start like a formula"),
	{ 'h', "help", MUN_OPT_FLAG, AT(help), NULL, "this help", true, NULL },
};
static const struct mun_opt credential[] = {
	TEXT("as", as, "NAME", "stored token; implies organization and base URL"),
	TEXT("token-file", token_file, "FILE", "read the token from this file"),
	TEXT("token-fd", token_fd, "N", "read the token from this descriptor"),
	TEXT("key-file", key_file, "FILE", "opens the vault (mode 0600)"),
	TEXT("cacert", cacert, "FILE", "certificate authorities, PEM"),
	TEXT("timeout", timeout, "DUR", "for one whole exchange (60s)"),
};
static const struct mun_opt target[] = {
	TEXT("org", org, "ID", "organization, 32 hex digits"),
	{ 0, "base-url", MUN_OPT_TEXT, AT(base_url), "URL",
	  "https; http for loopback only (https://api.tallyfy.com)", false, "TALLYFY_BASE_URL" },
};
static const struct mun_opt input[] = {
	TEXT("from", from, "FILE", "read the runs from FILE, - for stdin"),
	TEXT("format", format, "FORMAT", "auto, ids, csv, jsonl or json"),
	TEXT("id-column", id_column, "NAME", "CSV column or JSON key that holds the id"),
	HERE_FLAG("allow-empty", allow_empty, "an empty list is no error"),
};
static const struct mun_opt why[] = {
	TEXT("reason", reason, "TEXT", "why, 8 to 500 characters; kept in the journal"),
	TEXT("ticket", ticket, "KEY", "ticket or change number"),
	{ 0, "label", MUN_OPT_LIST, AT(label), "K=V", "may be repeated", false, NULL },
	TEXT("operator", operator_, "NAME", "who you say you are; kept as a claim"),
};
static const struct mun_opt consent[] = {
	{ 'y', "yes", MUN_OPT_FLAG, AT(yes), NULL, "consent, up to 25 items", true, NULL },
	HERE_TEXT("confirm", confirm, "PLAN", "consent to exactly this plan"),
	FLAG("dry-run", dry_run, "store the plan and stop, as plan does"),
};
static const struct mun_opt confirm[] = {
	HERE_TEXT("confirm", confirm, "PLAN", "must be the plan that is run"),
};
static const struct mun_opt pace[] = {
	TEXT("rate", rate, "N/W,...", "windows (10/5s,90/m,900/h), or none"),
	TEXT("concurrency", concurrency, "N", "requests in flight (1, at most 256)"),
	TEXT("attempts", attempts, "N", "mutating requests for one item (5)"),
	TEXT("settle", settle, "DUR", "trust \"nothing happened\" after this time (60s)"),
};
static const struct mun_opt stop[] = {
	TEXT("stop-at", stop_at, "TIME", "stop then: a time, or a duration from now"),
	TEXT("stop-after", stop_after, "N", "stop when N items are done: a canary"),
	TEXT("stop-on-failures", stop_on_failures, "N", "stop at N failed items"),
	TEXT("max-wait", max_wait, "DUR", "leave instead of waiting longer (6h)"),
	HERE_FLAG("keep-going", keep_going, "turn off the guards that stop for failures"),
};
static const struct mun_opt storing[] = {
	TEXT("bodies", bodies, "WHAT", "keep response bodies: responses or none"),
};
static const struct mun_opt filter[] = {
	TEXT("run", f_run, "RUN", "this run"),
	HERE_TEXT("org", f_org, "ID", "this organization"),
	TEXT("batch", f_batch, "BATCH", "this batch"),
	TEXT("plan", f_plan, "PLAN", "this plan"),
	HERE_TEXT("ticket", f_ticket, "KEY", "this ticket"),
	HERE_TEXT("operator", f_operator, "NAME", "who did it, or claimed to be"),
	TEXT("identity", f_identity, "ID", "the API user behind the token"),
	HERE_TEXT("label", f_label, "K=V", "with this label"),
	HERE_TEXT("reason", f_reason, "TEXT", "whose reason holds this text"),
	TEXT("op", f_op, "OP", "archive or restore"),
	TEXT("state", f_state, "S,...", "items in one of these states"),
	TEXT("verdict", f_verdict, "V,...", "with one of these verdicts"),
	TEXT("http", f_http, "CODE", "404, or a class: 4xx"),
	TEXT("kind", f_kind, "KIND", "entries of this kind"),
	TEXT("since", f_since, "TIME", "from then on: time, date or 90d ago"),
	TEXT("until", f_until, "TIME", "until then; a date is its whole day"),
	TEXT("after-seq", f_after_seq, "N", "entries behind number N"),
	TEXT("limit", f_limit, "N", "at most N rows"),
	FLAG("reverse", reverse, "newest first"),
};
static const struct mun_opt resume[] = {
	HERE_FLAG("all", all, "each open batch, oldest first"),
	HERE_FLAG("accept-identity-change", accept_identity_change,
	          "go on as another API user than the batch's"),
	HERE_TEXT("reason", reason, "TEXT", "why the identity may change"),
};
static const struct mun_opt resolve[] = {
	HERE_TEXT("assume", assume, "WHAT",
	          "decide: archived, not-archived; of a restore active, not-active"),
};
static const struct mun_opt status[] = {
	FLAG("all", all, "ended batches and used plans too"),
};
static const struct mun_opt token[] = {
	FLAG("replace", replace, "renew a token that is stored already"),
	TEXT("new-key-file", new_key_file, "FILE", "of rekey: the new key"),
	TEXT("new-passphrase-file", new_passphrase_file, "FILE", "of rekey: the new passphrase"),
};
static const struct mun_opt verify[] = {
	FLAG("strict", strict, "findings fail too"),
	LIST("log-key", log_key, "VKEY|FILE", "the log's key, received by another channel"),
	TEXT("tsa-ca", tsa_ca, "FILE", "authorities of time stamps, PEM"),
	LIST("witness-key", witness_key, "VKEY", "a witness whose cosignatures count"),
	LIST("since-checkpoint", since_checkpoint, "FILE",
	     "a checkpoint or proof kept from before"),
	FLAG("require-timestamp", require_timestamp, "fail where no time stamp covers a batch"),
	TEXT("require-witness", require_witness, "N", "fail with fewer witnesses than N"),
	TEXT("anchor-within", anchor_within, "DUR", "fail when an anchor came later than that"),
	TEXT("previous", previous, "DIR", "the journal that this one follows"),
	TEXT("proof", proof, "FILE", "check this proof of one entry, nothing else"),
	FLAG("drill", drill, "damage a copy in a dozen ways and show that each is caught"),
};
static const struct mun_opt key[] = {
	TEXT("key-file", key_file, "FILE", "opens the vault (mode 0600)"),
};
static const struct mun_opt anchor[] = {
	LIST("timestamp", timestamp, "URL", "anchor at this RFC 3161 authority"),
	LIST("witness", witness, "URL", "anchor at this C2SP witness"),
	LIST("witness-key", witness_key, "VKEY", "whose cosignatures count"),
};
static const struct mun_opt checkpoint[] = {
	FLAG("public-key", public_key, "print the verifier key and its SHA-256"),
	FLAG("list", list, "print all checkpoints with their anchors"),
	TEXT("add", add, "FILE", "add the cosignatures of FILE"),
	TEXT("cacert", cacert, "FILE", "certificate authorities of --timestamp and --witness, PEM"),
	HERE_FLAG("new-key", new_key, "sign with a fresh key from now on (with --reason)"),
	HERE_TEXT("reason", reason, "TEXT", "why the key is replaced, 8 to 500 characters"),
};
static const struct mun_opt prove[] = {
	LIST("since-checkpoint", since_checkpoint, "FILE|0", "prove growth since it, or all (0)"),
	TEXT("out", out, "PATH", "file, or of a run the directory for its proofs"),
};
static const struct mun_opt cosign[] = {
	TEXT("state", state, "FILE", "what was cosigned before; kept by cosign"),
	LIST("log-key", log_key, "VKEY|FILE", "the log's key, at its first use"),
	FLAG("public-key", public_key, "print the cosigner's verifier key"),
};
static const struct mun_opt export[] = {
	TEXT("out", out, "PATH", "directory or FILE.tar to be made"),
	FLAG("bodies", with_bodies, "with the server's answers and the names in them"),
	TEXT("at", at, "SIZE", "end at this older checkpoint"),
};
static const struct mun_opt adopt[] = {
	HERE_TEXT("reason", reason, "TEXT", "of adopt: why, 8 to 500 characters"),
};

#define GROUP(bit, title, table)                        \
	{                                               \
		bit, title, table, MUN_ARRAY_LEN(table) \
	}
const struct mun_opt_group mun_opt_groups[] = {
	GROUP(MUN_G_RESUME, "Resuming", resume),
	GROUP(MUN_G_RESOLVE, "Deciding", resolve),
	GROUP(MUN_G_STATUS, "Which", status),
	GROUP(MUN_G_TOKEN, "Vault", token),
	GROUP(MUN_G_VERIFY, "Checks", verify),
	GROUP(MUN_G_CHECKPOINT, "Checkpoint", checkpoint),
	GROUP(MUN_G_PROVE, "Proof", prove),
	GROUP(MUN_G_COSIGN, "Witness", cosign),
	GROUP(MUN_G_EXPORT, "Bundle", export),
	GROUP(MUN_G_ADOPT, "Adopting", adopt),
	GROUP(MUN_G_KEY, "Vault", key),
	GROUP(MUN_G_ANCHOR, "Anchors", anchor),
	GROUP(MUN_G_INPUT, "Input", input),
	GROUP(MUN_G_WHY, "Why", why),
	GROUP(MUN_G_CONSENT, "Consent", consent),
	GROUP(MUN_G_CONFIRM, "Consent", confirm),
	GROUP(MUN_G_TARGET, "Target", target),
	GROUP(MUN_G_CREDENTIAL, "Credential", credential),
	GROUP(MUN_G_PACE, "Pace", pace),
	GROUP(MUN_G_STOP, "Stopping", stop),
	GROUP(MUN_G_STORING, "Storing", storing),
	GROUP(MUN_G_FILTER, "Filters (AND; a comma inside one is OR)", filter),
	GROUP(MUN_G_COMMON, "Every command", common),
};
const size_t mun_opt_groups_len = MUN_ARRAY_LEN(mun_opt_groups);
