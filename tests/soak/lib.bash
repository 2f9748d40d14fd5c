# shellcheck shell=bash
# What the soak tests share: a lab of hosts, a clock for schedules, faults, cures. Sourced with the option errexit off:
# here failures are what is looked for.
set -uo pipefail

soak_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source_folder=$(dirname "$(dirname "$soak_folder")")
name=$(basename "$0")
domain=maildomain.org
archives=/var/calculate/server-backup/ldap
watch=/usr/lib/mailrepl/mailrepl-watch

lab() {
	"$source_folder/tests/lab/lab" "$@"
}

on() {
	local host=$1
	shift
	lab exec "$host" -- "$@"
}

# die: what failed is the test, not what is tested.
die() {
	echo "$name: $*" >&2
	exit 70
}

say() {
	echo "# $*" >&2
}

# must COMMAND…
must() {
	"$@" >>"$log" 2>&1 || die "$*: status $?; the end of $log: $(tail -n 3 "$log")"
}

# --- options: the caller has set stage, keep, folder

# need_stage: an installation below a folder, made here if none was named.
need_stage() {
	[ "$(id -u)" = 0 ] || die "needs root, for the lab"
	[ -z "$stage" ] || return 0
	stage=$source_folder/build-soak/stage
	mkdir -p "$source_folder/build-soak"
	say "building"
	(
		flock 9
		"$source_folder/tools/stage" "$source_folder/build-soak/obj" "$stage" -Dtests=false >&2
	) 9>"$source_folder/build-soak/lock" || die "cannot build"
}

# --- clock

now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# A descriptor from which nothing ever comes: what waits for it waits as long as it wants, without a process.
open_pause() {
	local fifo
	fifo=$(mktemp -u "$folder/pause.XXXXXX")
	mkfifo "$fifo"
	exec {pause_fd}<>"$fifo"
	rm "$fifo"
}

# pause MILLISECONDS: part of a schedule, or between two looks.
pause() {
	local nothing
	[ "$1" -le 0 ] || read -r -t "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" -u "$pause_fd" nothing || :
}

# until_ms MILLISECONDS: after $begin_us.
until_ms() {
	pause $(($1 - ($(now_us) - begin_us) / 1000))
}

# eventually SECONDS COMMAND…
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		pause 200
	done
}

# --- the lab

# lab_up HOST…
lab_up() {
	local owner=(--owner $$)
	[ -z "$keep" ] || owner=()
	must lab up "${owner[@]}" --layer "$stage" "$@"
}

# configure HOST SETTINGS: the group "mail" of mailrepl.conf.
configure() {
	# shellcheck disable=SC2016 # for that shell to expand
	must on "$1" sh -c 'mkdir -p /etc/mailrepl && echo "mail = { $1 };" >/etc/mailrepl/mailrepl.conf' sh "$2"
}

comma() {
	local IFS=,
	echo "$*"
}

# bring_archive HOST
bring_archive() {
	local newest
	# shellcheck disable=SC2016 # for that shell to expand
	newest=$(on mail1.lan sh -c 'ls -t "$1"/*-for-"$2".tar.bz2 | head -n 1' sh "$archives" "$1")
	must on "$1" mkdir -p -m 0700 "$archives"
	must lab copy "mail1.lan:$newest" "$1:$archives/"
}

# join HOST…: with archives of their own, all at once.
join() {
	local host pids=() pid
	must on mail1.lan cl-backup
	for host; do bring_archive "$host"; done
	for host; do
		must on "$host" cl-rebuild --repl &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || die "a host has not joined: see $log"; done
}

# start_watches HOST…: the watch service, if it is part of this version.
start_watches() {
	local host
	watched=
	on mail1.lan test -x "$watch" || return 0
	watched=yes
	for host; do on "$host" "$watch" status >>"$log" 2>&1 || must on "$host" "$watch" start; done
}

stop_watches() {
	local host
	watched=
	for host; do on "$host" "$watch" stop >>"$log" 2>&1; done
}

# disk_of HOST: REPLY becomes the folder of what it has written, whether it is on or not; below it are upper/, and
# PATH/upper/ if PATH is a file system of its own.
disk_of() {
	REPLY=${LAB_DIR:-/tmp}/mailrepl-lab.$LAB/disks/$1
}

# socket_of HOST: the URI of its directory's socket, seen from here; fails if it is off. The socket is asked from here, since
# a process in the host would die with it, and its answer with it.
socket_of() {
	local pid rest path
	{ read -r pid rest <"${LAB_DIR:-/tmp}/mailrepl-lab.$LAB/hosts/$1/pid"; } 2>/dev/null || return 1
	: "$rest"
	path=/proc/$pid/root/run/mailrepl/ldapi
	[ -S "$path" ] || return 1
	REPLY=ldapi://${path//\//%2F}
}

# --- faults

signal_slapd() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'pid=$(cat /run/mailrepl/slapd.pid) && kill "-$1" "$pid"' sh "$2"
}

slapd_do() {
	on "$1" /usr/lib/mailrepl/mailrepl-slapd "$2"
}

# act HOST ACTION, of those that schedule.awk writes
act() {
	case $2 in
	cut) lab cut "$1" ;;
	heal) lab heal "$1" ;;
	stop) signal_slapd "$1" STOP ;;
	cont) signal_slapd "$1" CONT ;;
	crash) signal_slapd "$1" KILL ;;
	start) slapd_do "$1" start ;;
	restart) slapd_do "$1" stop; slapd_do "$1" start ;;
	off) lab kill "$1" ;;
	# The kernel may still be removing the network that the host had before.
	on) eventually 20 lab start "$1" ;;
	*) die "$2: no such action" ;;
	esac >>"$log" 2>&1
}

# make_whole HOST…: whatever has happened to them, they are at work now.
make_whole() {
	local host
	for host; do
		lab heal "$host" || die "cannot heal $host"
		lab exec "$host" -- true 2>/dev/null || act "$host" on || die "cannot start $host"
		signal_slapd "$host" CONT
		slapd_do "$host" start || die "cannot start slapd on $host"
	done >>"$log" 2>&1
}
