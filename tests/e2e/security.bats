#!/usr/bin/env bats
# What nobody gets: a relay for strangers, an anonymous answer, an account on a relay, a secret in a log.

load e2e

hosts=(mail1.lan mail2.lan relay.lan)
servers=(mail1.lan mail2.lan)

setup_file() {
	e2e_domain
	add_user mail1.lan user1
	add_user mail2.lan user2
	local host
	for host in "${hosts[@]}"; do
		eventually 20 knows "$host" "user1@$domain"
		eventually 20 knows "$host" "user2@$domain"
	done
}

teardown_file() {
	e2e_down
}

# peer_search FROM SERVER ARGUMENT…: over TLS with FROM's own certificate.
peer_search() {
	local from=$1 server=$2
	shift 2
	on "$from" env LDAPTLS_CACERT=/etc/mailrepl/tls/ca.crt LDAPTLS_CERT=/etc/mailrepl/tls/host.crt \
		LDAPTLS_KEY=/etc/mailrepl/tls/host.key \
		ldapsearch -LLL -Q -ZZ -Y EXTERNAL -H "ldap://$server:3890" "$@"
}

# refuses HOST RECIPIENT [SENDER]: for good, or for the moment, but not 250.
refuses() {
	local code
	code=$(rcpt_code "$@")
	[[ $code == 5* ]] || fail "$1 answers $code to RCPT TO:<$2>"
}

@test "a stranger cannot relay through any host" {
	local host
	for host in "${hosts[@]}"; do
		refuses "$host" someone@elsewhere.test
		refuses "$host" someone@elsewhere.test "user1@$domain"
		refuses "$host" someone@elsewhere.test '<>'
		refuses "$host" "someone%elsewhere.test@$domain"
		refuses "$host" "someone%elsewhere.test@$host"
		refuses "$host" "elsewhere.test!someone@$domain"
		refuses "$host" "@$domain:someone@elsewhere.test"
		refuses "$host" "\"someone@elsewhere.test\"@$domain"
	done
}

@test "a stranger cannot relay in the other schemes either" {
	local host options
	for options in "--scheme server-mx --mx mail1.lan" "--scheme relay-mx --mx relay.lan" "--scheme intranet"; do
		# shellcheck disable=SC2086 # they are several words
		on mail1.lan cl-setup $options mail "$domain"
		on mail2.lan cl-rebuild
		on relay.lan cl-rebuild
		for host in "${hosts[@]}"; do
			refuses "$host" someone@elsewhere.test
			refuses "$host" someone@elsewhere.test "user1@$domain"
			rcpt_code_is "$host" "user1@$domain" 250
		done
	done
}

@test "a stranger may not address the hosts' own domains" {
	local host
	for host in "${hosts[@]}"; do
		refuses "$host" user1@mail1.lan
		refuses "$host" user2@mail2.lan
	done
}

@test "a slash, a star, a parenthesis in an address finds nobody" {
	local host odd
	for host in "${hosts[@]}"; do
		for odd in '*' 'user*' 'u)(uid=*' '\2a'; do
			[ "$(rcpt_code "$host" "$odd@$domain")" != 250 ]
		done
	done
}

@test "no slapd answers anonymously, with or without TLS, over the network or over the socket" {
	local host base
	for host in "${hosts[@]}"; do
		for base in '' dc=mailrepl ou=Mail,dc=mailrepl ou=Unix,dc=mailrepl cn=Status cn=config cn=Subschema; do
			run ! on "$client" ldapsearch -x -LLL -H "ldap://$host:3890" -s base -b "$base"
			run ! on "$client" env LDAPTLS_REQCERT=never ldapsearch -x -ZZ -LLL -H "ldap://$host:3890" -s base -b "$base"
			run ! on "$host" ldapsearch -x -LLL -H ldapi://%2Frun%2Fmailrepl%2Fldapi -s base -b "$base"
		done
	done
}

