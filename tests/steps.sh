# SPDX-License-Identifier: Apache-2.0
# What all.sh and ci.sh share; they source it from the root of the checkout.
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
	echo "$(basename "$0"): $1"
	failed=$((failed + 1))
	finish
}

# run_tests FOLDER OPTION…: prints one line a test and the log of each that failed; counts.
run_tests() {
	folder=$1
	shift
	rm -f "$folder"/meson-logs/testlog*.json
	meson test -C "$folder" --no-rebuild --print-errorlogs "$@" </dev/null
	status=$?
	counts=$(python3 - "$folder"/meson-logs/testlog*.json <<'END_PYTHON'
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
END_PYTHON
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

# Read by sanitized programs only. UBSan would else print and go on.
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

# Test vectors beside the checkout are used when they are there; tests that need them say so.
if [ -z "${MUNIMENT_VECTORS:-}" ] && [ -d ../shared/vectors ]; then
	MUNIMENT_VECTORS=$(cd ../shared/vectors && pwd)
fi
[ -z "${MUNIMENT_VECTORS:-}" ] || export MUNIMENT_VECTORS
