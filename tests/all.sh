#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what a bare Debian 12 lacks (as root, or through sudo), builds with warnings as errors,
# runs every test, then the unit tests again under the address and undefined-behaviour sanitizers,
# and the cases that die at a chosen point, which only these builds have.
# Safe to run again. The last line counts the test programs: "N passed, N failed, N skipped".
# Build folders: build/ and build-san/, or below $MUN_BUILD_ROOT.
set -u
cd "$(dirname "$0")/.." || exit 2
build=${MUN_BUILD_ROOT:-.}/build
san=${MUN_BUILD_ROOT:-.}/build-san
passed=0
failed=0
skipped=0

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# A step that is no test but without which there is none: counted once, as failed.
give_up() {
	echo "all.sh: $1"
	failed=$((failed + 1))
	finish
}

# run_tests FOLDER OPTION…: prints one line a test and the log of each that failed; counts.
run_tests() {
	folder=$1
	shift
	rm -f "$folder/meson-logs/testlog.json"
	meson test -C "$folder" --no-rebuild --print-errorlogs "$@" </dev/null
	status=$?
	counts=$(python3 - "$folder/meson-logs/testlog.json" <<'END'
import json, sys
good = {'OK', 'EXPECTEDFAIL'}
passed = failed = skipped = 0
try:
    for line in open(sys.argv[1], encoding='utf-8'):
        result = json.loads(line)['result']
        passed += result in good
        skipped += result == 'SKIP'
        failed += result not in good and result != 'SKIP'
except FileNotFoundError:
    pass
print(passed, failed, skipped)
END
	) || give_up "the log of the tests cannot be read"
	set -- $counts
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	# A runner that failed without a failed test (or ran none) is a failure too.
	if [ $status -ne 0 ] && [ "$2" -eq 0 ]; then
		give_up "meson test ended with status $status"
	fi
}

sanitizers_work() {
	probe=$(mktemp -d) || return 1
	echo 'int main(void) { return 0; }' >"$probe/probe.c"
	"${CC:-gcc}" -fsanitize=address,undefined -o "$probe/probe" "$probe/probe.c" 2>/dev/null &&
		"$probe/probe"
	works=$?
	rm -rf "$probe"
	return $works
}

# Test vectors beside the checkout are used when they are there; tests that need them say so.
if [ -z "${MUNIMENT_VECTORS:-}" ] && [ -d ../shared/vectors ]; then
	MUNIMENT_VECTORS=$(cd ../shared/vectors && pwd)
fi
[ -z "${MUNIMENT_VECTORS:-}" ] || export MUNIMENT_VECTORS

sh cmd/setup.sh "$build" --werror || give_up "the build failed"
run_tests "$build"

if sanitizers_work; then
	echo "all.sh: building with sanitizers"
	# clang links the run time of its sanitizers into programs only: hence b_lundef.
	sh cmd/setup.sh "$san" -Db_sanitize=address,undefined -Db_lundef=false ||
		give_up "the build with sanitizers failed"
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		run_tests "$san" --no-suite cases --no-suite source --timeout-multiplier 5
else
	echo "all.sh: skipped: programs built with sanitizers do not run here"
	skipped=$((skipped + 1))
fi
finish
