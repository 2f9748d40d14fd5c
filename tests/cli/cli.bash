# shellcheck shell=bash
# What the tests of the command line share: a private instance below $folder, no lab.

bats_require_minimum_version 1.5.0

# cli_programs: those of the installation in E2E_LAYER are the ones that run.
cli_programs() {
	[ -d "${E2E_LAYER:-}" ] || {
		echo "E2E_LAYER names no folder: run ./check.sh cli" >&2
		return 1
	}
	export PATH=$E2E_LAYER/usr/sbin:$PATH
	export MAILREPL_DATA=$E2E_LAYER/usr/share/mailrepl MAILREPL_LIBEXEC=$E2E_LAYER/usr/lib/mailrepl
	export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
}

# cli_folder: makes $folder, empty. slapd runs as openldap, to whom the way there must be open.
cli_folder() {
	cli_programs || return 1
	folder=$(mktemp -d /tmp/mailrepl-cli.XXXXXX)
	chmod 0755 "$folder"
	export folder
}

# cli_home [SETTING]…: in it one.lan, the home of example.org, with user1; lines of mailrepl.conf.
cli_home() {
	cli_folder || return 1
	mkdir -p "$folder/etc/mailrepl"
	printf '%s\n' 'mail = { manage = false; };' "$@" >"$folder/etc/mailrepl/mailrepl.conf"
	cl-setup --root "$folder" --host one.lan -q mail example.org
	cl-setup --root "$folder" -q unix
	cl-useradd --root "$folder" -q -e user1@example.org user1 mail
}

slapd() {
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$folder" "$@"
}

cli_down() {
	slapd stop || true
	rm -rf "${folder:?}"
}
