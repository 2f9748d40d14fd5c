# shellcheck shell=bash
# What the benchmarks share: options, a release build, hosts in a lab, bare slapds beside ours, samples and verdicts.
set -euo pipefail

bench_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source_folder=$(dirname "$bench_folder")
work=${BENCH_WORK:-$source_folder/build-bench}
name=$(basename "$0")
domain=maildomain.org
archives=/var/calculate/server-backup/ldap
configuration=/var/lib/mailrepl/slapd/slapd.d
export LAB=bench-$name-$$

lab() {
	"$source_folder/tests/lab/lab" "$@"
}

on() {
	local host=$1
	shift
	lab exec "$host" -- "$@"
}

die() {
	echo "$name: $*" >&2
	exit 70
}

say() {
	echo "# $*" >&2
}

# --- options

# shellcheck disable=SC2154
usage() {
	cat <<-END
		usage: bench/$name [--quick] [--runs N] [--routes N] [--stage FOLDER] [--keep]
		$about
		  --quick         small and few: does it work? The ratio says nothing then, and is not judged
		  --runs N        measured pairs ($runs)
		  --routes N      routes in the directory ($routes)
		  --stage FOLDER  what "DESTDIR=FOLDER meson install" made; without it a release build is made
		  --keep          leaves the lab up
		Status: 0 target met, 1 not met, 64 wrong usage, 70 the benchmark itself failed.
	END
}

# bench_options ARGUMENT…: the caller has set about, runs, routes, quick_runs and quick_routes.
# shellcheck disable=SC2154
bench_options() {
	stage='' keep='' quick=
	while [ $# -gt 0 ]; do
		case $1 in
		--quick) quick=yes runs=$quick_runs routes=$quick_routes ;;
		--runs | --routes)
			[[ ${2:-} =~ ^[1-9][0-9]{0,6}$ ]] || { usage >&2 && exit 64; }
			if [ "$1" = --runs ]; then runs=$2; else routes=$2; fi
			shift
			;;
		--stage)
			stage=${2:-}
			[ -d "$stage" ] || { usage >&2 && exit 64; }
			shift
			;;
		--keep) keep=yes ;;
		-h | --help) usage && exit 0 ;;
		*) usage >&2 && exit 64 ;;
		esac
		shift
	done
	[ "$(id -u)" = 0 ] || die "needs root, for the lab"
}

# --- hosts

bench_build() {
	mkdir -p "$work"
	timed=$work/timed
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$timed.$$" "$bench_folder/timed.c" -lldap -llber ||
		die "timed.c does not compile"
	mv "$timed.$$" "$timed"
	[ -z "$stage" ] || return 0
	stage=$work/stage
	(
		flock 9
		"$source_folder/tools/stage" "$work/obj" "$stage" -Dbuildtype=release -Dtests=false >"$work/build.log" 2>&1 ||
			die "the build failed, see $work/build.log"
	) 9>"$work/lock"
}

bench_end() {
	local status=$?
	trap - EXIT
	if [ -n "$keep" ]; then
		say "the lab stays up: LAB=$LAB tests/lab/lab status"
	else
		lab down
	fi
	# 1 means "measured, and the target was missed", nothing else.
	[ "$status" != 1 ] || [ -n "${judged:-}" ] || status=70
	[ "$status" = 0 ] || [ "$status" = 1 ] || say "failed; the end of $log: $(tail -n 3 "$log")"
	exit "$status"
}

# bench_up HOST…: a lab; nobody runs Postfix or Dovecot in it (see with_mail).
bench_up() {
	local host owner=(--owner $$)
	bench_build
	log=$work/$name.log
	: >"$log"
	trap bench_end EXIT
	[ -z "$keep" ] || owner=()
	lab up "${owner[@]}" --layer "$stage" "$@"
	for host; do configure "$host" "dns = false; manage = false;"; done
}

# configure HOST SETTINGS: the group "mail" of mailrepl.conf.
configure() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'mkdir -p /etc/mailrepl && echo "mail = { $1 };" >/etc/mailrepl/mailrepl.conf' sh "$2"
}

set_up_home() {
	on mail1.lan cl-setup mail "$domain" >>"$log" 2>&1
	on mail1.lan cl-setup unix >>"$log" 2>&1
}

