#!/usr/bin/env bash
# steps SCENARIO COUNT [PART PARTS]: a command that changes what is in force is disturbed at COUNT of its steps (a large COUNT: at
# every step; of PARTS runs beside each other in as many hosts this one tries PART), and what follows it is looked at. Each line of
# output that begins with BAD is something that was wrong, the last one is how much was tried. steps.awk says what a step is: killed before
# each of them, a command has been killed at any moment that differs from another.
#
# A scenario goes from one configuration ("original") to another ("changed"), or at the next try back: to_NAME WANTED sets `command`.
set -u

here=$(dirname "$(readlink -f "$0")")
own=/etc/mailrepl/own
overrides=/etc/mailrepl/templates
scenario=$1 count=$2 part=${3:-0} parts=${4:-1}
work=/root/steps.$scenario

bad() {
	echo "BAD $scenario, to $wanted, $kind at $name $nth $path (status $status): $*"
}

# quietly COMMAND…: what must succeed, or the test makes no sense.
quietly() {
	"$@" >"$work/quietly" 2>&1 </dev/null || {
		echo "BAD $scenario: $*: $(tail -n 3 "$work/quietly")"
		exit 1
	}
}

# shellcheck source=observe.bash
. "$here/observe.bash"

# --- scenarios

other() {
	if [ "$1" = original ]; then echo changed; else echo original; fi
}

# want STATE: what templates and own parameters say.
want() {
	rm -rf $own $overrides
	[ "$1" = changed ] || return 0
	mkdir -p $own/postfix $own/dovecot $overrides/postfix $overrides/dovecot
	echo 'message_size_limit = 1234567' >$own/postfix/main.cf
	echo 'login_greeting = changed' >$own/dovecot/dovecot.conf
	local name
	for name in postfix/roles postfix/routes.cf postfix/master.cf dovecot/owned.conf.ext; do
		{ cat /usr/share/mailrepl/templates/$name && echo '# changed'; } >$overrides/$name
	done
}

# render: cl-rebuild, and again.
to_render() {
	want "$1"
	command=(cl-rebuild)
}
after_render() {
	# Nothing but a folder that the next try has to remove: that goes on where this one ended.
	[ "$what:$status" = staging:0 ] || [ "$what" != staging ] || { stay=yes && return; }
	run_again again cl-rebuild
	is_there "$wanted" again
	nothing_left
	nothing_to_do cl-rebuild
}

# back: cl-rebuild, then --undo: in force is what was there before. Then everything can go on.
to_back() { to_render "$1"; }
after_back() {
	local before
	before=$(other "$wanted")
	# Nothing was changed yet, and the change before that is undone.
	if [ ! -e /var/lib/mailrepl/before/postfix.pending ] && cmp -s "$work/postfix.$before" "$work/postfix.now" && cmp -s "$work/dovecot.$before" "$work/dovecot.now"; then
		before=$wanted
	fi
	run_again --undo cl-rebuild --undo
	is_whole "$before" --undo
	nothing_left
	run_again "cl-rebuild after --undo" cl-rebuild
	is_there "$wanted" "cl-rebuild after --undo"
	nothing_left
	nothing_to_do cl-rebuild
}

# Of each service: its change may not have begun, and then the one before that is undone.
is_whole() {
	local one
	keep_state now
	for one in postfix dovecot; do
		cmp -s "$work/$one.$1" "$work/$one.now" || { [ $one = dovecot ] && cmp -s "$work/$one.$(other "$1")" "$work/$one.now"; } ||
			bad "$2: $one: $(diff "$work/$one.$1" "$work/$one.now" | head -n 6)"
	done
	serves postfix "|$1|"
	if cmp -s "$work/dovecot.original" "$work/dovecot.now"; then serves dovecot '|original|'; else serves dovecot '|changed|'; fi
}

# undo: cl-rebuild --undo, and again. What it has put back is the other configuration: the next try undoes that.
to_undo() { command=(cl-rebuild --undo); }
after_undo() {
	# It had come to its end: again, it would be undone.
	if [ "$status" != 0 ] && ! { cmp -s "$work/postfix.$wanted" "$work/postfix.now" && [ -z "$(ls -d /var/lib/mailrepl/before/{undoing,*.redo} 2>/dev/null)" ]; }; then
		run_again again cl-rebuild --undo
	fi
	is_there "$wanted" again
	nothing_left
}

# undone: cl-rebuild --undo, then the templates are followed again, as mailrepl-watch does it, and then --undo, whole.
to_undone() {
	want "$(other "$1")"
	run_again "cl-rebuild before" cl-rebuild
	command=(cl-rebuild --undo)
}
after_undone() {
	run_again cl-rebuild cl-rebuild
	is_there "$(other "$wanted")" cl-rebuild
	run_again --undo cl-rebuild --undo
	is_there "$wanted" --undo
	nothing_left
}

