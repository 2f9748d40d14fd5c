#!/usr/bin/env bats
# Three hosts become one mail domain by the commands of README.md.

load e2e

setup_file() {
	e2e_up mail1.lan mail2.lan relay.lan other.lan outside.test
}

teardown_file() {
	e2e_down
}

# The configuration that -l says a host has rendered.
row_of() {
	on mail1.lan cl-replication -l | awk -v host="$1" '$1 == host'
}

@test "cl-setup makes the first server" {
	set_up_home
	run -0 on mail1.lan cl-replication -l
	[[ $output == *mail1.lan*mail,unix*home*joined*"up to date"* ]]
	run -0 on mail1.lan postconf -h virtual_alias_domains
	[[ $output == *"$domain"* ]]
}

@test "cl-setup keeps what was in /etc/postfix and /etc/dovecot" {
	on mail1.lan sh -c 'find /var/lib/mailrepl/original -type f | grep -q main.cf'
	on mail1.lan sh -c 'find /var/lib/mailrepl/original -type f | grep -q dovecot.conf'
}

@test "cl-replication invites hosts and says what to run next" {
	run -0 on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan mail
	[[ $output == *cl-backup*mail2.lan*relay.lan* ]]
	run -0 on mail1.lan cl-replication -r mail1.lan,mail2.lan unix
	row_of mail2.lan | grep -q 'mail,unix.*mail server.*invited'
	row_of relay.lan | grep -q 'relay.*invited'
}

@test "the home accepts mail while invited hosts have not come" {
	add_user mail1.lan early
	eventually 20 knows mail1.lan "early@$domain"
	submit mail1.lan "early@$domain" while-nobody-has-come
	await_message mail1.lan early while-nobody-has-come
	[ "$(rcpt_code mail1.lan "nobody@$domain")" = 550 ]
}

@test "a host without an archive cannot join, and says where it looked" {
	run -66 on mail2.lan cl-rebuild --repl
	[[ $output == *"$archives"* ]]
	on mail2.lan sh -c '! test -e /var/lib/mailrepl/db'
}

@test "a host that is not in the topology cannot join" {
	bring_archives mail2.lan relay.lan
	on other.lan mkdir -p -m 0700 "$archives"
	lab copy "mail1.lan:$(newest_archive)" "other.lan:$archives/"
	on other.lan sh -c 'find /etc/mailrepl /etc/postfix /etc/dovecot /var/lib/mailrepl -type f ! -name lock -exec md5sum {} + | sort >/root/before'
	run on other.lan cl-rebuild --repl
	[ "$status" -eq 68 ] || [ "$status" -eq 66 ]
	[[ $output == *other.lan* ]]
	on other.lan sh -c 'find /etc/mailrepl /etc/postfix /etc/dovecot /var/lib/mailrepl -type f ! -name lock -exec md5sum {} + | sort | diff /root/before -'
	run ! on other.lan test -e /run/mailrepl/slapd.pid
}

@test "a host cannot join with the archive of another" {
	lab copy "mail1.lan:$(newest_archive for-mail2.lan)" "outside.test:/root/"
	on outside.test sh -c "mkdir -p -m 0700 $archives && mv /root/*.tar.bz2 $archives/"
	run on outside.test cl-rebuild --repl
	[ "$status" -eq 68 ] || [ "$status" -eq 66 ]
	run ! on outside.test test -e /etc/mailrepl/tls/host.key
}

@test "a dry run unpacks into a place of its own, which it removes" {
	# As another run of the command would: this process lives, and that one does not.
	on mail2.lan mkdir -p -m 0700 /var/lib/mailrepl/join.1 /var/lib/mailrepl/join.999999
	run -0 on mail2.lan cl-rebuild --repl --dry-run
	run -0 on mail2.lan sh -c 'cd /var/lib/mailrepl && echo join*'
	[ "$output" = join.1 ]
	on mail2.lan rmdir /var/lib/mailrepl/join.1
}

@test "cl-rebuild --repl joins a mail server" {
	run -0 on mail2.lan cl-rebuild --repl
	row_of mail2.lan | grep -q 'mail server.*joined'
	eventually 10 knows mail2.lan "early@$domain"
}

@test "cl-rebuild --repl joins a relay" {
	run -0 on relay.lan cl-rebuild --repl
	row_of relay.lan | grep -q 'relay.*joined'
	eventually 10 knows relay.lan "early@$domain"
}

@test "a full archive gives a peer only what it may have, with a warning" {
	on mail1.lan cl-replication -r mail1.lan,mail2.lan,relay.lan,other.lan mail
	on mail1.lan cl-replication -l
	on mail1.lan cl-backup
	on other.lan sh -c "rm -f $archives/*"
	lab copy "mail1.lan:$(newest_archive)" "other.lan:$archives/"
	run -0 on other.lan cl-rebuild --repl
	[[ $output == *"full archive"* ]]
	run -0 on other.lan sh -c 'ls /etc/mailrepl/tls; ls /etc/mailrepl/tls/peers 2>/dev/null; ls /var/lib/mailrepl/db'
	[[ $output != *ca.key* && $output != *peers* && $output != *unix* ]]
	run -0 on other.lan sh -c "grep -rl userPassword /var/lib/mailrepl/db /var/lib/mailrepl/join.* 2>/dev/null; :"
	[ -z "$output" ]
}

@test "hosts whose rendered topology is older say so, until cl-rebuild has run" {
	local host
	for host in mail2.lan relay.lan other.lan; do
		on "$host" /usr/lib/mailrepl/mailrepl-watch stop
	done
	on mail1.lan cl-setup mail another.example
	row_of mail2.lan | grep -q behind
	on other.lan cl-rebuild
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	on mail1.lan cl-rebuild
	run -0 on mail1.lan cl-replication -l
	[[ $output != *behind* ]]
}

@test "each host's databases have their serverID's entries once, and all copies are equal" {
	copy_of() {
		on "$1" slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no -b ou=Mail,dc=mailrepl 2>/dev/null |
			grep -E '^(dn|entryUUID|entryCSN):' | sort
	}
	equal_copies() {
		diff <(copy_of mail1.lan | grep cn=) <(copy_of "$1" | grep cn=)
	}
	eventually 10 equal_copies mail2.lan
	eventually 10 equal_copies relay.lan
	eventually 10 equal_copies other.lan
}