# invite SERVICE HOST…: with mail1.lan, which has it already.
invite() {
	local service=$1 hosts
	shift
	hosts=$(IFS=, && echo "mail1.lan,$*")
	on mail1.lan cl-replication -r "$hosts" "$service" >>"$log" 2>&1
}

# bring_archives HOST…: backs up on mail1 and copies each host its own archive.
bring_archives() {
	local host newest
	on mail1.lan cl-backup >>"$log" 2>&1
	for host; do
		# shellcheck disable=SC2016 # for that shell to expand
		newest=$(on mail1.lan sh -c 'ls -t "$1"/*-for-"$2".tar.bz2 | head -n 1' sh "$archives" "$host")
		on "$host" mkdir -p -m 0700 "$archives"
		lab copy "mail1.lan:$newest" "$host:$archives/"
	done
}

# init_of HOST: its PID 1, as this machine numbers it.
init_of() {
	local pid rest
	read -r pid rest <"${LAB_DIR:-/tmp}/mailrepl-lab.$LAB/hosts/$1/pid"
	: "$rest"
	echo "$pid"
}

# socket_of HOST [PATH]: the URI of a host's ldapi socket, seen from here.
socket_of() {
	local path
	path=/proc/$(init_of "$1")/root${2:-/run/mailrepl/ldapi}
	echo "ldapi://${path//\//%2F}"
}

slapd_do() {
	on "$1" /usr/lib/mailrepl/mailrepl-slapd "$2" >>"$log" 2>&1
}

# --- routes

# print_routes HOST CONTAINER: $routes of them, user1@HOST and so on; an address may begin with a digit (smtp-source -N).
print_routes() {
	awk -v count="$routes" -v host="$1" -v container="$2" -v domain="$domain" 'BEGIN {
		for (i = 0; i < count; i++) {
			printf "dn: uid=user%d,%s\nobjectClass: account\nobjectClass: inetLocalMailRecipient\n", i, container
			printf "uid: user%d\nmailLocalAddress: user%d@%s\nmailLocalAddress: %duser@%s\n", i, i, domain, i, domain
			printf "mailHost: %s\nmailRoutingAddress: user%d@%s\n\n", host, i, host
		}
	}'
}

