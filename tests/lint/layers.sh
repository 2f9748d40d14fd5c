#!/bin/sh
# base < adapters < model < features < cl-tools: a file includes its own header first, and its own layer or lower ones only.
# The header of a foreign library is included by the adapter of that library alone.
set -eu
cd "$(dirname "$0")/../.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

layer_of() {
	case $1 in
	base/*) echo 0 ;;
	adapters/*) echo 1 ;;
	model/*) echo 2 ;;
	features/*) echo 3 ;;
	*) echo 4 ;;
	esac
}

# The only files that may include a foreign header, as a pattern; nothing for a header of the system.
adapter_of() {
	case $1 in
	ldap.h | ldap_*.h | lber.h | lber_*.h | sasl/*) echo 'libmailrepl/adapters/directory*' ;;
	libconfig.h) echo 'libmailrepl/adapters/config*' ;;
	archive.h | archive_entry.h) echo 'libmailrepl/adapters/archive*' ;;
	bzlib.h) echo 'libmailrepl/adapters/bzip2*' ;;
	jansson.h) echo 'libmailrepl/adapters/json*' ;;
	openssl/*) echo 'libmailrepl/adapters/tls*' ;;
	crypt.h) echo 'libmailrepl/adapters/password*' ;;
	csv.h) echo 'libmailrepl/adapters/csv*' ;;
	idn2.h) echo 'libmailrepl/adapters/idn*' ;;
	arpa/nameser.h) echo 'libmailrepl/adapters/dns*' ;;
	esac
}

check_quoted() { # file name-in-libmailrepl included
	if [ "$(layer_of "$3")" -gt "$(layer_of "$2")" ]; then
		echo "$1: includes $3 of a higher layer"
	fi
	if [ ! -f "libmailrepl/$3" ] && [ ! -f "cl-tools/$3" ] && [ ! -f "$(dirname "$1")/$3" ]; then
		echo "$1: includes $3, which is neither in libmailrepl/ nor in cl-tools/"
	fi
}

check_foreign() { # file included
	only=$(adapter_of "$2")
	[ -n "$only" ] || return 0
	# shellcheck disable=SC2254 # it is a pattern
	case $1 in
	$only) ;;
	*) echo "$1: includes <$2>, which only $only may" ;;
	esac
}

check_first() { # file name-in-libmailrepl
	own=${2%.c}.h
	[ "$own" != "$2" ] && [ -f "libmailrepl/$own" ] || return 0
	first=$(sed -n 's/^#include ["<]\(.*\)[">].*/\1/p' "$1" | head -n 1)
	[ "$first" = "$own" ] || echo "$1: its first include must be $own, not $first"
}

files=$(find libmailrepl cl-tools -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no sources found"; exit 1; }
# shellcheck disable=SC2013 # no header has a space in its name
for file in $files; do
	name=${file#libmailrepl/}
	check_first "$file" "$name"
	for included in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
		check_quoted "$file" "$name" "$included"
	done
	for included in $(sed -n 's/^#include <\([^>]*\)>.*/\1/p' "$file"); do
		check_foreign "$file" "$included"
	done
done >"$problems"

cat "$problems"
[ ! -s "$problems" ]
