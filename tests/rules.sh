#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rules of the source that no compiler checks: who may include whom, one owner for each foreign
# header, calls that are not used, sizes. Prints every breach; exit 1 when there was one.
set -u
cd "$(dirname "$0")/.." || exit 2
broken=0

breach() {
	echo "rules: $1"
	broken=1
}

# The files of the checkout below the given folders; build folders are not part of it.
sources() {
	find "$@" \( -path './build*' -o -path './.git' \) -prune -o -type f -name '*.[ch]' -print | sort
}

# As sources, without the paths that match the regular expression in $1.
sources_but() {
	but=$1
	shift
	sources "$@" | grep -Ev "$but"
}

# deny WHY REGEX FILES…: no line of the files matches.
deny() {
	why=$1
	regex=$2
	shift 2
	[ $# -gt 0 ] || return 0
	hits=$(grep -nHE -e "$regex" "$@") && breach "$why:
$hits"
	return 0
}

# The word split of $(sources …) is wanted: no path of the tree has a space.
inc='^[[:space:]]*#[[:space:]]*include[[:space:]]*'

# Layers: lib, lib/remote, journal, cmd/engine, cmd, tests; none includes a later one.
deny 'lib/ uses only lib/' "$inc\"(lib/remote|journal|cmd|tests)/" \
	$(sources_but '^\./lib/remote/' ./lib)
deny 'lib/remote/ uses only lib/' "$inc\"(journal|cmd|tests)/" $(sources ./lib/remote)
deny 'journal/ uses only lib/ and below' "$inc\"(cmd|tests)/" $(sources ./journal)
deny 'journal/ stays off the network' "$inc\"lib/remote/(request|answer|http|post|retry)\\.h" \
	$(sources ./journal)
deny 'the engine knows no command' "$inc\"(cmd/[a-z_]+\\.h|tests/)" $(sources ./cmd/engine)
deny 'the engine gets its wire passed in' "$inc\"lib/remote/http\\.h" $(sources ./cmd/engine)
deny 'cmd/ does not use tests/' "$inc\"tests/" $(sources ./cmd)
deny 'tables and project are private to journal/' "$inc\"journal/(tables|project)\\.h" \
	$(sources_but '^\./(journal|tests/journal)/' .)
deny 'includes are written from the root' "$inc\"(\\.|[^/\"]*\")" $(sources .)

# One owner for each foreign header.
owner() {
	deny "$1 belongs to $3" "$inc[<\"]$2" $(sources_but "^\\./$3" .)
}
owner 'libcurl' 'curl/' 'lib/remote/(http(_exchange|_lane|_setup)?\.c|http_impl\.h|post\.c)$'
owner 'the inside of the HTTP client' 'lib/remote/http_impl\.h' 'lib/remote/(http(_exchange|_lane|_setup)?|post)\.c$'
owner 'cJSON' '(cjson/)?cJSON\.h' '(lib/json\.c$|tests/sandbox/)'
owner 'LMDB' 'lmdb\.h' 'lib/store(_txn)?\.c$'
owner 'libsodium' 'sodium' 'lib/(crypto|signature)\.c$'
owner 'the OpenSSL time stamp' 'openssl/ts\.h' 'lib/timestamp\.c$'
owner 'libcrypto' 'openssl/' 'lib/(digest|timestamp)\.c$'
owner 'zstd' 'zstd' 'lib/pack\.c$'
owner 'cmocka' 'cmocka' 'tests/test\.h$'
owner 'libmicrohttpd' 'microhttpd' 'tests/sandbox/'

# Language.
deny 'unsafe call' \
	'\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|gmtime|localtime|alloca)\(' $(sources .)
deny 'goto' '^[[:space:]]+goto[[:space:]]' $(sources .)
deny 'structs, enums and unions stay tagged' \
	'^[[:space:]]*typedef[[:space:]]+(struct|enum|union)[^(]*$' $(sources .)
# A while loop may fetch and compare in one; an if need not.
deny 'assignment in a condition' \
	'\bif[[:space:]]*\([^";/]*[]A-Za-z0-9_)][[:space:]]+=[[:space:]]' \
	$(sources .)
deny 'a comment to the end of the line' '(^|[[:space:];{}])//' $(sources .)
deny 'unfinished or excused' '\b(TODO|FIXME|XXX|NOLINT[A-Z]*)\b' $(sources .)
deny 'LMDB without its guarantees' 'MDB_(NOSYNC|NOMETASYNC|MAPASYNC|WRITEMAP)\b' $(sources .)
deny 'only cmd/ and tests/ print or exit' \
	'(^|[^>.A-Za-z0-9_])((printf|puts|putchar|perror|exit|_exit|abort)\(|fprintf\(std(out|err))' \
	$(sources ./lib ./journal ./cmd/engine)
deny 'a line of more than 100 characters' '^.{101,}' $(sources_but '^\./tests/' .)

# A header's guard names its file; a .c of ours includes its own header first.
for file in $(sources .); do
	case $file in
	*.h)
		guard=$(basename "$file" | tr 'a-z.-' 'A-Z__')
		grep -Eq "^#ifndef MUN_([A-Z_]+_)?$guard\$" "$file" ||
			breach "$file: the guard does not end with $guard"
		max=200
		;;
	*.c)
		max=500
		own=${file#./}
		own=${own%.c}.h
		first=$(sed -n "s/^#include *[\"<]\\([^\">]*\\).*/\\1/p" "$file" | sed -n 1p)
		[ ! -e "$own" ] || [ "$first" = "$own" ] || breach "$file: $own is not included first"
		;;
	esac
	lines=$(wc -l <"$file")
	[ "$lines" -le $max ] || breach "$file: $lines lines, the limit is $max"
done

# The licence in one line of each file that can carry a comment.
for file in $(find . \( -path './build*' -o -path './.git' -o -name __pycache__ \) -prune -o \
	-type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name meson.build -o -path './.ci/*' \) \
	-print | sort); do
	sed -n 1,3p "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		breach "$file: no SPDX line"
done

# Include cycles: tsort names the members of a loop.
loops=$(for file in $(sources . | grep '\.h$'); do
	sed -n "s|^#include *\"\\([^\"]*\\)\".*|${file#./} \\1|p" "$file"
done | tsort 2>&1 >/dev/null) || breach "includes go round in a circle:
$loops"

# Functions of more than 80 lines.
if ctags --version 2>/dev/null | grep -q Universal; then
	long=$(sources . | ctags -L - -f - --languages=C --langmap=C:.c.h --kinds-C=f \
		--fields=+ne --excmd=number | awk -F '\t' '{
		from = to = 0
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) from = substr($i, 6)
			if ($i ~ /^end:/) to = substr($i, 5)
		}
		if (to - from + 1 > 80) print $2 ": " $1 " has " to - from + 1 " lines"
	}')
	[ -z "$long" ] || breach "the limit of a function is 80 lines:
$long"
else
	echo "rules: no universal-ctags: lengths of functions not checked"
fi

[ $broken -eq 0 ] && echo "rules: all kept"
exit $broken
