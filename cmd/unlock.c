/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/opt.h"
#include "cmd/prompt.h"
#include "lib/file.h"

#define SECRET_MAX (MUN_TOKEN_MAX + 1) /* and a newline */

/* What the child says about a vault; anything else says that it died. */
#define CHILD_GOOD    10
#define CHILD_REFUSES 11
#define CHILD_LIMIT_S 20

enum mun_code mun_unlock_fd(struct mun_secret *ret, int fd, const char *what, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret all = { 0 };
	enum mun_code code = mun_secret_new(&all, SECRET_MAX + 1, err);
	size_t len = 0;

	while (code == MUN_OK) {
		ssize_t n = read(fd, all.data + len, all.len - len);
		if (n < 0 && errno == EINTR)
			return mun_fail(err, MUN_E_CREDENTIAL, "%s: interrupted", what);
		if (n < 0)
			return mun_fail_errno(err, MUN_E_CREDENTIAL, errno, "%s cannot be read",
			                      what);
		len += (size_t)n;
		if (len == all.len)
			return mun_fail(err, MUN_E_CREDENTIAL, "%s has more than %d bytes", what,
			                SECRET_MAX);
		if (n == 0)
			break;
	}
	if (code == MUN_OK && len == 0)
		return mun_fail(err, MUN_E_CREDENTIAL, "%s is empty", what);
	if (code == MUN_OK)
		code = mun_secret_new(ret, len, err);
	if (code == MUN_OK)
		memcpy(ret->data, all.data, len);
	return code;
}

enum mun_code mun_unlock_check_path(const char *path, struct mun_err *err)
{
	enum mun_code code;

	if (!mun_opt_looks_secret(path) || access(path, F_OK) == 0)
		return MUN_OK;
	code = mun_fail(err, MUN_E_USAGE,
	                "there is no such file, and its name looks like a token (not shown)");
	mun_hint(err, MUN_OPT_REVOKE);
	return code;
}

enum mun_code mun_unlock_file(struct mun_secret *ret, struct mun_app *app, const char *path,
                              const char *what, struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = -1;
	enum mun_code code = mun_unlock_check_path(path, err);
	struct stat st;

	if (code != MUN_OK)
		return code;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return mun_fail_errno(err, MUN_E_CREDENTIAL, errno, "%s %s cannot be opened", what,
		                      path);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		mun_say(app, "muniment: warning: %s %s can be read by others; chmod 600 it", what,
		        path);
	return mun_unlock_fd(ret, fd, what, err);
}

enum mun_code mun_unlock_passphrase_file(struct mun_secret *ret, struct mun_app *app,
                                         const char *path, struct mun_err *err)
{
	enum mun_code code = mun_unlock_file(ret, app, path, "the passphrase file", err);

	if (code != MUN_OK)
		return code;
	if (ret->data[ret->len - 1] == '\n')
		ret->len--;
	if (ret->len > 0)
		return MUN_OK;
	mun_secret_done(ret);
	return mun_fail(err, MUN_E_CREDENTIAL, "the passphrase file %s is empty", path);
}

/* A changed byte of the data file can kill whoever reads it, so somebody else reads it first. */
static enum mun_code check_vault(const char *dir, struct mun_err *err)
{
	pid_t child;
	int status = 0;

	/* Ignored, as a parent may hand it on, it would leave nobody to wait for. */
	(void)signal(SIGCHLD, SIG_DFL);
	child = fork();
	if (child < 0)
		return mun_fail_errno(err, MUN_E_INTERNAL, errno, "no process to check the vault");
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		/* LMDB's last words are for its developers. */
		(void)dup2(null, STDERR_FILENO);
		(void)alarm(CHILD_LIMIT_S);
		_exit(mun_vault_check(dir, NULL) == MUN_OK ? CHILD_GOOD : CHILD_REFUSES);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return mun_fail_errno(err, MUN_E_INTERNAL, errno, "wait for a child");
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_GOOD)
		return MUN_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_REFUSES)
		return mun_vault_check(dir, err);
	return mun_fail(err, MUN_E_CREDENTIAL, "the vault in %s is damaged", dir);
}

