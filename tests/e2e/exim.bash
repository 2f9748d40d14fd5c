# shellcheck shell=bash
# Hosts that change from Postfix to Exim, and whether both treat every address alike. A file loads e2e, then this:
#
#	to_exim HOST		changes it, as an administrator does with apt
#	keep_postfix HOST, to_postfix HOST	before that, and back
#	directory_everywhere	gives mail1.lan and mail2.lan mailboxes, groups, former addresses and claims to the same ones
#	answers_of_postfix HOST, answers_of_exim HOST
#				what it answers for each of those addresses and more, and where they go
#	answers_to_senders HOST	what a stranger is answered as whom
#	disagreements HOST FILE FILE	what differs between the two, then how many do
other=other.org # a second mail domain, with a catch-all

queue_is_empty() {
	if on "$1" test -x /usr/sbin/exim4; then
		[ "$(on "$1" exim4 -bpc)" = 0 ]
	else
		[ -z "$(on "$1" postqueue -j)" ]
	fi
}

# await_gates HOST…: as e2e.bash has it, but Exim has no file to wait for: it asks each time.
await_gates() {
	local host
	for host; do
		eventually 60 on "$host" grep -qs ^open /var/lib/mailrepl/gate
		on "$host" test -x /usr/sbin/exim4 ||
			eventually 10 on "$host" grep -q "^soft_bounce = no" /etc/postfix/main.cf
	done
}

# to_exim HOST: as an administrator does it with apt, of packages that tools/install-packages has brought.
to_exim() {
	eventually 60 queue_is_empty "$1"
	lab copy "${EXIM_PACKAGES:-/var/cache/mailrepl/exim}" "$1:/var/tmp/exim"
	on "$1" sh -c '
		set -e
		printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
		chmod 0755 /usr/sbin/policy-rc.d
		export DEBIAN_FRONTEND=noninteractive
		postfix stop
		dpkg --force-unsafe-io --force-depends -r postfix-ldap postfix-lmdb postfix
		dpkg --force-unsafe-io --force-depends -i /var/tmp/exim/*.deb
		sed -i "s/# mta = \"postfix\";/mta = \"exim\";/" /etc/mailrepl/mailrepl.conf' >&2
	on "$1" cl-rebuild >&2
}

directory_everywhere() {
	on mail1.lan cl-setup mail "$other"
	on mail2.lan cl-rebuild
	on relay.lan cl-rebuild
	directory_of mail1.lan near | as_root mail1.lan ldapadd >/dev/null
	directory_of mail2.lan far | as_root mail2.lan ldapadd >/dev/null
	add_user mail1.lan user1
	add_user mail2.lan user2
	await_gates mail1.lan mail2.lan relay.lan
	local host
	for host in mail1.lan mail2.lan relay.lan; do
		eventually 60 knows "$host" "user1@$domain"
		eventually 60 knows "$host" "user2@$domain"
		eventually 60 knows "$host" "anybody@$other"
	done
}

# directory_of HOST NAME: mailboxes, groups, former addresses, addresses that not everybody may write to, and claims to
# the same addresses, as LDIF.
directory_of() {
	local n=0 container="cn=$1,ou=Mail,ou=Owned,dc=mailrepl"
	for n in 1 2 3 4 5 6; do
		box "$container" "$1" "$2$n" "$2$n@$domain" "$2.number$n@$domain" "$2$n@$other"
	done
	box "$container" "$1" "$2tag" "$2@$domain" "$2+1@$domain"
	box "$container" "$1" "$2both" "both@$domain"
	box "$container" "$1" "$2away" "$2away@$domain" | add mailReplRecipient "mailReplForward: someone@outside.example"
	box "$container" "$1" "$2deferred" "$2deferred@$domain" | add mailReplRecipient "mailReplAccess: deferred"
	box "$container" "$1" "$2refused" "$2refused@$domain" | add mailReplRecipient "mailReplAccess: refused"
	box "$container" "$1" "$2closed" "$2closed@$domain" | add mailReplRecipient "mailReplAccess: closed"
	[ "$2" != near ] || box "$container" "$1" all "@$other"
	list "$container" "$1" "$2list" user1@mail1.lan far1@mail2.lan "$2inner@$1"
	list "$container" "$1" "$2inner" "$2tag@$1" "$2moved@$1" someone@outside.example
	cat <<-END
		dn: uid=$2moved,$container
		objectClass: account
		objectClass: mailReplRecipient
		uid: $2moved
		mailReplFormerAddress: $2moved@$domain
		mailReplFormerAddress: $2moved@$1
		mailReplForward: far2@mail2.lan

		dn: uid=$2left,$container
		objectClass: account
		objectClass: inetLocalMailRecipient
		objectClass: mailReplRecipient
		uid: $2left
		mailLocalAddress: $2left@$domain
		mailReplAccess: gone

	END
}

# box CONTAINER HOST NAME ADDRESS…
box() {
	local container=$1 host=$2 name=$3
	shift 3
	printf '%s\n' "dn: uid=$name,$container" "objectClass: account" "objectClass: inetLocalMailRecipient" \
		"uid: $name" "mailHost: $host" "mailRoutingAddress: $name@$host" "${@/#/mailLocalAddress: }" ""
}

# list CONTAINER HOST NAME MEMBER…
list() {
	local container=$1 host=$2 name=$3
	shift 3
	printf '%s\n' "dn: cn=$name,$container" "objectClass: nisMailAlias" "objectClass: inetLocalMailRecipient" "cn: $name" \
		"mailLocalAddress: $name@$domain" "mailHost: $host" "mailRoutingAddress: $name@$host" "${@/#/rfc822MailMember: }" ""
}

# add CLASS LINE: to the entry that comes in.
add() {
	sed "s/^uid: .*/&\nobjectClass: $1\n$2/"
}

