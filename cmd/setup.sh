#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: cmd/setup.sh [FOLDER [MESON-OPTION…]]
# Installs what a bare Debian 12 lacks (as root, or through sudo) and builds everything into FOLDER
# (build/). Safe to run again: what is there already is left alone. Output of the tools shows only
# when they fail. $MUN_MORE_PACKAGES is installed too.
set -u
cd "$(dirname "$0")/.." || exit 2
folder=${1:-build}
[ $# -eq 0 ] || shift
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

packages='gcc libc6-dev meson ninja-build pkg-config libcurl4-openssl-dev libcjson-dev liblmdb-dev
libsodium-dev libssl-dev libzstd-dev libcmocka-dev libmicrohttpd-dev python3 curl jq openssl sqlite3
lmdb-utils universal-ctags ca-certificates util-linux procps '${MUN_MORE_PACKAGES:-}

give_up() {
	echo "setup.sh: $1" >&2
	exit 1
}

quietly() {
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log"
		return 1
	}
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

install_packages() {
	missing=
	for package in $packages; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
		[ "$status" = installed ] || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "setup.sh: installing$missing"
	quietly as_root apt-get update || return 1
	# The list is split into words on purpose.
	quietly as_root apt-get install -y --no-install-recommends $missing
}

# Sets the folder up, or takes over one of an earlier run.
configure() {
	if [ -e "$folder/build.ninja" ]; then
		quietly meson setup --reconfigure "$folder" "$@" && return 0
		rm -rf "$folder"
	fi
	quietly meson setup "$folder" "$@"
}

install_packages || give_up "the packages cannot be installed"
configure "$@" || give_up "meson setup failed"
echo "setup.sh: building into $folder/"
quietly ninja -C "$folder" || give_up "the build failed"