enum mun_code mun_unlock_open(struct mun_vault **ret, struct mun_app *app, bool create,
                              struct mun_err *err)
{
	enum mun_code code;

	if (!app->vault_dir[0]) {
		code = mun_fail(err, MUN_E_CREDENTIAL, "no place for the vault: HOME is not set");
		mun_hint(err, "give --vault DIR, or a token by --token-file");
		return code;
	}
	code = check_vault(app->vault_dir, err);
	if (code == MUN_E_CREDENTIAL)
		mun_hint(err,
		         "a token by --token-file or TALLYFY_API_TOKEN needs no vault; nothing "
		         "in the vault was changed");
	if (code == MUN_OK || (code == MUN_E_NOTFOUND && create))
		code = mun_vault_open(ret, app->vault_dir, create, err);
	return code;
}

enum mun_code mun_unlock_ask_twice(struct mun_secret *ret, struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret again = { 0 };
	enum mun_code code;

	code = mun_prompt_secret(ret, app, "New passphrase of the vault: ", err);
	if (code == MUN_OK)
		code = mun_prompt_secret(&again, app, "The same again: ", err);
	if (code == MUN_OK &&
	    (ret->len != again.len || !mun_equal_secret(ret->data, again.data, ret->len)))
		code = mun_fail(err, MUN_E_USAGE,
		                "the two passphrases differ; nothing was changed");
	return code;
}

static enum mun_code nobody_to_ask(struct mun_err *err)
{
	enum mun_code code = mun_fail(err, MUN_E_CREDENTIAL,
	                              "the vault is locked and nobody can be asked for its key");

	mun_hint(err, "MUNIMENT_PASSPHRASE_FILE, $CREDENTIALS_DIRECTORY/muniment-passphrase or "
	              "--key-file opens it; --token-file or --token-fd needs no vault");
	return code;
}

/* MUNIMENT_PASSPHRASE_FILE, or what systemd gave; "" neither. */
static void passphrase_path(char *ret, size_t ret_size)
{
	const char *file = getenv("MUNIMENT_PASSPHRASE_FILE");
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	ret[0] = '\0';
	if (file && *file) {
		(void)snprintf(ret, ret_size, "%s", file);
	} else if (dir && *dir) {
		(void)snprintf(ret, ret_size, "%s/muniment-passphrase", dir);
		if (access(ret, F_OK) != 0)
			ret[0] = '\0';
	}
}

enum mun_code mun_unlock_possible(struct mun_app *app, const char *kind, struct mun_err *err)
{
	char path[4096];

	passphrase_path(path, sizeof path);
	if (app->args.key_file || path[0])
		return MUN_OK;
	if (kind && strcmp(kind, "key file") == 0) {
		(void)mun_fail(err, MUN_E_CREDENTIAL, "the vault is locked; a key file opens it");
		mun_hint(err, "--key-file FILE; --token-file or --token-fd needs no vault");
		return MUN_E_CREDENTIAL;
	}
	return mun_prompt_possible(app) ? MUN_OK : nobody_to_ask(err);
}

enum mun_code mun_unlock(struct mun_vault *v, struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret passphrase = { 0 };
	struct mun_vault_key key = { .key_file = app->args.key_file };
	char path[4096];
	enum mun_code code = mun_unlock_possible(app, mun_vault_key_kind(v), err);

	passphrase_path(path, sizeof path);
	if (code == MUN_OK && key.key_file)
		code = mun_unlock_check_path(key.key_file, err);
	else if (code == MUN_OK && path[0])
		code = mun_unlock_passphrase_file(&passphrase, app, path, err);
	else if (code == MUN_OK && mun_vault_has_key(v))
		code = mun_prompt_secret(&passphrase, app, "Passphrase of the vault: ", err);
	else if (code == MUN_OK)
		code = mun_unlock_ask_twice(&passphrase, app, err);
	if (!key.key_file)
		key.passphrase = &passphrase;
	return code == MUN_OK ? mun_vault_unlock(v, &key, err) : code;
}
