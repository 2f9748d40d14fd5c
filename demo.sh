#!/usr/bin/env bash
# demo.sh [--keep]: three mail servers on this one machine. Builds mailrepl, switches three hosts on (tests/lab: namespaces, no
# VMs, nothing of the machine's own mail is touched), makes them one mail domain and sends mail through it.
# --keep leaves the hosts up and says how to enter them.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

keep=
case ${1:-} in
--keep) keep=yes ;;
'') ;;
*)
	echo "usage: sudo ./demo.sh [--keep]" >&2
	exit 64
	;;
esac
[ "$(id -u)" = 0 ] || {
	echo "demo.sh: needs root, for namespaces and packages: sudo ./demo.sh" >&2
	exit 77
}

export LAB=${LAB:-demo}
build=$PWD/build-demo
archives=/var/calculate/server-backup/ldap
password=demo-password
servers=(mail1.lan mail2.lan)
hosts=("${servers[@]}" relay.lan)
client=pc.lan # an ordinary computer of the intranet

lab() {
	tests/lab/lab "$@"
}

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}

# at HOST COMMAND…: shows the command as if it were typed there, and runs it.
at() {
	local host=$1
	shift
	printf '\033[32m%s#\033[0m %s\n' "${host%%.*}" "$*"
	lab exec "$host" -- "$@"
}

# scp_to HOST FILE: from mail1's archives to the same folder there.
scp_to() {
	printf '\033[32mmail1#\033[0m scp %s root@%s:%s/\n' "$2" "$1" "$archives"
	lab exec "$1" -- mkdir -p -m 0700 "$archives"
	lab copy "mail1.lan:$2" "$1:$archives/"
}

eventually() {
	local deadline=$((SECONDS + 30))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || {
			echo "demo.sh: did not come true within 30 seconds: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# imap SERVER USER PATH
imap() {
	lab exec "$1" -- curl -sS --cacert /etc/mailrepl/tls/ca.crt -u "$2:$password" "imaps://$1/$3"
}

has_come() {
	[ "$(imap "$1" "$2" "INBOX?SUBJECT%20$3" | tr -d '\r')" != "* SEARCH" ]
}

# send SERVER RECIPIENT SUBJECT
send() {
	printf '\033[32m%s#\033[0m swaks --server %s --to %s (subject: %s)\n' "${client%%.*}" "$1" "$2" "$3"
	lab exec "$client" -- swaks --server "$1" --helo "$client" --from someone@outside.test --to "$2" \
		--h-Subject "$3" --body "Hello, $2. I came in at $1." --hide-all
}

answer() {
	lab exec "$client" -- swaks --server "$1" --helo "$client" --from someone@outside.test --to "$2" --quit-after RCPT 2>&1 |
		awk '/-> RCPT TO:/ { asked = 1; next } asked && /^<[-~*]+ / { print $2; exit }'
}

finish() {
	local status=$?
	trap - EXIT
	[ "$status" -eq 0 ] || echo "demo.sh: stopped by an error (status $status)" >&2
	[ -n "$keep" ] || lab down
	exit "$status"
}

table() {
	local address host owner
	{
		printf 'ADDRESS|OWNER'
		printf '|ASKED AT %s' "${hosts[@]}"
		echo
		for address in user1 user2 postmaster nobody; do
			owner=$(lab exec relay.lan -- ldapsearch -LLL -Q -Y EXTERNAL -H ldapi://%2Frun%2Fmailrepl%2Fldapi \
				-b ou=Mail,dc=mailrepl "(mailLocalAddress=$address@maildomain.org)" mailHost |
				sed -n 's/^mailHost: //p')
			[ "$address" != postmaster ] || owner="every host"
			printf '%s|%s' "$address@maildomain.org" "${owner:-nobody}"
			for host in "${hosts[@]}"; do printf '|%s' "$(answer "$host" "$address@maildomain.org")"; done
			echo
		done
	} | column -t -s '|'
}

say "Packages, build, installation into a folder"
tools/install-packages demo
tools/stage "$build/obj" "$build/stage" -Dtests=false
say "Three hosts and a computer are switched on"
lab down
trap finish EXIT
owner=(--owner $$)
[ -z "$keep" ] || owner=()
lab up "${owner[@]}" --layer "$build/stage" "${hosts[@]}" "$client"
lab status
# There is no DNS in the lab.
for host in "${hosts[@]}"; do
	lab exec "$host" -- sh -c 'mkdir -p /etc/mailrepl; echo "mail = { dns = false; };" >/etc/mailrepl/mailrepl.conf'
done

say "The first server"
at mail1.lan cl-setup mail maildomain.org
at mail1.lan cl-setup unix
at mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan mail
at mail1.lan cl-replication -r mail1.lan,mail2.lan unix
at mail1.lan cl-backup
for host in mail2.lan relay.lan; do
	scp_to "$host" "$(lab exec mail1.lan -- sh -c "ls -t $archives/*-for-$host.tar.bz2 | head -n 1")"
done

say "The others"
at mail2.lan cl-rebuild --repl
at relay.lan cl-rebuild --repl
at mail1.lan cl-replication -l

say "Users"
at mail1.lan cl-useradd -P -e user1@maildomain.org user1 mail <<<"$password"
at mail2.lan cl-useradd -P -e user2@maildomain.org user2 mail <<<"$password"
knows() {
	[ "$(answer "$1" "$2")" = 250 ]
}
for host in "${hosts[@]}"; do
	eventually knows "$host" user1@maildomain.org
	eventually knows "$host" user2@maildomain.org
done

say "Mail"
send mail2.lan user1@maildomain.org at-mail2
send relay.lan user1@maildomain.org at-the-relay
send mail1.lan user2@maildomain.org at-mail1
for subject in at-mail2 at-the-relay; do
	eventually has_come mail1.lan user1 "$subject"
done
eventually has_come mail2.lan user2 at-mail1

say "user1's mailbox on mail1, read over IMAP"
for number in 1 2; do
	imap mail1.lan user1 "INBOX;MAILINDEX=$number" | tr -d '\r' | grep -Ei '^(Subject|Received|Hello)|^[[:space:]]+by'
	echo
done

say "Who has which address, and what each host answers a stranger (250: yes, 550: no such user)"
table

if [ -n "$keep" ]; then
	say "The hosts stay up"
	cat <<-END
		enter one:   sudo LAB=$LAB tests/lab/lab enter mail1.lan
		run there:   sudo LAB=$LAB tests/lab/lab exec mail2.lan -- cl-replication -l
		cut a cable: sudo LAB=$LAB tests/lab/lab cut relay.lan
		end it all:  sudo LAB=$LAB tests/lab/lab down
	END
fi