# What administrators say: the same command again.
after_settings() {
	run_again again "${command[@]}"
	is_there "$wanted" again
	said >"$work/said.now"
	cmp -s "$work/said.$wanted" "$work/said.now" || bad "again: $(diff "$work/said.$wanted" "$work/said.now" | head -c 600)"
	nothing_left
	nothing_to_do cl-rebuild
}

to_mode() {
	case $1 in
	changed) command=(cl-setup --mode smarthost --smarthost '[gateway.lan]:25' mail) ;;
	original) command=(cl-setup --mode internet mail) ;;
	esac
}
to_hostmode() {
	case $1 in
	changed) command=(cl-replication --mode 'mail1.lan=smarthost,relay.lan=satellite') ;;
	original) command=(cl-replication --mode 'mail1.lan=internet,relay.lan=internet') ;;
	esac
}
to_scheme() {
	case $1 in
	changed) command=(cl-setup --scheme server-mx --mx mail1.lan) ;;
	original) command=(cl-setup --scheme intranet) ;;
	esac
}
to_delimiter() {
	case $1 in
	changed) command=(cl-setup --delimiter '=' mail maildomain.org) ;;
	original) command=(cl-setup --delimiter '+' mail maildomain.org) ;;
	esac
}
to_primary() {
	case $1 in
	changed) command=(cl-setup --primary mx.outside.example mail kept.example) ;;
	original) command=(cl-setup --remove-domain kept.example) ;;
	esac
}
to_secret() {
	echo "one-$1" >/root/password
	chmod 600 /root/password
	command=(cl-setup --smarthost-password --password-file /root/password)
}

# --- tries

# points TRACE: "kind name nth what path", what a full or a broken disk lets fail, and what a kill interrupts; in the folder for
# checking, which only "render" looks at, each call once for each file. What administrators say has "render" in it.
points() {
	awk -f "$here/steps.awk" "$1" | awk -v only="$only" -v settings="$settings" -v few=$((count < 50)) '
		$3 == "out" && only || $3 == "staging" && (only || few) { next }
		settings && $4 ~ "^(/var/lib/mailrepl/(before|writing|written|.due)|/etc/(postfix|dovecot)/)" { next }
		$3 == "out" || $3 == "staging" { if (($1, $4) in seen) next; seen[$1, $4] }
		{ print "KILL", $0 }
		only == "KILL" || $3 == "out" || $3 == "directory" { next }
		{ print ($1 ~ /^(f?chmod|f?chown|unlink|rmdir|utimens|fsync)/ ? "EIO" : "ENOSPC"), $0 }
		END { if (!only) for (i = split("postconf postmap doveconf doveadm postfix", name, " "); i > 0; i--) print "KILL write 1 program", name[i] }' |
		# What services read comes first, if there is no time for all, and the kills of that.
		awk '{ print ($1 != "KILL") " " ($4 != "directory" && $4 != "live") " " $0 }' | sort -s -k 2,2 -k 1,1 | cut -d " " -f 3-
}

# sampled: of those after the first STEPS_FROM.
sampled() {
	tail -n "+$((${STEPS_FROM:-0} + 1))" | awk -v count="$count" -v part="$part" -v parts="$parts" '{ row[NR] = $0 }
		END { step = NR / count; if (step < 1) step = 1
			for (i = 1 + step / 2 - 0.5; i <= NR; i += step) if (n++ % parts == part) print row[int(i)] }'
}

# wrap: the program dies, which the command runs, in each of its threads.
wrap() {
	rm -rf /root/bin
	mkdir /root/bin
	cat >"/root/bin/$path" <<-END
		#!/bin/sh
		exec strace -f -qq -o /dev/null -e trace=$name -e inject=$name:signal=KILL:when=$nth $(command -v "$path") "\$@"
	END
	chmod 755 "/root/bin/$path"
}

