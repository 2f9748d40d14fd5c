# shellcheck shell=bash
# What one add costs all hosts together: bytes on their links, CPU of their slapds, time until every copy has it. Sourced
# after lib.bash by benchmarks with many hosts.

owned=cn=mail1.lan,ou=Mail,ou=Owned,dc=mailrepl
all=ou=Mail,dc=mailrepl

# name_hosts SERVERS RELAYS: into servers, relays and hosts.
name_hosts() {
	local i
	servers=() relays=()
	for ((i = 1; i <= $1; i++)); do servers+=("mail$i.lan"); done
	for ((i = 1; i <= $2; i++)); do relays+=("relay$i.lan"); done
	hosts=("${servers[@]}" "${relays[@]}")
}

# join_all: the hosts of name_hosts, up, set up, joined at the same time and in step.
join_all() {
	local host pid pids=()
	bench_up "${hosts[@]}"
	set_up_home
	load_routes
	invite mail "${hosts[@]:1}"
	invite unix "${servers[@]:1}"
	bring_archives "${hosts[@]:1}"
	say "joining $((${#hosts[@]} - 1)) hosts"
	for host in "${hosts[@]:1}"; do
		on "$host" cl-rebuild --repl >>"$log" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || die "a host has not joined, see $log"; done
	# The watch service asks every provider every few seconds, which is not what an add costs.
	for host in "${hosts[@]}"; do on "$host" /usr/lib/mailrepl/mailrepl-watch stop >>"$log" 2>&1 || :; done
	for host in "${hosts[@]}"; do eventually 300 has_containers "$host" "$all"; done
	for host in "${servers[@]}"; do eventually 300 has_containers "$host" ou=Unix,dc=mailrepl; done
}

# look HOST BASE ARGUMENT…: ldapsearch in a copy.
look() {
	local socket base=$2
	socket=$(socket_of "$1")
	shift 2
	ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$socket" -b "$base" "$@" 2>>"$log"
}

# Every server is a provider; a copy that has its container has had its refresh.
has_containers() {
	[ "$(look "$1" "$2" -s one 1.1 | grep -c '^dn:')" = "${#servers[@]}" ]
}

has_user() {
	[ -n "$(look "$1" "$all" "(uid=$2)" 1.1)" ]
}

# every_host_has USER
every_host_has() {
	local host
	for host in "${hosts[@]}"; do eventually 900 has_user "$host" "$1"; done
}

# print_adds PREFIX COUNT: routes to add to what mail1.lan owns.
print_adds() {
	awk -v prefix="$1" -v count="$2" -v owned="$owned" -v domain="$domain" 'BEGIN {
		for (i = 1; i <= count; i++) {
			printf "dn: uid=%s%d,%s\nobjectClass: account\nobjectClass: inetLocalMailRecipient\n", prefix, i, owned
			printf "uid: %s%d\nmailLocalAddress: %s%d@%s\n", prefix, i, prefix, i, domain
			printf "mailHost: mail1.lan\nmailRoutingAddress: %s%d@mail1.lan\n\n", prefix, i
		}
	}'
}

# weigh: a line for each host: name, bytes that it has sent, ticks of its slapd, resident KiB, anonymous KiB of those, threads.
weigh() {
	local host
	for host in "${hosts[@]}"; do
		# shellcheck disable=SC2016 # for that shell to expand
		on "$host" sh -c '
			pid=$(cat /run/mailrepl/slapd.pid)
			sent=$(awk -F "[: ]+" "\$2 != \"lo\" && NR > 2 { sum += \$11 } END { printf \"%d\", sum }" /proc/self/net/dev)
			ticks=$(sed "s/.*) //" "/proc/$pid/stat" | awk "{ print \$12 + \$13 }")
			awk -v host="$1" -v sent="$sent" -v ticks="$ticks" "
				/^VmRSS:/ { rss = \$2 } /^RssAnon:/ { anonymous = \$2 } /^Threads:/ { threads = \$2 }
				END { print host, sent, ticks, rss, anonymous, threads }" "/proc/$pid/status"' sh "$host"
	done
}

# settle: until the links carry next to nothing, at most ten seconds.
settle() {
	local before after deadline=$((SECONDS + 10))
	before=$(weigh)
	while [ "$SECONDS" -lt "$deadline" ]; do
		sleep 1
		after=$(weigh)
		! total <(echo "$before") <(echo "$after") 2 5000 || return 0
		before=$after
	done
}

# total BEFORE AFTER FIELD [MOST]: the sum over all hosts of what a field has grown; with MOST just whether it is no more.
total() {
	awk -v field="$3" -v most="${4:-}" 'NR == FNR { before[$1] = $field; next } { sum += $field - before[$1] }
		END { if (most != "") exit sum > most; print sum }' "$1" "$2"
}

# largest FILE FIELD
largest() {
	awk -v field="$2" '$field > most { most = $field } END { print most }' "$1"
}

# add_many: $adds adds at mail1.lan, one after the other over one connection. Sets seconds_all, and leaves before and after.
add_many() {
	local begin
	print_adds "$1" "$adds" >"$work/$name.ldif"
	settle
	weigh >"$work/$name.before"
	begin=$(now_us)
	ldapadd -Q -Y EXTERNAL -H "$(socket_of mail1.lan)" <"$work/$name.ldif" >>"$log" 2>&1
	seconds_added=$(awk -v us=$(($(now_us) - begin)) 'BEGIN { printf "%.2f", us / 1e6 }')
	every_host_has "$1$adds"
	seconds_all=$(awk -v us=$(($(now_us) - begin)) 'BEGIN { printf "%.2f", us / 1e6 }')
	# What the last write still has to say: acknowledgements.
	settle
	weigh >"$work/$name.after"
}

# add_singly PREFIX: $runs adds, each when all hosts have the one before. Leaves samples, before-singly and after-singly.
add_singly() {
	local i host result watches=() init
	init=$(init_of mail1.lan)
	forget_samples "$1"
	settle
	weigh >"$work/$name.before-singly"
	for ((i = 1; i <= runs; i++)); do
		print_adds "$1-$i-" 1 >"$work/$name.ldif"
		watches=()
		for host in "${hosts[@]}"; do watches+=(-w "$(socket_of "$host")" "$all" "(uid=$1-$i-1)"); done
		result=$("$timed" -m "$init" -i "$work/$name.ldif" "${watches[@]}" -- /usr/bin/ldapadd -Q -Y EXTERNAL \
			-H ldapi://%2Frun%2Fmailrepl%2Fldapi 2>>"$log") || die "an add failed, see $log"
		read -r _ _ _ result _ <<<"$result"
		sample "$1" "$result"
	done
	settle
	weigh >"$work/$name.after-singly"
}

# per_add FIELD COUNT [-singly]
per_add() {
	total "$work/$name.before${3:-}" "$work/$name.after${3:-}" "$1" | awk -v count="$2" '{ printf "%.3f", $1 / count }'
}
