/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signer.h"
#include "journal/mark.h"
#include "lib/file.h"
#include "lib/tlog/note.h"
#include "lib/vault_signer.h"
#include "tests/test.h"

static char folder[64], key_path[96];
static struct mun_app app;
static struct mun_err err;
static struct mun_journal *j;

static void open_journal(void)
{
	const struct mun_journal_options o = { .dir = app.journal_dir,
		                               .mode = MUN_JOURNAL_CREATE,
		                               .clock = app.clock,
		                               .version = app.version,
		                               .state_dir = app.state_dir };

	mun_journal_closep(&j);
	assert_ok(mun_journal_open(&j, &o, &err), &err);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-signer-XXXXXX");
	if (mkdtemp(folder) == NULL || mun_crypto_init(&err) != MUN_OK)
		return 1;
	(void)snprintf(key_path, sizeof(key_path), "%s/key", folder);
	memset(&app, 0, sizeof(app));
	app.clock = mun_clock_system();
	app.version = MUN_VERSION;
	app.args.key_file = key_path;
	app.args.no_input = true;
	app.args.quiet = true;
	(void)snprintf(app.journal_dir, sizeof(app.journal_dir), "%s/journal", folder);
	(void)snprintf(app.vault_dir, sizeof(app.vault_dir), "%s/vault", folder);
	(void)snprintf(app.state_dir, sizeof(app.state_dir), "%s/state", folder);
	open_journal();
	return (int)mun_file_replace(key_path, "0123456789abcdef0123456789abcdef", 32, 0600, &err);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	mun_journal_closep(&j);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void append_something(void)
{
	struct mun_entry e = { .kind = MUN_K_CLOCK_JUMPED, .item = MUN_NO_ITEM };
	struct mun_group group = { .entries = &e, .len = 1 };

	e.u.clock.server_us = e.u.clock.before_us = MUN_TIME_NONE;
	assert_ok(mun_journal_append(j, &group, &err), &err);
}

static void make(struct mun_signer *s, bool replace)
{
	assert_ok(mun_signer_make(s, &app, j, replace, replace ? "the tests want it" : NULL, &err),
	          &err);
	assert_non_null(s->secret.data);
}

/* Signs, and returns how many lines the note has. */
static size_t sign(struct mun_signer *s, uint64_t *ret_size)
{
	struct mun_signed signed_;
	struct mun_note note;
	size_t lines;

	mun_signed_init(&signed_);
	assert_ok(mun_signer_sign(s, &app, j, &signed_, &err), &err);
	assert_ok(mun_note_parse(&note, signed_.note.data, signed_.note.len, &err), &err);
	assert_int_equal(mun_note_check(&note, &s->key, NULL, NULL), MUN_NOTE_VALID);
	lines = note.sig_len;
	if (ret_size)
		*ret_size = signed_.size;
	mun_signed_done(&signed_);
	return lines;
}

static void test_a_journal_without_a_key_signs_nothing(void **state)
{
	struct mun_signer s;

	(void)state;
	assert_ok(mun_signer_open(&s, &app, j, MUN_SIGNER_QUIET, NULL, &err), &err);
	assert_false(s.in_force);
	assert_false(mun_signer_checkpoint_quietly(&app, j, &s, true, NULL));
	assert_false(s.said);
	assert_fails(mun_signer_open(&s, &app, j, MUN_SIGNER_ASK, NULL, &err), MUN_E_NOTFOUND,
	             &err);
	assert_int_equal(access(app.vault_dir, F_OK), -1);
}

static void test_a_key_is_made_once(void **state)
{
	struct mun_signer s, again;
	uint64_t size = 0;

	(void)state;
	make(&s, false);
	assert_fails(mun_signer_make(&again, &app, j, false, NULL, &err), MUN_E_BUSY, &err);
	assert_int_equal(sign(&s, &size), 1);
	assert_int_equal(size, s.seq + 1);
	mun_signer_done(&s);
	assert_ok(mun_signer_open(&again, &app, j, MUN_SIGNER_ASK, NULL, &err), &err);
	assert_true(mun_vkey_equal(&again.key, &s.key));
	assert_int_equal(sign(&again, NULL), 1);
	mun_signer_done(&again);
}

/* Whoever changed the key died before the first signature: the change still gets both lines. */
static void test_a_change_that_was_not_signed_gets_both_lines(void **state)
{
	struct mun_signer s;
	struct mun_vkey old;
	uint64_t before, size;

	(void)state;
	make(&s, false);
	assert_int_equal(sign(&s, &before), 1);
	old = s.key;
	mun_signer_done(&s);
	make(&s, true);
	assert_true(mun_vkey_equal(&s.old_key, &old));
	mun_signer_done(&s);
	open_journal();
	assert_ok(mun_signer_open(&s, &app, j, MUN_SIGNER_QUIET, NULL, &err), &err);
	assert_false(mun_vkey_equal(&s.key, &old));
	assert_int_equal(sign(&s, &size), 2);
	assert_true(size > before);
	append_something();
	assert_int_equal(sign(&s, NULL), 1); /* the same process goes on with its own key */
	mun_signer_done(&s);
}

static void test_an_unlocked_vault_is_used(void **state)
{
	const struct mun_vault_key from = { .key_file = key_path };
	struct mun_vault *v = NULL;
	struct mun_signer s;

	(void)state;
	make(&s, false);
	mun_signer_done(&s);
	assert_ok(mun_vault_open(&v, app.vault_dir, false, &err), &err);
	assert_ok(mun_vault_unlock(v, &from, &err), &err);
	app.args.key_file = NULL;
	assert_ok(mun_signer_open(&s, &app, j, MUN_SIGNER_QUIET, v, &err), &err);
	mun_vault_closep(&v);
	assert_int_equal(sign(&s, NULL), 1);
	mun_signer_done(&s);
}

/* A witness gives the alarm while the journal is open. */
static void test_after_an_alarm_nothing_is_signed(void **state)
{
	struct mun_head before, after;
	struct mun_signed signed_;
	struct mun_signer s, other;

	(void)state;
	make(&s, false);
	assert_int_equal(sign(&s, NULL), 1);
	append_something();
	assert_ok(mun_mark_alarm(j, "a witness has seen another line", &err), &err);
	assert_ok(mun_journal_head(j, &before, &err), &err);
	mun_signed_init(&signed_);
	assert_fails(mun_signer_sign(&s, &app, j, &signed_, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "a witness has seen another line"));
	assert_false(mun_signer_checkpoint_quietly(&app, j, &s, false, &signed_));
	assert_fails(mun_signer_make(&other, &app, j, true, "the tests want it", &err),
	             MUN_E_JOURNAL, &err);
	assert_ok(mun_journal_head(j, &after, &err), &err);
	assert_int_equal(after.size, before.size);
	assert_int_equal(signed_.size, 0);
	mun_signer_done(&s);
}

/* What a vault cannot give is an answer in one line, and --no-input stays as it was. */
static void refuse_quietly(const char *why)
{
	struct mun_signer s;

	append_something();
	assert_ok(mun_signer_open(&s, &app, j, MUN_SIGNER_QUIET, NULL, &err), &err);
	assert_false(app.args.no_input);
	assert_true(s.in_force);
	assert_null(s.secret.data);
	assert_non_null(strstr(s.why, why));
	assert_null(strchr(s.why, '\n'));
	assert_false(mun_signer_checkpoint_quietly(&app, j, &s, false, NULL));
	assert_false(s.said);
	assert_false(mun_signer_checkpoint_quietly(&app, j, &s, true, NULL));
	assert_true(s.said);
	assert_false(mun_signer_checkpoint_quietly(&app, j, NULL, false, NULL));
	mun_signer_done(&s);
}

static void test_what_cannot_be_opened_never_fails(void **state)
{
	struct mun_signer s;
	char command[128];

	(void)state;
	make(&s, false);
	mun_signer_done(&s);
	app.args.no_input = false;
	assert_ok(mun_file_replace(key_path, "another key of 32 bytes, or more", 32, 0600, &err),
	          &err);
	refuse_quietly("wrong key file");
	app.args.key_file = NULL;
	refuse_quietly("a key file opens it");
	app.args.key_file = "/nowhere/at/all";
	refuse_quietly("/nowhere/at/all");
	app.args.key_file = key_path;
	assert_int_equal(chmod(app.vault_dir, 0755), 0);
	refuse_quietly("open to other users");
	(void)snprintf(command, sizeof(command), "rm -r '%s/vault'", folder);
	assert_int_equal(system(command), 0);
	refuse_quietly("there is no vault");
	assert_int_equal(access(app.vault_dir, F_OK), -1);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_a_journal_without_a_key_signs_nothing),
		IN_FOLDER(test_a_key_is_made_once),
		IN_FOLDER(test_a_change_that_was_not_signed_gets_both_lines),
		IN_FOLDER(test_an_unlocked_vault_is_used),
		IN_FOLDER(test_after_an_alarm_nothing_is_signed),
		IN_FOLDER(test_what_cannot_be_opened_never_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
