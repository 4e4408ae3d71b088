#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tests/ci.sh [PART…]
# All that has to hold before a change is merged; tests/all.sh is the part of it that takes
# minutes. Installs what a bare Debian 12 lacks (as root, or through sudo). Parts, in this order:
#   gcc, clang          build with warnings as errors, all tests
#   san, san-clang      the same with the address and undefined-behaviour sanitizers
#   valgrind            unit and corpus tests, built so that forgotten variables are not zero
#   analyzer            build with gcc -fanalyzer
#   tidy, cppcheck      these two over every source file
#   style               clang-format, rules.sh, codespell
#   fuzz                each target for $MUN_FUZZ_S seconds (60)
# Safe to run again. A part that is no program of tests counts as one test, a fuzz target too. The
# last line is "N passed, N failed, N skipped". Build folders: build-ci/, or $MUN_BUILD_ROOT.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/steps.sh
root=${MUN_BUILD_ROOT:-build-ci}
mkdir -p "$root" && echo '*' >"$root/.gitignore" || exit 2
export MUN_MORE_PACKAGES='clang libclang-rt-14-dev llvm clang-tidy clang-format cppcheck valgrind
libc6-dbg codespell golang-go golang-golang-x-mod-dev'
jobs=$(nproc)

# build COMPILER FOLDER OPTION…: counts a build that fails as a failed test.
build() {
	compiler=$1
	shift
	CC=$compiler sh cmd/setup.sh "$root/$@" && return 0
	failed=$((failed + 1))
	return 1
}

# check NAME COMMAND…: one test.
check() {
	name=$1
	shift
	if "$@" </dev/null; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		echo "not ok $name"
		failed=$((failed + 1))
	fi
}

sources() {
	find cmd lib journal tests -name '*.[ch]'
}

part_gcc() {
	build gcc gcc --werror && run_tests "$root/gcc"
}

part_clang() {
	build clang clang --werror && run_tests "$root/clang"
}

# Cases are left out: they limit memory and kill by the clock, for which sanitizers are too heavy.
sanitized() {
	run_tests "$root/$1" --no-suite cases --no-suite source --timeout-multiplier 5
}

part_san() {
	build gcc san --werror -Db_sanitize=address,undefined && sanitized san
}

# clang links the run time of its sanitizers into programs only: hence b_lundef.
part_san_clang() {
	build clang san-clang --werror -Db_sanitize=address,undefined -Db_lundef=false &&
		sanitized san-clang
}

part_valgrind() {
	build gcc valgrind --werror -Dc_args=-ftrivial-auto-var-init=uninitialized &&
		run_tests "$root/valgrind" --setup valgrind --timeout-multiplier 10
}

part_analyzer() {
	check analyzer env CC=gcc sh cmd/setup.sh "$root/analyzer" --werror -Dc_args=-fanalyzer
}

# The tools read the compile commands of a clang build.
tidy() {
	run-clang-tidy-14 -quiet -j "$jobs" -p "$root/clang" >"$root/tidy.log" 2>&1 && return 0
	grep -A 3 -E '(error|warning):' "$root/tidy.log"
	return 1
}

part_tidy() {
	build clang clang --werror && check clang-tidy tidy
}

# cppcheck does not know the cleanup attribute: each variable that has one would leak (memleak) and
# be emptied by MUN_STEAL for nothing (unreadVariable); nor what is read through another pointer
# (redundantAssignment). gcc -fanalyzer, valgrind and the address sanitizer look for leaks,
# clang-tidy for values that are never read.
run_cppcheck() {
	mkdir -p "$root/cppcheck"
	cppcheck --project="$root/clang/compile_commands.json" --quiet --error-exitcode=1 \
		--enable=warning,style,performance,portability --suppress=missingIncludeSystem \
		--suppress=memleak --suppress=unreadVariable --suppress=redundantAssignment \
		--cppcheck-build-dir="$root/cppcheck" -j "$jobs"
}

part_cppcheck() {
	build clang clang --werror && check cppcheck run_cppcheck
}

# The word split of the list of files is wanted: no path of the tree has a space.
part_style() {
	check clang-format clang-format-14 --dry-run --Werror $(sources)
	check rules sh tests/rules.sh
	# Mistyped words and an unfinished JSON text are tests.
	check codespell codespell --quiet-level 3 --ignore-words-list histroy,archiv,nd \
		cmd lib journal tests README.md
}

fuzz_one() {
	name=$(basename "$1")
	found=$root/found/$name
	mkdir -p "$found" && "$1" -max_total_time="${MUN_FUZZ_S:-60}" -max_len=65536 \
		-artifact_prefix="$root/found/" "$found" "tests/fuzz/corpus/${name#fuzz_}" \
		>"$root/found/$name.log" 2>&1 && return 0
	tail -n 40 "$root/found/$name.log"
	return 1
}

part_fuzz() {
	build clang fuzz --werror -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link || return
	for target in "$root"/fuzz/tests/fuzz/fuzz_*; do
		[ -f "$target" ] && check "$(basename "$target")" fuzz_one "$target"
	done
}

[ $# -gt 0 ] || set -- gcc clang san san-clang valgrind analyzer tidy cppcheck style fuzz
for part; do
	case $part in
	gcc | clang | san | san-clang | valgrind | analyzer | tidy | cppcheck | style | fuzz) ;;
	*) give_up "there is no part $part" ;;
	esac
done
for part; do
	start=$(date +%s)
	echo "ci.sh: $part"
	"part_$(echo "$part" | tr - _)"
	echo "ci.sh: $part took $(($(date +%s) - start)) s; $failed failed so far"
done
finish
