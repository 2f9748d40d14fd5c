# shellcheck shell=bash disable=SC2154
# What is in force in this host, and what lies there: for steps.bash, which sets the variables.

# --- what is in force

# say TEXT WANT: sends a line if there is one; the last line of the answer begins with WANT, or it fails. REPLY is all of it.
say() {
	local line all=
	[ -z "$1" ] || printf '%s\r\n' "$1" >&"$connection"
	while IFS= read -r -t 30 -u "$connection" line; do
		all+=$line$'\n'
		[ "${line:3:1}" = - ] || break
	done
	REPLY=$all
	[[ $line == $2* ]]
}

# What is in force, asked as clients ask: "original", "changed", or why it does not serve. So many connections at once: one
# more than there are idle processes is answered by one that has just begun to read what lies there.
postfix_state() {
	local connection connections=() size states=
	for _ in {1..3}; do
		{ exec {connection}<>/dev/tcp/127.0.0.1/25; } 2>/dev/null || { echo "nobody at port 25"; return; }
		connections+=("$connection")
		if ! say '' 220 || ! say 'EHLO localhost' 250; then
			echo "port 25: $REPLY"
			return
		fi
		size=$(sed -n 's/^250-SIZE \([0-9]*\).*/\1/p' <<<"$REPLY")
		if ! say 'MAIL FROM:<>' 250 || ! say "RCPT TO:<$known>" 250 || ! say "RCPT TO:<nobody-$known>" 550; then
			echo "port 25: $REPLY"
			return
		fi
		case $size in 1234567) size=changed ;; 52428800) size=original ;; *) echo "port 25: size $size"; return ;; esac
		[[ $states == *$size* ]] || states=$states${states:+ and }$size
	done
	for connection in "${connections[@]}"; do exec {connection}>&-; done
	echo "$states"
}

dovecot_state() {
	local connection
	{ exec {connection}<>/dev/tcp/127.0.0.1/143; } 2>/dev/null || { echo "nobody at port 143"; return; }
	say '' '\* OK' || say '' '\* OK'
	exec {connection}>&-
	case $REPLY in *changed*) echo changed ;; *Dovecot*) echo original ;; *) echo "port 143: $REPLY" ;; esac
}

directory_state() {
	ldapsearch -Q -Y EXTERNAL -LLL -H ldapi://%2Frun%2Fmailrepl%2Fldapi -b ou=Mail,dc=mailrepl "(mailLocalAddress=$known)" mailHost 2>&1 | grep -q ^mailHost &&
		echo original || echo "the directory does not answer"
}

# serves SERVICE WORDS: what is in force is one of these. Programs that are being restarted or reloaded may need a moment.
serves() {
	local i state
	for i in {1..100}; do
		state=$("${1}_state")
		[[ $2 != *"|$state|"* ]] || return 0
		: "$i"
		sleep 0.1
	done
	bad "$1: $state, and not $2"
}

all_serve() {
	serves postfix "$1"
	serves dovecot "$1"
	serves directory '|original|'
}

# --- what lies there

# installed SERVICE: all that it reads.
installed() {
	find "/etc/$1" -type f -not -name '.*.mailrepl-??????' -printf '%p %m %u %g\n' | sort
	find "/etc/$1" -type f -not -name '.*.mailrepl-??????' -exec sha256sum {} + | sort
}

owned() {
	slapcat -F /var/lib/mailrepl/slapd/slapd.d -o ldif-wrap=no -b "cn=$(hostname -f),ou=Mail,ou=Owned,dc=mailrepl" 2>/dev/null |
		grep -Ev '^(entryUUID|entryCSN|contextCSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|structuralObjectClass|mailReplGeneration|mailReplDomainId):' |
		awk -v RS= '{ gsub("\n", "|"); print }' | sort
}

# said: what the administrator has said, here and in the topology.
said() {
	owned
	find /etc/mailrepl -type f -printf '%p %m %u %g\n' | sort
	find /etc/mailrepl -type f -exec sha256sum {} + | sort
}

# keep_state STATE: as it is now.
keep_state() {
	installed postfix >"$work/postfix.$1"
	installed dovecot >"$work/dovecot.$1"
}

# Each file is a whole one, of the one configuration or of the other; if not all of them are what is in force, that is noted.
check_files() {
	local one strange
	keep_state now
	for one in postfix dovecot; do
		strange=$(comm -23 <(sort "$work/$one.now") <(sort -u "$work/$one.original" "$work/$one.changed"))
		[ -z "$strange" ] || bad "$one: neither the one nor the other: $(head -n 3 <<<"$strange")"
		cmp -s "$work/$one.original" "$work/$one.now" || cmp -s "$work/$one.changed" "$work/$one.now" ||
			if [ "$status" = 137 ]; then
				[ -e /var/lib/mailrepl/.due-$one ] || bad "$one: a part is installed, and nothing says so"
			else
				# Who says that it has failed has changed nothing, or all.
				bad "$one: half installed: $(diff "$work/$one.original" "$work/$one.now")"
			fi
	done
}

# nothing_left: what was only for the way.
nothing_left() {
	local left
	# A folder that the disk did not let go is removed by the next check.
	[ "$kind:$name" != EIO:unlinkat ] || rm -rf /var/lib/mailrepl/.check-*
	left=$(find /var/lib/mailrepl /etc/postfix /etc/dovecot /etc/mailrepl \( -path /var/lib/mailrepl/mail -o -path /var/lib/mailrepl/db \) -prune -o \
		\( -name '.*' -o -name '*.pending' -o -name '*.new' -o -name '*.undone' -o -name '*.redo' -o -name '*.over' -o -name undoing -o -path '*/writing/*' -type f \) -print)
	[ -z "$left" ] || bad "left: $left"
}

# is_there STATE: files, and what is in force.
is_there() {
	local one
	keep_state now
	for one in postfix dovecot; do
		cmp -s "$work/$one.$1" "$work/$one.now" || bad "$2: $one: $(diff "$work/$one.$1" "$work/$one.now" | head -n 6)"
	done
	serves postfix "|$(in_force "$1")|"
	serves dovecot "|$(in_force "$1")|"
}

# in_force STATE: in which way it answers otherwise.
in_force() {
	if [ -n "$settings" ]; then echo original; else echo "$1"; fi
}

# run_again WORDS COMMAND…
run_again() {
	local words=$1
	shift
	"$@" >"$work/out" 2>&1 </dev/null || bad "$words: status $?: $(tail -n 2 "$work/out")"
}

nothing_to_do() {
	run_again "a third time" "$@"
	grep -q "nothing to do" "$work/out" || bad "a third time: $(tail -n 3 "$work/out")"
}