disturb() {
	local fault=error=$kind last
	[ "$kind" != KILL ] || fault=signal=KILL
	if [ "$what" = program ]; then
		wrap
		PATH=/root/bin:$PATH timeout -k 5 120 "${command[@]}" >"$work/out" 2>"$work/err" </dev/null
	else
		timeout -k 5 120 strace -y -qq -o "$work/last" -e trace="$name" -e inject="$name:$fault:when=$nth" "${command[@]}" >"$work/out" 2>"$work/err" </dev/null
	fi
	status=$?
	echo "$kind $name $nth $path: $status: $(tail -n 1 "$work/err")" >>"$work/log"
	case $kind:$status in
	KILL:137 | *:0) ;;
	*:69 | *:71 | *:74 | *:75)
		grep -qE "No space left on device|Input/output error|connection is lost|$path" "$work/err" || bad "it does not say why: $(cat "$work/err")"
		;;
	*) bad "$(tail -n 2 "$work/err")" ;;
	esac
	# A step is found by counting; a run that asks once more counts otherwise.
	last=$(grep -E 'INJECTED|= \?' "$work/last" | tail -n 1 | sed 's/mailrepl-......\([">]\)/mailrepl-X\1/g')
	[[ $what != staging && $what != live ]] || [[ $last == *"${path##*/}"* ]] || elsewhere=$((elsewhere + 1))
}

# follow WANTED: the command, undisturbed; the trace goes to a file.
follow() {
	wanted=$1
	"to_$scenario" "$wanted"
	quietly strace -yy -qq -o "$work/trace.$wanted" "${command[@]}"
	keep_state "$wanted"
	said >"$work/said.$wanted"
}

prepare() {
	known=anna@$(cl-replication -l --json | jq -r '.domains[0]')
	/usr/lib/mailrepl/mailrepl-watch stop
	settings='' only=''
	case $scenario in
	render) ;;
	back | undo | undone) only=KILL ;;
	*) settings=yes only=KILL ;;
	esac
	# As it was set up.
	if [ -n "$settings" ]; then
		want original
		quietly cl-rebuild
		quietly cl-setup --mode internet mail
		/usr/lib/mailrepl/mailrepl-watch stop
	fi
	case $scenario in
	hostmode)
		quietly cl-setup --scheme server-mx --mx mail1.lan
		quietly cl-setup --smarthost '[gateway.lan]:25' mail
		;;
	secret)
		quietly cl-setup --scheme server-mx --mx mail1.lan
		quietly cl-setup --smarthost '[gateway.lan]:25' --smarthost-user someone mail
		to_secret original
		quietly "${command[@]}"
		quietly cl-rebuild
		;;
	mode | primary | scheme) quietly cl-setup --scheme server-mx --mx mail1.lan ;;
	undo | undone)
		want original
		quietly cl-rebuild
		want changed
		quietly cl-rebuild
		;;
	esac
	[ "$scenario" != hostmode ] || quietly cl-replication -r mail1.lan,relay.lan mail
	follow original
	follow changed
	if [ -n "$settings" ]; then
		# Now with a way to go.
		follow original
		follow changed
	else
		# Both ways are the same steps, and the first may have had nothing to do.
		cp "$work/trace.changed" "$work/trace.original"
	fi
	# Each step once: half of them there, half of them back.
	points "$work/trace.original" | sampled | awk 'NR % 2' >"$work/points.original"
	points "$work/trace.changed" | sampled | awk 'NR % 2 == 0' >"$work/points.changed"
}

next_point() {
	if [ "$wanted" = original ]; then read -r kind name nth what path <&3; else read -r kind name nth what path <&4; fi
}

# go WANTED: undisturbed.
go() {
	"to_$scenario" "$1"
	quietly "${command[@]}"
}

try() {
	"to_$scenario" "$wanted"
	disturb
	# Who sets something up starts it, and it would complete what was cut off.
	[ -z "$settings" ] || /usr/lib/mailrepl/mailrepl-watch stop
	tried[$kind]=$((${tried[$kind]:-0} + 1))
	case $status in
	137) killed=$((killed + 1)) ;;
	0) nothing=$((nothing + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
	all_serve "|original|changed|original and changed|changed and original|"
	check_files
	if [ -n "$settings" ]; then after_settings; else "after_$scenario"; fi
}

main() {
	local killed=0 failed=0 nothing=0 elsewhere=0 total
	declare -A tried=()
	kind=- name=- nth=- what=- path=- status=- wanted=-
	rm -rf "$work"
	mkdir -p "$work"
	prepare
	total=$(awk -f "$here/steps.awk" "$work/trace.changed" | awk '{ n[$3]++ } END { for (k in n) printf "%s%d %s", s++ ? ", " : "", n[k], k }')
	exec 3<"$work/points.original" 4<"$work/points.changed"
	wanted=original
	while next_point || { go "$wanted" && wanted=$(other "$wanted") && next_point; }; do
		stay=
		try
		[ -n "$stay" ] || wanted=$(other "$wanted")
	done
	echo "$scenario: calls: $total; tried:$(for kind in "${!tried[@]}"; do echo -n " $kind ${tried[$kind]}"; done): killed $killed, failed $failed, came through $nothing; at another call $elsewhere"
}

exec 2>>"/root/noise.$scenario"
main
