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

title "before the first request: the key that signs the record, for the engagement letter"
echo "\$ muniment checkpoint | tee $dir/checkpoint.first"
muniment checkpoint >"$dir/checkpoint.first" || fail "checkpoint"
cat "$dir/checkpoint.first"
echo "\$ muniment checkpoint --public-key | tee $dir/public-key"
muniment checkpoint --public-key >"$dir/public-key" || fail "checkpoint --public-key"
cat "$dir/public-key"

title "a plan: checked and stored, nothing is sent"
plan=$(show muniment plan -q --as try --from "$dir/ids.txt" --reason 'a trial of muniment' \
	--ticket TRY-1) || fail "plan"
echo "$plan" | sed -n 1p
plan=$(echo "$plan" | sed -n '$p')
echo "$plan"
! sent_at_least 1 || fail "a plan has sent something"

title "run it, and kill -9 in the middle"
# In the background by itself: a signal must meet the program and no shell around it.
echo "\$ muniment run $plan --rate none --concurrency 4 --settle 500ms --progress none &"
muniment run "$plan" --rate none --concurrency 4 --settle 500ms --progress none &
runner=$!
wait_for "the run does not get to its middle" sent_at_least 120
kill -9 $runner || fail "the run was over before it could be killed"
wait $runner 2>/dev/null
[ $? -eq 137 ] || fail "the run was over before it could be killed"
echo "\$ kill -9 $runner"
[ "$(sent)" -lt $runs ] || fail "nothing was left for resume"
echo "killed after $(sent) of $runs requests"
show muniment status || fail "status after the kill"

title "resume: what is in doubt is asked for first"
show muniment resume --rate none --concurrency 4 --settle 500ms --progress none || fail "resume"

title "what the server saw, against what the journal says"
muniment history -o jsonl >"$dir/history.jsonl" || fail "history"
python3 - "$dir" $runs <<'END' || fail "the journal and the server's log differ"
import collections, json, sys

folder, runs = sys.argv[1], int(sys.argv[2])
asked, rows = collections.defaultdict(list), collections.defaultdict(list)
for line in open(folder + "/requests.jsonl", encoding="utf-8"):
    request = json.loads(line)
    asked[request["path"].rsplit("/", 1)[-1]].append(request["method"])
for line in open(folder + "/history.jsonl", encoding="utf-8"):
    row = json.loads(line)
    rows[row["run"]].append(row)
ids = open(folder + "/ids.txt", encoding="utf-8").read().split()
again = blind = unrecorded = undone = requests = 0
for run in ids:
    sent = [at for at, method in enumerate(asked[run]) if method == "DELETE"]
    requests += len(sent)
    again += len(sent) > 1
    blind += any("GET" not in asked[run][a + 1:b] for a, b in zip(sent, sent[1:]))
    unrecorded += len(rows[run]) < len(sent)
    undone += all(row["verdict"] not in ("archived", "already_archived") for row in rows[run])
probed = sum(row["evidence"] == "probe" for each in rows.values() for row in each)
print(f"{len(ids)} runs, {requests} archive requests reached the server")
print(f"{probed} attempts were settled by asking the server")
print(f"{again} runs were sent more than once, {blind} of them without a probe between")
print(f"{unrecorded} runs with a request that the journal lacks, {undone} runs not archived")
sys.exit(len(ids) != runs or requests < runs or bool(blind or unrecorded or undone))
END

title "who archived what, and how we know"
show muniment history --fields time,run,attempt,verdict,evidence,http,operator --limit 5 ||
	fail "history"
fields=run,attempt,verdict,evidence,http
echo "\$ muniment history --fields $fields -o csv | grep ,probe,"
muniment history --fields $fields -o csv >"$dir/history.csv" || fail "history"
grep ,probe, "$dir/history.csv" || fail "no attempt was settled by a probe"
show muniment status --all || fail "status"

title "verify: every entry hashed again, every table rebuilt"
show muniment verify || fail "verify"

title "evidence that others can check: a bundle"
show muniment export --out "$dir/bundle" || fail "export"
show muniment verify "$dir/bundle" --log-key "$dir/public-key" \
	--since-checkpoint "$dir/checkpoint.first" || fail "verify of the bundle"

title "and how somebody without muniment checks it"
cd "$dir/bundle" || fail "the bundle"
show sha256sum --quiet -c SHA256SUMS || fail "sha256sum"
cat <<'END'
$ sed '/^$/,$d' checkpoint > ../text
$ grep -F "— $(head -1 checkpoint) " checkpoint | head -1 | cut -d' ' -f3 | base64 -d | tail -c 64 > ../sig
END
sed '/^$/,$d' checkpoint >../text
grep -F "— $(head -1 checkpoint) " checkpoint | head -1 | cut -d' ' -f3 | base64 -d | tail -c 64 >../sig
show openssl pkeyutl -verify -pubin -inkey public-key.txt -rawin -in ../text -sigfile ../sig ||
	fail "openssl"
show python3 verify.py . ../public-key --since-checkpoint ../checkpoint.first
case $? in
0 | 3) ;; # 3: nothing was anchored, and it says so
*) fail "verify.py" ;;
esac
cd "$OLDPWD" || exit 2

batch=$(muniment status "$plan" -o json | jq -r .batch) || fail "status of the plan"
title "all as promised"
cat <<END
Everything of this trial is in $dir (remove it when done).
The server ends with this script; what it answered stays. To go on from there:
  . $dir/env
  muniment history --ticket TRY-1 --limit 10
  muniment show $(sed -n 120p "$dir/ids.txt")
  muniment items $batch --state archived -o csv
  muniment log --limit 3
  muniment prove $(sed -n 120p "$dir/ids.txt") --out $dir/proofs
  muniment verify --drill
  muniment help in-doubt
END