# Every address of that directory, in several spellings, and what is in nobody's.
addresses() {
	local name
	as_root relay.lan ldapsearch -LLL -o ldif-wrap=no -b ou=Mail,dc=mailrepl '(|(mailRoutingAddress=*)(mailReplFormerAddress=*)(mailReplAccess=*))' \
		mailLocalAddress mailRoutingAddress mailReplFormerAddress |
		sed -n 's/^mail[A-Za-z]*: \([^@].*\)/\1/p' | sort -u
	for name in user1 user2+detail near+1 near+2 near+1+2 user1+ +user1 USER1 Far.Number1 nearmoved+x neardeferred+x \
		nearleft+x both+x nearlist+x faraway+x nobody nobody+x postmaster Abuse root mailer-daemon postmaster+x .user1 \
		user1. us..er1 '*' 'user*' 'user1)(uid=*' 'user1%outside.test' 'outside.test!user1' "o'brien" 'a=b' '#1' '-x'; do
		printf '%s\n' "$name@$domain"
	done
	printf '%s\n' "user1@MailDomain.ORG" "anybody@$other" "any+body@$other" "postmaster@$other" "near1@$other" "user1@$other" \
		nobody@mail1.lan nobody@mail2.lan user1+x@mail1.lan user2+x@mail2.lan farlist+x@mail2.lan user1@relay.lan nobody@relay.lan \
		postmaster@mail1.lan root@mail2.lan postmaster@mail2.lan \
		postmaster@relay.lan abuse@relay.lan root@relay.lan someone@outside.example "user1@sub.$domain" \
		user1@mail3.lan user1@lan "@outside.example:user1@$domain"
}

# codes HOST SERVER SENDER ADDRESS…: from that host.
codes() {
	local host=$1 server=$2 sender=$3
	shift 3
	on "$host" perl -e "$(cat "$BATS_TEST_DIRNAME/rcpt.pl")" "$server" "$host" "$sender" "$@"
}

