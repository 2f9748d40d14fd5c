# shellcheck shell=bash
# What the end-to-end tests share. A file's setup_file calls e2e_up or e2e_domain once, teardown_file e2e_down;
# the tests of the file then run in order in that one lab, each with users and subjects of its own.
#
#	E2E_LAYER        what `meson install` with DESTDIR made (tools/stage); ./check.sh sets it
#	E2E_KEEP=1       the lab stays up after the tests, to be looked at
bats_require_minimum_version 1.5.0

domain=maildomain.org
archives=/var/calculate/server-backup/ldap
password=correct-horse-battery
client=outside.test # a host outside of the topology: where mail clients run and mail from inside arrives
export domain archives password client

lab() {
	"$BATS_TEST_DIRNAME/../lab/lab" "$@"
}

fail() {
	echo "$*" >&2
	return 1
}

# on HOST COMMAND…: as root in a host. A report of a sanitizer ends up in a file, which e2e_no_reports finds.
on() {
	local host=$1
	shift
	lab exec "$host" -- env \
		ASAN_OPTIONS="detect_leaks=${E2E_LEAKS:-1}:exitcode=99:log_path=/var/log/sanitizer" \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path=/var/log/sanitizer \
		"$@"
}

# eventually SECONDS COMMAND…: until it succeeds; the deadline is generous, since a failure is the rare case.
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || {
			echo "did not come true: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# --- the lab

e2e_up() {
	[ -d "${E2E_LAYER:-}" ] || fail "E2E_LAYER names no folder: run ./check.sh e2e" || return 1
	LAB=e2e-$(basename "$BATS_TEST_FILENAME" .bats)-$$
	export LAB
	[ -z "${E2E_KEEP:-}" ] || echo "# lab $LAB" >&3
	if [ -n "${E2E_KEEP:-}" ]; then
		lab up --layer "$E2E_LAYER" "$@"
	else
		lab up --owner $$ --layer "$E2E_LAYER" "$@"
	fi
	local host
	for host; do
		[ "$host" = "$client" ] || without_dns "$host"
	done
}

# The lab has /etc/hosts and no DNS, which an administrator says in mailrepl.conf.
without_dns() {
	on "$1" sh -c 'mkdir -p /etc/mailrepl && echo "mail = { dns = false; };" >/etc/mailrepl/mailrepl.conf'
}

e2e_down() {
	[ -n "${E2E_KEEP:-}" ] || lab down
}

# e2e_domain [OPTION OF cl-setup]…: three hosts with maildomain.org, as README.md says it is done.
e2e_domain() {
	e2e_up mail1.lan mail2.lan relay.lan "$client"
	e2e_join "$@"
}

# e2e_join [OPTION OF cl-setup]…: what mailrepl does in those hosts.
e2e_join() {
	set_up_home "$@"
	invite
	bring_archives mail2.lan relay.lan
	on mail2.lan cl-rebuild --repl
	on relay.lan cl-rebuild --repl
	await_gates mail1.lan mail2.lan relay.lan
}

# await_gates HOST…: until each says "unknown user" for good: whoever has just met a new provider says "try again".
await_gates() {
	local host
	for host; do
		eventually 60 on "$host" grep -qs ^open /var/lib/mailrepl/gate
		eventually 10 on "$host" grep -q "^soft_bounce = no" /etc/postfix/main.cf
	done
}

set_up_home() {
	on mail1.lan cl-setup "$@" mail "$domain"
	on mail1.lan cl-setup unix
}

invite() {
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan unix
}

# bring_archives HOST…: backs up on mail1 and copies each host its own archive.
bring_archives() {
	local host newest
	on mail1.lan cl-backup
	for host; do
		newest=$(newest_archive "for-$host")
		on "$host" mkdir -p -m 0700 "$archives"
		lab copy "mail1.lan:$newest" "$host:$archives/"
	done
}

# newest_archive [for-HOST]: its path on mail1.lan; without for-HOST that of mail1's own.
newest_archive() {
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan sh -c 'ls -t "$1"/*-mail1.lan${2:+-$2}.tar.bz2 | head -n 1' sh "$archives" "${1:-}"
}

# A sanitizer's report is a failure, whatever the command's status was.
e2e_no_reports() {
	local report found=
	for report in "/tmp/mailrepl-lab.$LAB"/disks/*/upper*/var/log/sanitizer.* \
		"/tmp/mailrepl-lab.$LAB"/disks/*/upper*/log/sanitizer.*; do
		[ -e "$report" ] || continue
		found=yes
		echo "--- $report" >&2
		cat "$report" >&2
		rm -f "$report"
	done
	[ -z "$found" ]
}

# A file may replace it, and then calls e2e_no_reports itself.
teardown() {
	e2e_no_reports
}

# --- users

# add_user HOST USER [OPTION OF cl-useradd]…: USER@maildomain.org with the password above.
add_user() {
	local host=$1 user=$2
	shift 2
	on "$host" cl-useradd -P -e "$user@$domain" "$@" "$user" mail <<<"$password"
}

all_have_rendered() {
	local list
	list=$(on mail1.lan cl-replication -l) || return 1
	[[ $list != *behind* && $list != *unknown:* ]]
}

# modes HOST=MODE,…: until every host has rendered it.
modes() {
	on mail1.lan cl-replication --mode "$1"
	eventually 60 all_have_rendered
}

# knows HOST ADDRESS: that host's Postfix accepts mail for the address from a stranger.
knows() {
	[ "$(rcpt_code "$1" "$2")" = 250 ]
}

# --- SMTP

# submit SERVER RECIPIENT SUBJECT [SENDER]: a message from outside; its status is swaks'.
submit() {
	on "$client" swaks --server "$1" --helo "$client" --to "$2" --from "${4:-someone@outside.test}" \
		--h-Subject "$3" --body "$3" --timeout 30 >&2
}

# submit_locally HOST RECIPIENT SUBJECT [SENDER]: as a program on that host does.
submit_locally() {
	on "$1" swaks --server 127.0.0.1 --helo "$1" --to "$2" --from "${4:-someone@$1}" \
		--h-Subject "$3" --body "$3" --timeout 30 >&2
}

# collect_outside: the client host takes mail for every address, each message a file in /var/tmp/sink.
collect_outside() {
	on "$client" sh -c 'mkdir -p -m 0777 /var/tmp/sink && cd /var/tmp/sink &&
		smtp-sink -u nobody -R /var/tmp/sink -d %M. outside.test:25 50 >/dev/null 2>&1 &'
}

# outside_has SUBJECT [WORDS]: such a message has arrived there, with these words somewhere in it.
outside_has() {
	on "$client" sh -c 'grep -rlx "Subject: $1" /var/tmp/sink | xargs -r grep -l -- "${2:-}" | grep -q .' sh "$@"
}

# rcpt_code SERVER RECIPIENT [SENDER [CLIENT]]: what the server answers at RCPT; "none" if nothing within 20 seconds.
rcpt_code() {
	local code
	code=$(on "${4:-$client}" swaks --server "$1" --helo "${4:-$client}" --to "$2" \
		--from "${3:-someone@outside.test}" --quit-after RCPT --timeout 20 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { print substr($2, 1, 3); exit }')
	echo "${code:-none}"
}

rcpt_code_is() {
	local code
	code=$(rcpt_code "$1" "$2")
	[ "$code" = "$3" ] || fail "$1 answers $code for $2, not $3"
}

queue_is_empty() {
	[ -z "$(on "$1" postqueue -j)" ]
}

# No host has written a bounce, nor has one to write.
no_bounces() {
	local host
	for host; do
		! on "$host" grep -E 'status=bounced|postfix/bounce\[.*non-delivery' /var/log/syslog >&2 ||
			fail "$host has bounced mail"
	done
}

# --- IMAP and POP3, over TLS with the domain's CA

# imap SERVER USER PATH…: curl's output. The server is its own client, since it has the CA's certificate.
imap() {
	on "$1" curl -sS --max-time 20 --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" "imaps://$1/$3"
}

pop3() {
	on "$1" curl -sS --max-time 20 --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" "pop3s://$1/$3"
}

# count_messages SERVER USER SUBJECT: messages in the INBOX with that word in the subject.
count_messages() {
	local found
	found=$(imap "$1" "$2" "INBOX?SUBJECT%20$3" | tr -d '\r') || return 1
	[[ $found == "* SEARCH"* ]] || fail "IMAP on $1 says: $found" || return 1
	read -ra found <<<"${found#"* SEARCH"}"
	echo ${#found[@]}
}

has_messages() {
	[ "$(count_messages "$1" "$2" "$3")" = "$4" ]
}

# await_message SERVER USER SUBJECT: until exactly one has come.
await_message() {
	eventually 30 has_messages "$1" "$2" "$3" 1
}

# pop3_has SERVER USER SUBJECT
pop3_has() {
	local number rest
	while read -r number rest; do
		: "$rest"
		! pop3 "$1" "$2" "$number" | grep -q "^Subject: $3" || return 0
	done < <(pop3 "$1" "$2" "" | tr -d '\r')
	return 1
}

# --- state

# owned HOST SERVICE: the database that the host owns, as LDIF sorted by DN, without what another run would make differently.
owned() {
	on "$1" slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no -b "cn=$1,ou=$2,ou=Owned,dc=mailrepl" 2>/dev/null |
		grep -Ev '^(entryUUID|entryCSN|contextCSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|structuralObjectClass):' |
		awk -v RS= '{ gsub("\n", "\001"); print $0 "\001" }' | sort | tr '\001' '\n'
}

# rendered HOST: every file of the configuration with its mode, owner and digest.
rendered() {
	# shellcheck disable=SC2016 # for that shell to expand
	on "$1" bash -c '
		for path in /etc/mailrepl /etc/postfix /etc/dovecot /var/lib/mailrepl/original \
			/var/lib/mailrepl/slapd/config.ldif; do
			[ ! -e "$path" ] || find "$path" -type f -print0
		done | sort -z | xargs -0 -r sh -c "stat -c \"%n %a %U:%G\" \"\$@\"; sha256sum \"\$@\"" sh'
}

# state HOST [exact]: all that a command may change there. "exact" compares the CSNs, too: not even a write that changes
# nothing has happened.
state() {
	rendered "$1"
	if [ "${2:-}" = exact ]; then
		# shellcheck disable=SC2016 # for that shell to expand
		on "$1" sh -c 'for base in Mail Unix; do slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no \
			-b "cn=$(hostname -f),ou=$base,ou=Owned,dc=mailrepl" 2>/dev/null; done; :'
	else
		owned "$1" Mail
		owned "$1" Unix || true
	fi
	on "$1" sh -c "ls -l --time-style=full-iso $archives 2>/dev/null; :"
}

# as_root HOST LDAP-COMMAND ARGUMENT…: ldapsearch, ldapmodify, … over the host's socket.
as_root() {
	local host=$1 command=$2
	shift 2
	on "$host" "$command" -Q -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi "$@"
}

# slapd_pid HOST
slapd_pid() {
	on "$1" cat /run/mailrepl/slapd.pid
}

slapd_do() {
	on "$1" /usr/lib/mailrepl/mailrepl-slapd "$2"
}
