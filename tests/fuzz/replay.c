/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer, over each file that is named and each file of each folder
 * that is named, and over every part of a small one that its first bytes make.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX  (1u << 20)
#define PREFIX_MAX 300

static unsigned ran;

/* In memory of exactly that size, so that a read behind it is noticed. */
static void run(const char *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert(copy);
	if (len > 0)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void run_file(const char *path)
{
	struct mun_buf input;
	struct mun_err err;

	mun_buf_init(&input, INPUT_MAX);
	if (mun_file_read(&input, path, &err) != MUN_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
	(void)printf("# %s\n", path);
	(void)fflush(stdout); /* before it can abort */
	run(input.data, input.len);
	for (size_t len = 0; len < input.len && len < PREFIX_MAX; len++)
		run(input.data, len);
	mun_buf_done(&input);
	ran++;
}

static void run_folder(const char *path)
{
	struct dirent **names = NULL;
	int len = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < len; i++) {
		char *file = NULL;

		if (names[i]->d_name[0] != '.' &&
		    asprintf(&file, "%s/%s", path, names[i]->d_name) > 0)
			run_file(file);
		free(file);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	(void)printf("1..1\n%s 1 - %u inputs\n", ran > 0 ? "ok" : "not ok", ran);
	return ran > 0 ? 0 : 1;
}