@test "an ordinary local user, and Postfix, get no account over the socket" {
	local host user
	for host in "${servers[@]}"; do
		for user in nobody postfix; do
			run on "$host" setpriv --reuid "$user" --clear-groups ldapsearch -LLL -Q -Y EXTERNAL \
				-H ldapi://%2Frun%2Fmailrepl%2Fldapi -b ou=Unix,dc=mailrepl
			[[ $output != *uid=user* && $output != *userPassword* ]]
		done
		run on "$host" setpriv --reuid nobody --clear-groups ldapsearch -LLL -Q -Y EXTERNAL \
			-H ldapi://%2Frun%2Fmailrepl%2Fldapi -b ou=Mail,dc=mailrepl
		[[ $output != *uid=user* ]]
		run on "$host" setpriv --reuid dovecot --clear-groups ldapsearch -LLL -Q -Y EXTERNAL \
			-H ldapi://%2Frun%2Fmailrepl%2Fldapi -b ou=Unix,dc=mailrepl uid userPassword
		[[ $output != *userPassword* ]]
	done
}

@test "a relay's slapd holds no userPassword and no ou=Unix" {
	run -0 on relay.lan sh -c 'ls /var/lib/mailrepl/db; cat /var/lib/mailrepl/slapd/config.ldif'
	[[ $output == *ou=Mail,dc=mailrepl* ]]
	[[ $output != *ou=Unix* && $output != *unix-owned* ]]
	run -0 on relay.lan sh -c 'for base in ou=Mail,dc=mailrepl cn=Status; do
		slapcat -F /var/lib/mailrepl/slapd/slapd.d -b "$base"; done; cat /var/lib/mailrepl/db/*/data.mdb | strings'
	[[ $output == *"user1@$domain"* ]]
	[[ $output != *userPassword* && $output != *'{CRYPT}'* && $output != *uidNumber* ]]
	run ! on relay.lan grep -rl -e '{CRYPT}' -e 'userPassword:' /etc/mailrepl /var/lib/mailrepl/db /var/calculate
}

@test "a relay's certificate cannot read accounts elsewhere, nor write anything" {
	local server
	for server in "${servers[@]}"; do
		# It is the right certificate: routes it may read.
		run -0 peer_search relay.lan "$server" -b ou=Mail,dc=mailrepl '(uid=user1)'
		[[ $output == *user1* ]]
		run peer_search relay.lan "$server" -b ou=Unix,dc=mailrepl
		[[ $output != *dn:* ]]
		run peer_search relay.lan "$server" -b "cn=$server,ou=Unix,ou=Owned,dc=mailrepl"
		[[ $output != *dn:* ]]
		run peer_search relay.lan "$server" -b cn=config
		[[ $output != *dn:* ]]
		run ! on relay.lan env LDAPTLS_CACERT=/etc/mailrepl/tls/ca.crt LDAPTLS_CERT=/etc/mailrepl/tls/host.crt \
			LDAPTLS_KEY=/etc/mailrepl/tls/host.key ldapmodify -Q -ZZ -Y EXTERNAL -H "ldap://$server:3890" <<-END
				dn: uid=user1,cn=$server,ou=Mail,ou=Owned,dc=mailrepl
				changetype: modify
				replace: mailHost
				mailHost: relay.lan
			END
	done
	run -0 as_root mail1.lan ldapsearch -LLL -b ou=Mail,dc=mailrepl '(uid=user1)' mailHost
	[[ $output == *"mailHost: mail1.lan"* ]]
}

@test "a mail server cannot write what another host owns, unless it is the home" {
	run ! on mail2.lan env LDAPTLS_CACERT=/etc/mailrepl/tls/ca.crt LDAPTLS_CERT=/etc/mailrepl/tls/host.crt \
		LDAPTLS_KEY=/etc/mailrepl/tls/host.key ldapdelete -Q -ZZ -Y EXTERNAL -H ldap://mail1.lan:3890 \
		"uid=user1,cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl"
	run ! on mail2.lan cl-useradd -e "intruder@$domain" --host mail1.lan intruder mail
	# A copy cannot be written by anybody, not even locally: only slapd's own sync does.
	run ! as_root mail2.lan ldapdelete "uid=user1,cn=mail1.lan,ou=Mail,dc=mailrepl"
}

@test "the CA's key and other hosts' keys lie on the home alone" {
	local host
	on mail1.lan test -f /etc/mailrepl/tls/ca.key
	for host in mail2.lan relay.lan; do
		run ! on "$host" test -e /etc/mailrepl/tls/ca.key
		run ! on "$host" test -e /etc/mailrepl/tls/peers
	done
	run ! on relay.lan sh -c "tar -xjOf $archives/*.tar.bz2 | strings | grep -q -e userPassword -e uidNumber"
}

@test "no secret is in a file that others may read" {
	local host disk path found=''
	for host in "${hosts[@]}"; do
		disk=/tmp/mailrepl-lab.$LAB/disks/$host
		while IFS= read -r -d '' path; do
			! grep -qa -e 'PRIVATE KEY' -e '{CRYPT}' -e '\$y\$j' -e "$password" "$path" ||
				found+=" $host:${path#"$disk"}"
		done < <(find "$disk" -type f -perm /o=r -not -path '*/mail/*' -print0)
	done
	[ -z "$found" ] || fail "readable for all:$found"
}

@test "keys, databases and archives are closed to others" {
	local host
	for host in "${hosts[@]}"; do
		[ "$(on "$host" stat -c '%a %U:%G' /etc/mailrepl/tls/host.key)" = "640 root:openldap" ]
		run -0 on "$host" find /var/lib/mailrepl/db /var/calculate -type f -perm /o=rwx
		[ -z "$output" ]
	done
	[ "$(on mail1.lan stat -c %a /etc/mailrepl/tls/ca.key)" = 600 ]
	[ "$(on mail1.lan stat -c '%a %U' "$archives")" = "700 root" ]
	[ "$(on mail1.lan sh -c "stat -c %a $archives/*" | sort -u)" = 600 ]
}

@test "a password is in no argv, no log and no output" {
	local secret=Sesam-öffne-dich
	# The sanitizers cannot look for leaks under strace.
	E2E_LEAKS=0 run -0 on mail1.lan strace -f -qq -s 4096 -e trace=execve,sendto,sendmsg,write -o /root/trace \
		cl-useradd -v -P -e "secretive@$domain" secretive mail <<<"$secret"
	[[ $output != *"$secret"* && $output != *'$y$'* ]]
	run ! on mail1.lan sh -c "grep -a -e execve -e '\"<' /root/trace | grep -aF -e '$secret' -e '\$y\$'"
	run ! on mail1.lan grep -raF -e "$secret" -e '$y$' /var/log
	on mail1.lan rm -f /root/trace
	# It was the password all the same.
	eventually 20 knows mail1.lan "secretive@$domain"
	password=$secret imap mail1.lan secretive ""
}

@test "IMAP and POP3 take no password without TLS" {
	local host
	for host in "${servers[@]}"; do
		run ! on "$client" curl -sS --max-time 10 -u "user1:$password" "imap://$host/"
		run ! on "$client" curl -sS --max-time 10 -u "user1:$password" "pop3://$host/"
	done
}

@test "a host without certificate of the domain gets no TLS session to a slapd" {
	on "$client" sh -c 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/O=mailrepl/CN=mail2.lan" \
		-keyout /root/k.pem -out /root/c.pem 2>/dev/null'
	run ! on "$client" env LDAPTLS_REQCERT=never LDAPTLS_CERT=/root/c.pem LDAPTLS_KEY=/root/k.pem \
		ldapsearch -LLL -Q -ZZ -Y EXTERNAL -H ldap://mail1.lan:3890 -b ou=Mail,dc=mailrepl
	run ! on "$client" swaks --server mail1.lan --tls --tls-cert /root/c.pem --tls-key /root/k.pem \
		--helo mail2.lan --from "user2@$domain" --to user1@mail1.lan --quit-after RCPT
}

@test "a host that is taken out of the topology can read nothing any more" {
	run -0 peer_search relay.lan mail1.lan -b ou=Mail,dc=mailrepl '(uid=user1)'
	[[ $output == *user1* ]]
	on mail1.lan cl-replication --yes -r mail1.lan,mail2.lan mail
	on mail2.lan cl-rebuild
	local server
	for server in "${servers[@]}"; do
		run peer_search relay.lan "$server" -b ou=Mail,dc=mailrepl
		[[ $output != *dn:* ]]
		# Nor is it a peer of Postfix's any more.
		run ! on relay.lan swaks --server "$server" --tls --tls-cert /etc/mailrepl/tls/host.crt \
			--tls-key /etc/mailrepl/tls/host.key --helo relay.lan --from x@relay.lan \
			--to "user1@mail1.lan" --quit-after RCPT
	done
}