# load_routes: into what mail1.lan owns, offline, and into its copy of itself, so that nothing is left to replicate.
load_routes() {
	local owned=cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl all=ou=Mail,dc=mailrepl
	say "loading $routes routes"
	slapd_do mail1.lan stop
	print_routes mail1.lan "$owned" |
		on mail1.lan slapadd -q -w -S 1 -F "$configuration" -b "$owned" >>"$log" 2>&1
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan bash -c '
		set -euo pipefail
		dump() { slapcat -o ldif-wrap=no -F "$1" -b "$2"; }
		csn=$(dump "$1" "$2" | grep "^contextCSN:")
		{
			dump "$1" "$3" | sed -n "1,/^$/{/^$/d; /^contextCSN:/d; p}"
			printf "%s\n\n" "$csn"
			dump "$1" "$2" | sed -e "/^contextCSN:/d" -e "s/^\(dn:.*\),ou=Owned,dc=mailrepl$/\1,dc=mailrepl/"
		} >/tmp/copy.ldif
		rm /var/lib/mailrepl/db/mail/*.mdb
		slapadd -q -S 1 -F "$1" -b "$3" -l /tmp/copy.ldif
		rm /tmp/copy.ldif
		chown -R openldap:openldap /var/lib/mailrepl/db
	' bash "$configuration" "$owned" "$all" >>"$log" 2>&1
	slapd_do mail1.lan start
}

# --- bare slapds: the peer. What a manual's example has, with the same indexes as ours.

bare_socket=/run/bare.ldapi

# bare_configure HOST [PROVIDER] [SETTING]: without PROVIDER it is one itself.
bare_configure() {
	on "$1" sh -c 'rm -rf /var/lib/bare && mkdir -p /var/lib/bare/db && cat >/var/lib/bare/slapd.conf' <<-END
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/inetorgperson.schema
		include /etc/ldap/schema/nis.schema
		include /etc/ldap/schema/misc.schema
		modulepath /usr/lib/ldap
		moduleload back_mdb
		moduleload syncprov
		pidfile /run/bare.pid
		database mdb
		suffix dc=bare
		rootdn gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth
		directory /var/lib/bare/db
		maxsize 4294967296
		${3:-}
		index objectClass,entryUUID,entryCSN,uid,mailLocalAddress,mailRoutingAddress,mailHost eq
		limits * size=unlimited time=unlimited
		access to * by * read
		$([ -n "${2:-}" ] && echo "syncrepl rid=1 provider=ldap://$2:3899 searchbase=dc=bare type=refreshAndPersist retry=\"1 +\"" ||
			echo "overlay syncprov")
	END
}

# bare_load HOST: the container, and from standard input what it holds.
bare_load() {
	{
		printf 'dn: dc=bare\nobjectClass: dcObject\nobjectClass: organizationalUnit\ndc: bare\nou: bare\n\n'
		printf 'dn: ou=%s,dc=bare\nobjectClass: organizationalUnit\n\n' Mail Unix
		cat
	} | on "$1" slapadd -q -w -f /var/lib/bare/slapd.conf >>"$log" 2>&1
}

bare_start() {
	on "$1" slapd -f /var/lib/bare/slapd.conf -h "ldapi://${bare_socket//\//%2F} ldap://*:3899" </dev/null >>"$log" 2>&1
}

bare_stop() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" sh -c 'pid=$(cat /run/bare.pid) && kill "$pid" && while [ -e "/proc/$pid" ]; do sleep 0.01; done'
}

# bare_csn HOST: contextCSN; nothing while there is none.
bare_csn() {
	on "$1" ldapsearch -LLL -Q -Y EXTERNAL -H "ldapi://${bare_socket//\//%2F}" -s base -b dc=bare contextCSN 2>>"$log" |
		sed -n 's/^contextCSN: //p'
}

# eventually SECONDS COMMAND…
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || die "did not come true: $*"
		sleep 0.05
	done
}

# --- samples and verdicts

now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# stamp: each line with the seconds since it began, which shows where the time goes.
stamp() {
	local begin line
	begin=$(now_us)
	while IFS= read -r line; do printf '%8d ms  %s\n' $((($(now_us) - begin) / 1000)) "$line"; done
}

# sample FILE VALUE
sample() {
	echo "$2" >>"$work/$name.$1"
}

forget_samples() {
	local what
	for what; do rm -f "$work/$name.$what"; done
}

# quantile FILE FRACTION: by nearest rank.
quantile() {
	sort -n "$work/$name.$1" | awk -v q="$2" '{ v[NR] = $1 } END {
		if (!NR) exit 1
		at = int(NR * q); if (at < NR * q || !at) at++
		if (q == 0.5 && NR % 2 == 0) print (v[NR / 2] + v[NR / 2 + 1]) / 2; else print v[at] }'
}

# show FILE TITLE UNIT [DIVISOR]: the median, and between the quartiles how noisy it was.
show() {
	awk -v t="$2" -v u="$3" -v d="${4:-1}" -v m="$(quantile "$1" 0.5)" -v l="$(quantile "$1" 0.25)" \
		-v h="$(quantile "$1" 0.75)" -v n="$(wc -l <"$work/$name.$1")" \
		'BEGIN { printf "%-58s %10.2f %s (quartiles %.2f to %.2f, %d runs)\n", t, m / d, u, l / d, h / d, n }'
}

# ratio FILE FILE: of the medians.
ratio() {
	awk -v a="$(quantile "$1" 0.5)" -v b="$(quantile "$2" 0.5)" 'BEGIN { printf "%.2f", a / b }'
}

# judge TITLE VALUE at-most|at-least TARGET: prints it; status 1 if missed.
judge() {
	judged=yes
	awk -v title="$1" -v value="$2" -v how="$3" -v target="$4" -v quick="$quick" 'BEGIN {
		met = how == "at-most" ? value <= target : value >= target
		word = quick ? "not judged" : met ? "met" : "MISSED"
		printf "%-58s %10.2f (target: %s %s): %s\n", title, value, how, target, word
		exit !(met || quick) }'
}
