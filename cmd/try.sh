#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A trial of muniment from nothing, on a bare Debian 12, as root or through sudo: builds it, starts
# a stand-in for the API on a loopback port, archives 300 runs, kills the program in the middle,
# resumes, and compares the journal with what the server saw. Exit 0 only when all of it is right.
# Everything it stores is in one new folder, which it names at the end.
# MUNIMENT and MUN_SANDBOX name programs that are built already; then nothing is installed.
set -u
cd "$(dirname "$0")/.." || exit 2
umask 077

org=5f0c2d9e7b1a4c36a8e4d1f09b72c35e
runs=300
server=

fail() {
	echo "try.sh: FAILED: $1" >&2
	exit 1
}

end() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
}

title() {
	printf '\n== %s\n' "$1"
}

# Shows a command as one would type it, then runs it.
show() {
	printf '$'
	for word in "$@"; do
		case $word in
		*' '*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$@"
}

# wait_for WHAT COMMAND…: tries it for ten seconds.
wait_for() {
	what=$1
	shift
	tries=500
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$what"
		sleep 0.02
	done
}

sent() {
	grep -c '"DELETE"' "$dir/requests.jsonl" 2>/dev/null
}

sent_at_least() {
	[ "$(sent)" -ge "$1" ]
}

trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

title "build"
if [ -z "${MUNIMENT:-}" ] || [ -z "${MUN_SANDBOX:-}" ]; then
	show sh cmd/setup.sh || fail "the build"
	MUNIMENT=$PWD/build/cmd/muniment
	MUN_SANDBOX=$PWD/build/tests/sandbox/muniment-sandbox
fi
[ -x "$MUNIMENT" ] || fail "no program $MUNIMENT"
[ -x "$MUN_SANDBOX" ] || fail "no program $MUN_SANDBOX"

# Options from the caller's environment would make it another trial.
for name in $(env | sed -n 's/^\(MUNIMENT_[A-Z_]*\|TALLYFY_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/muniment-try-XXXXXX") || exit 2
cat >"$dir/env" <<END
export PATH='$(dirname "$MUNIMENT")':"\$PATH"
export XDG_DATA_HOME='$dir/data' XDG_STATE_HOME='$dir/state' XDG_CONFIG_HOME='$dir/config'
export MUNIMENT_KEY_FILE='$dir/key'
END
. "$dir/env"

title "a server: $runs runs, and faults after which nobody knows what happened"
"$MUN_SANDBOX" --port 0 --runs $runs --seed 5 --latency 20 --die-with-parent \
	--ids-file "$dir/ids.txt" --request-log "$dir/requests.jsonl" \
	--fault 500-after@n=20 --fault close-after@n=45 --fault close-before@n=70 \
	--fault html200@n=95 >"$dir/url" &
server=$!
wait_for "the sandbox does not start" test -s "$dir/url"
url=$(cat "$dir/url")
echo "$url, $(wc -l <"$dir/ids.txt") runs in $dir/ids.txt"

title "a token, sealed in a vault that a key file opens"
od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$dir/key" || fail "the key file"
printf 'sandbox-token\n' >"$dir/token"
show muniment token add try --org $org --base-url "$url" --token-file "$dir/token" ||
	fail "token add"
rm "$dir/token"
show muniment token list || fail "token list"

title "a plan: checked and stored, nothing is sent"
plan=$(show muniment plan -q --as try --from "$dir/ids.txt" --reason 'a trial of muniment' \
	--ticket TRY-1) || fail "plan"
echo "$plan" | sed -n 1p
plan=$(echo "$plan" | sed -n '$p')
echo "$plan"
! sent_at_least 1 || fail "a plan has sent something"

title "run it, and kill -9 in the middle"
show muniment run "$plan" --rate none --concurrency 4 --settle 500ms --progress none &
runner=$!