# answers HOST ADDRESS…: for each address, divided by tabs: itself, the first digit that a stranger gets at RCPT and the one that a
# program of this host gets.
answers() {
	local host=$1
	shift
	paste <(printf '%s\n' "$@") <(codes "$client" "$host" someone@outside.example "$@" | cut -c1) \
		<(codes "$host" 127.0.0.1 "user1@$domain" "$@" | cut -c1)
}

# The same, and what its tables make of the address, as cl-route has seen it.
answers_of_postfix() {
	local all
	mapfile -t all < <(addresses)
	paste <(answers "$1" "${all[@]}") <(on "$1" cl-route --json -- "${all[@]}" |
		jq -r '.addresses[].postfix | if .asked then .answer else "-" end')
}

# The same, cl-route's fate, where it finds that Exim agrees, and targets, and Exim's.
answers_of_exim() {
	local all
	mapfile -t all < <(addresses)
	paste <(answers "$1" "${all[@]}") <(on "$1" cl-route --json -- "${all[@]}" | jq -r '.addresses[] |
		[(if .exim.asked and (.exim.agrees | not) then "disagrees" else .fate end), ([.targets[].address | sub("[+][^@]*"; "")] | unique | join(","))] | @tsv') \
		<(on "$1" bash -c "$targets" bash "${all[@]}")
}

# What exim4 -bt says of each address: all that it becomes, without detail; or "not found", or "later".
# shellcheck disable=SC2016 # for that shell to expand
targets='for address; do
	exim4 -bt -- "$address" </dev/null 2>&1 |
		awk "/ is undeliverable/ { print \"not found\"; next } / cannot be resolved/ { print \"later\"; next }
			/^[^ ]/ { sub(/[+][^@]*/, \"\"); print tolower(\$1) }" | LC_ALL=C sort -u | paste -sd ,
done'

# answers_to_senders HOST: what a stranger gets at RCPT who says that he is one of ours, or nobody's, or somebody else.
answers_to_senders() {
	local sender
	for sender in "" someone@outside.example someone "user1@$domain" "near+1@$domain" "nearlist@$domain" "nobody@$domain" \
		"postmaster@$domain" "anybody@$other" user1@mail1.lan nobody@mail1.lan user2@mail2.lan nobody@mail2.lan \
		root@mail2.lan nobody@relay.lan; do
		printf '%s\t%s\n' "$sender" "$(codes "$client" "$1" "$sender" "user1@$domain" | cut -c1)"
	done
}

# disagreements HOST FILE FILE
disagreements() {
	paste "$2" "$3" | awk -F'\t' -v host="$1" -v domains="$domain $other" -f "$BATS_TEST_DIRNAME/exim.awk"
}

# keep_postfix HOST: what to_exim removes, for to_postfix.
keep_postfix() {
	on "$1" sh -c '{ dpkg -L postfix postfix-ldap postfix-lmdb; find /etc/postfix -name "dynamicmaps*"; } | sort -u | grep -v "^/[.]$" |
		tar -cf /var/tmp/postfix.tar --no-recursion --ignore-failed-read -T - && cp -a /var/lib/dpkg /var/tmp/dpkg' >&2
}

# to_postfix HOST: back to what keep_postfix has kept, as with apt.
to_postfix() {
	eventually 60 queue_is_empty "$1"
	on "$1" sh -c '
		set -e
		/etc/init.d/exim4 stop
		DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --force-depends -r exim4-daemon-heavy exim4-base exim4-config
		tar -xpf /var/tmp/postfix.tar -C /
		rm -r /var/lib/dpkg
		cp -a /var/tmp/dpkg /var/lib/dpkg
		sed -i "s/mta = \"exim\";/# mta = \"postfix\";\n/" /etc/mailrepl/mailrepl.conf' >&2
	on "$1" cl-rebuild >&2
}
