#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what a bare Debian 12 lacks (as root, or through sudo), builds with warnings as errors,
# runs every test, then the unit tests again under the address and undefined-behaviour sanitizers,
# and the cases that die at a chosen point, which only these builds have.
# Safe to run again. The last line counts the test programs: "N passed, N failed, N skipped".
# Build folders: build/ and build-san/, or below $MUN_BUILD_ROOT.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/steps.sh
build=${MUN_BUILD_ROOT:-.}/build
san=${MUN_BUILD_ROOT:-.}/build-san
# Evidence is also checked by a program that is not ours.
export MUN_MORE_PACKAGES="golang-go golang-golang-x-mod-dev ${MUN_MORE_PACKAGES:-}"

sanitizers_work() {
	probe=$(mktemp -d) || return 1
	echo 'int main(void) { return 0; }' >"$probe/probe.c"
	"${CC:-gcc}" -fsanitize=address,undefined -o "$probe/probe" "$probe/probe.c" 2>/dev/null &&
		"$probe/probe"
	works=$?
	rm -rf "$probe"
	return $works
}

sh cmd/setup.sh "$build" --werror || give_up "the build failed"
run_tests "$build"

if sanitizers_work; then
	echo "all.sh: building with sanitizers"
	# clang links the run time of its sanitizers into programs only: hence b_lundef.
	sh cmd/setup.sh "$san" -Db_sanitize=address,undefined -Db_lundef=false ||
		give_up "the build with sanitizers failed"
	run_tests "$san" --no-suite cases --no-suite source --timeout-multiplier 5
else
	echo "all.sh: skipped: programs built with sanitizers do not run here"
	skipped=$((skipped + 1))
fi
finish
