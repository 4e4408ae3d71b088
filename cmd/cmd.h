/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_H
#define MUN_CMD_H
/*
 * A command as data: its option groups, examples and effect are fields, so that the parser,
 * --help and the man page are made of the same table. Values are offsets into struct mun_args,
 * which is zeroed before parsing (zero or NULL: not given).
 */
#include "journal/query.h"
#include "lib/crypto.h"
#include "lib/err.h"
#include "lib/remote/op.h"
enum mun_effect {
	MUN_READS_JOURNAL,
	MUN_ASKS_SERVER,
	MUN_CHANGES_SERVER,
	MUN_CHANGES_JOURNAL
};
enum mun_group_bit {
	MUN_G_COMMON = 1u << 0, /* every command */
	MUN_G_CREDENTIAL = 1u << 1,
	MUN_G_TARGET = 1u << 2,
	MUN_G_INPUT = 1u << 3,
	MUN_G_WHY = 1u << 4,
	MUN_G_CONSENT = 1u << 5,
	MUN_G_PACE = 1u << 6,
	MUN_G_STOP = 1u << 7,
	MUN_G_STORING = 1u << 8,
	MUN_G_FILTER = 1u << 9,
	/* options of one command */
	MUN_G_RESUME = 1u << 10,     /* --all --accept-identity-change (with --reason) */
	MUN_G_RESOLVE = 1u << 11,    /* --assume */
	MUN_G_STATUS = 1u << 12,     /* --all */
	MUN_G_TOKEN = 1u << 14,      /* --replace --new-key-file --new-passphrase-file --token-* */
	MUN_G_VERIFY = 1u << 15,     /* --strict --log-key --tsa-ca --witness-key … */
	MUN_G_CONFIRM = 1u << 16,    /* --confirm alone, for run */
	MUN_G_KEY = 1u << 17,        /* --key-file alone: opens the vault to sign */
	MUN_G_ANCHOR = 1u << 18,     /* --timestamp --witness --witness-key */
	MUN_G_CHECKPOINT = 1u << 19, /* --public-key --list --add --new-key --cacert */
	MUN_G_PROVE = 1u << 20,      /* --since-checkpoint --out */
	MUN_G_COSIGN = 1u << 21,     /* --state --log-key --public-key */
	MUN_G_EXPORT = 1u << 22,     /* --out --bodies --at */
	MUN_G_ADOPT = 1u << 23,      /* --reason, of journal adopt */
};
enum mun_output {
	MUN_OUT_TABLE,
	MUN_OUT_JSON,
	MUN_OUT_JSONL,
	MUN_OUT_CSV,
	MUN_OUT_IDS
};
#define MUN_LIST_MAX 16
struct mun_list { /* values of an option that may be repeated */
	const char *at[MUN_LIST_MAX];
	size_t len;
};
struct mun_args {
	const char *const *args; /* positional, borrowed from argv */
	size_t args_len;
	/* common */
	const char *journal, *vault, *output, *fields, *color, *progress, *tz;
	bool json, quiet, verbose, no_input, csv_raw, help;
	/* credential */
	const char *as, *token_file, *token_fd, *key_file, *cacert, *timeout;
	/* target */
	const char *org, *base_url;
	/* input */
	const char *from, *format, *id_column;
	bool allow_empty;
	/* why */
	const char *reason, *ticket, *operator_;
	struct mun_list label;
	/* consent */
	bool yes, dry_run;
	const char *confirm;
	/* pace */
	const char *rate, *concurrency, *attempts, *settle;
	/* stop */
	const char *stop_at, *stop_after, *stop_on_failures, *max_wait;
	bool keep_going;
	/* storing */
	const char *bodies;
	/* filters: raw texts; cmd/filter.c makes struct mun_filter of them */
	const char *f_run, *f_org, *f_batch, *f_plan, *f_ticket, *f_operator, *f_identity, *f_label,
		*f_reason, *f_op, *f_state, *f_verdict, *f_http, *f_kind, *f_since, *f_until,
		*f_after_seq, *f_limit;
	bool reverse;
	/* of one command */
	bool all, accept_identity_change, replace, strict;
	const char *assume, *new_key_file, *new_passphrase_file;
	/* anchors */
	struct mun_list timestamp, witness, witness_key;
	/* checkpoints, proofs, bundles, and what verify compares with */
	bool public_key, list, new_key, with_bodies, require_timestamp, drill;
	const char *add, *out, *at, *state, *tsa_ca, *require_witness, *anchor_within, *previous,
		*proof;
	struct mun_list log_key, since_checkpoint;
};
struct mun_cmd;
/* What every command gets: arguments, output, and the facts of the process. */
struct mun_app {
	const struct mun_cmd *cmd;
	struct mun_args args;
	enum mun_output output;
	const struct mun_clock *clock;
	char journal_dir[4096], vault_dir[4096],
		state_dir[4096]; /* resolved: flag, environment, XDG default; "" none */
	bool stdin_tty, stderr_tty, stdout_tty;
	const char *version;
	char exe_sha256[65];           /* of the program, hex; "" unknown */
	struct mun_secret live;        /* copy of the token in use: mun_say() blots it out */
	void (*before_say)(void *arg); /* takes away what is drawn on the screen; or NULL */
	void *before_say_arg;
	bool output_said;  /* that stdout cannot be written was said */
	bool summary_said; /* what happened stands on stderr as an object: no words after it */
	bool listing;      /* objects printed as JSON are members of one array */
	bool listed;       /* it has one already */
	bool journal_said; /* what there is to say about the journal's place was said */
};
struct mun_cmd {
	const char *name;
	const char *args;    /* "RUN... | --from FILE" */
	const char *summary; /* one line */
	enum mun_effect effect;
	unsigned groups;
	unsigned outputs;    /* 1u << enum mun_output; table first when 0 */
	const char *section; /* do, ask, keep, prove */
	const char *example[2];
	const char *example_text[2];
	enum mun_op_kind op; /* plan archive restore */
	/* *ret_exit is an exit status of README.md; on a code other than MUN_OK main prints
	 * err and maps the code. */
	enum mun_code (*run)(struct mun_app *app, int *ret_exit, struct mun_err *err);
};
#define MUN_VERSION "0.1.0"
extern const struct mun_cmd *const mun_cmds[]; /* in the order of --help; NULL at the end */
/* Open the journal of app in mode, with messages ready for people. Prints the warning of volatile
 * file systems and "created" to stderr. */
struct mun_journal;
enum mun_code mun_app_journal(struct mun_app *app, int mode /* enum mun_journal_mode */,
                              struct mun_journal **ret, struct mun_err *err) MUN_MUST_CHECK;
/* Everything meant for stderr goes through here: redacts the live token by value, and what looks
 * like another one. */
void mun_say(struct mun_app *app, const char *fmt, ...) MUN_PRINTF(2, 3);
#endif
