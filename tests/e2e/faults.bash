#!/usr/bin/env bash
# faults SCENARIO COUNT: the scenario's command is disturbed at COUNT of its system calls that write, for each kind of fault
# (a large COUNT: at all of them), and run again undisturbed. Each line of output is something that was wrong, the last one
# is how much was tried. tests/e2e/places.bash stands before this file.
#
# A scenario is three functions: prepare_NAME, what the command needs and what it is compared with; disturbed_NAME, what must hold
# however the command has ended; done_NAME, what must hold when it has been run again.
set -u

archives=/var/calculate/server-backup/ldap
slapd_d=/var/lib/mailrepl/slapd/slapd.d
scenario=$1
# shellcheck disable=SC2034 # places.bash takes it
count=$2
work=/root/faults.$scenario
keep=(cl-backup -q --keep last=2)
restore=(cl-backup -r --authoritative --yes)

bad() {
	echo "BAD $scenario, $kind at $name $nth${program:+ of $program} (status $status): $*"
}

# A program that the command runs: what reads the databases, what compresses, what fills the databases.
child_points() {
	case $scenario in
	backup | sealed | first) printf '%s\n' "KILL write 2 slapcat" "EIO write 2 slapcat" {KILL,ENOSPC,EIO}" write 1 lbzip2" ;;
	changes) printf '%s\n' "KILL write 2 slapcat" "KILL write 1 lbzip2" ;;
	*) slapadd_points ;;
	esac
}

# wrap FAULT: the program is disturbed, in each of its threads, and not the command.
wrap() {
	rm -rf /root/bin
	mkdir /root/bin
	cat >"/root/bin/$program" <<-END
		#!/bin/sh
		exec strace -f -qq -o /dev/null -e trace=$name -e inject=$name:$1:when=$nth /usr/sbin/$program "\$@"
	END
	[ -e "/usr/sbin/$program" ] || sed -i "s,/usr/sbin/,/usr/bin/," "/root/bin/$program"
	chmod 755 "/root/bin/$program"
}

disturbed() {
	local fault=error=$kind
	[ "$kind" != KILL ] || fault=signal=KILL
	if [ -n "$program" ]; then
		wrap "$fault"
		PATH=/root/bin:$PATH timeout -k 5 120 "${command[@]}" >"$work/out" 2>"$work/err" </dev/null
	else
		timeout -k 5 120 strace -qq -o /dev/null -e trace="$name" -e inject="$name:$fault:when=$nth" "${command[@]}" >"$work/out" 2>"$work/err" </dev/null
	fi
	status=$?
	echo "$kind $name $nth $program: $status: $(tail -n 1 "$work/err")" >>"$work/log"
	case $kind:$status:$program in
	KILL:137: | *:0:*) ;;
	*:69:* | *:71:* | *:74:* | *:75:*)
		grep -qE "No space left on device|Input/output error|connection is lost${program:+|$program}" "$work/err" || bad "it does not say why: $(cat "$work/err")"
		;;
	*) bad "$(tail -n 2 "$work/err")" ;;
	esac
}

# What came through is complete, and another rejoin of it would be none.
again() {
	local rc=0
	"${command[@]}" >"$work/out" 2>"$work/err" </dev/null || rc=$?
	[ $rc = 0 ] || { [ $rc = 77 ] && [ "$scenario" = rejoin ] && [ ! -e /var/lib/mailrepl/restoring ] && [ "$was_under_way" = no ]; } || {
		bad "run again: status $rc: $(tail -n 2 "$work/err")"
		return 1
	}
}

dump() {
	slapcat -F $slapd_d -o ldif-wrap=no -b "cn=$(hostname -f),ou=$1,ou=Owned,dc=mailrepl" 2>/dev/null
}

# owned: what this host owns, without what another run would make differently.
owned() {
	local base
	for base in Mail Unix; do
		dump $base | grep -Ev '^(entryUUID|entryCSN|contextCSN|createTimestamp|modifyTimestamp|creatorsName|modifiersName|structuralObjectClass|mailReplUidHighWater|mailReplGeneration):' |
			awk -v RS= '{ n = split($0, line, "\n"); for (i = 1; i <= n; i++) print NR "\t" line[i] }' |
			sort | awk -F '\t' '$1 != at { if (NR > 1) print ""; at = $1 } { printf "%s|", $2 } END { print "" }' | sort
	done
}

# files: names, kinds and modes of all that is there, contents of what an archive has; not what depends on when slapd, Postfix or
# Dovecot learned of something.
files() {
	find /etc/mailrepl /var/lib/mailrepl \( -path /var/lib/mailrepl/mail -o -path /var/lib/mailrepl/db -o -path "$slapd_d" -o -path /var/lib/mailrepl/original \
		-o -path /var/lib/mailrepl/before -o -path '/var/lib/mailrepl/.*due-*' \) -prune -o -printf '%p %y %m %u\n' | sort
	find /etc/mailrepl -type f -exec sha256sum {} + | sort
}

# sound: whatever is in the folder and looks like an archive is one.
sound() {
	local out
	out=$(cl-backup --verify --all 2>&1) || [ $? = 66 ] || bad "$1: $out"
	out=$(cl-backup --list 2>&1) || [ $? = 66 ] || bad "$1: $out"
}

no_difference() {
	local difference
	difference=$(diff "$1" "$2") || bad "$3: $(head -c 600 <<<"$difference")"
}

# --- the folder of archives: two runs are there, and with the next one the older of them goes

own_archives() {
	(cd $archives && ls)
}

fill_folder() {
	rm -rf $archives
	mkdir -m 0700 $archives
	cl-backup -q && cl-backup -q || exit
	cp -a $archives "$work/folder"
	ls "$work/folder" >"$work/names"
	newer=$(cut -d - -f 1 "$work/names" | sort -u | tail -n 1)
	hosts=$(grep -c "^$newer" "$work/names")
	dump Mail >"$work/dump"
}

reset_folder() {
	rm -rf $archives
	cp -a "$work/folder" $archives
}

# What is sealed is opened with this host's key.
members() {
	case $1 in
	*.age) age -d -i /etc/mailrepl/tls/backup.age "$1" ;;
	*) cat "$1" ;;
	esac | tar -xjO mail-owned.ldif
}

check_folder() {
	local file series gone
	sound "$1"
	for file in $(own_archives); do
		if [ -e "$work/folder/$file" ]; then
			cmp -s "$work/folder/$file" "$archives/$file" || bad "$1: $file has changed"
		else
			members "$archives/$file" | cmp -s - "$work/dump" || bad "$1: $file is not what is there"
		fi
	done
	# The newest that was there goes only if the command had come to its end before it was run again.
	for gone in $(comm -23 "$work/names" <(own_archives)); do
		series=${gone#*-}
		[ "$(find $archives -name "*Z-${series%.age}*" | wc -l)" -ge 2 ] || bad "$1: $gone is gone, and nothing is there for it"
	done
	[ "$kind" = KILL ] || [ "$status" = 0 ] || [ -z "$(find $archives -name '.*' -type f)" ] || bad "$1: left: $(ls -A $archives)"
}

done_folder() {
	check_folder "run again"
	[ -z "$(find $archives -name '.*' -type f)" ] || bad "left: $(ls -A $archives)"
	[ "$(own_archives | wc -l)" = $((2 * hosts)) ] || bad "not two of each: $(own_archives | xargs)"
	files >"$work/files.now"
	no_difference "$work/files" "$work/files.now" files
}

prepare_backup() {
	command=("${keep[@]}")
	fill_folder
	reset_backup
}
reset_backup() { reset_folder; }
disturbed_backup() { check_folder disturbed; }
done_backup() { done_folder; }

prepare_sealed() {
	command=("${keep[@]}" --encrypt-to "$(cl-backup --make-key)")
	fill_folder
	reset_folder
}
reset_sealed() { reset_folder; }
disturbed_sealed() { check_folder disturbed; }
done_sealed() { done_folder; }

# The first archive that is ever made: neither key nor folder is there.
prepare_first() {
	command=(cl-backup -q)
	fill_folder
	rm -rf "$work/folder"
	mkdir "$work/folder"
	: >"$work/names"
	reset_first
}
reset_first() { rm -rf $archives /etc/mailrepl/tls/backup.key /var/lib/mailrepl/archived; }
disturbed_first() { [ ! -d $archives ] || check_folder disturbed; }
done_first() {
	check_folder "run again"
	cl-backup --verify --all --json | jq -e '[.archives[].hmac] | length > 0 and all(. == "key")' >/dev/null || bad "$(cl-backup --verify --all)"
}

# --- roll back, and what was before is back with --undo

prepare_changes() {
	command=("${restore[@]}")
	mkdir -p /etc/mailrepl/templates
	rm -rf $archives /var/lib/mailrepl/restored /var/lib/mailrepl/restoring
	mkdir -m 0700 $archives
	cl-backup -q || exit
	cp -a $archives "$work/folder"
	owned >"$work/then"
	cp /etc/mailrepl/mailrepl.conf "$work/conf.then"
	cl-userdel -q --yes bert && cl-useradd -q -e "carl@$(cl-replication -l --json | jq -r '.domains[0]')" carl mail
	cl-usermod -q --full-name Other anna
	echo "# changed" >>/etc/mailrepl/mailrepl.conf
	cp /etc/mailrepl/mailrepl.conf "$work/conf.before"
	owned >"$work/before"
}
reset_changes() {
	reset_folder
	rm -f /var/lib/mailrepl/restored
	cmp -s "$work/conf.before" /etc/mailrepl/mailrepl.conf || cp "$work/conf.before" /etc/mailrepl/mailrepl.conf
}
disturbed_changes() {
	local file
	sound disturbed
	for file in "$work"/folder/*; do cmp -s "$file" "$archives/${file##*/}" || bad "${file##*/} has changed"; done
}
done_changes() {
	disturbed_changes
	owned >"$work/now"
	no_difference "$work/then" "$work/now" directory
	no_difference "$work/conf.then" /etc/mailrepl/mailrepl.conf mailrepl.conf
	files >"$work/files.now"
	no_difference "$work/files" "$work/files.now" files
	[ -z "$(find $archives -name '.*' -type f)" ] || bad "left: $(ls -A $archives)"
	[ "$(wc -l </var/lib/mailrepl/restored)" = 1 ] || bad "archives of the state before: $(cat /var/lib/mailrepl/restored)"
	cl-backup -q -r --undo --yes >"$work/out" 2>&1 || bad "undo: $(tail -n 2 "$work/out")"
	owned >"$work/now"
	no_difference "$work/before" "$work/now" "undo: directory"
	no_difference "$work/conf.before" /etc/mailrepl/mailrepl.conf "undo: mailrepl.conf"
}

# --- a machine that has nothing, and nobody answers

stop_all() {
	/usr/lib/mailrepl/mailrepl-watch stop
	/usr/lib/mailrepl/mailrepl-slapd stop
	postfix stop
	doveadm stop
} >/dev/null 2>&1

prepare_bare() {
	command=("${restore[@]}")
	rm -rf $archives /var/lib/mailrepl/restored
	mkdir -m 0700 $archives
	cl-backup -q || exit
	cp -a $archives "$work/folder"
	owned | sed 's/entryCSN.*//' >"$work/then"
	reset_bare
}
reset_bare() {
	stop_all
	mv /var/lib/mailrepl "/root/gone.$$"
	rm -rf "/root/gone.$$" /run/mailrepl /etc/mailrepl /etc/postfix /etc/dovecot
	cp -a /root/etc/postfix /root/etc/dovecot /etc/
	reset_folder
}
disturbed_bare() {
	local file
	for file in "$work"/folder/*; do cmp -s "$file" "$archives/${file##*/}" || bad "${file##*/} has changed"; done
}
done_bare() {
	disturbed_bare
	sound "run again"
	owned >"$work/now"
	no_difference "$work/then" "$work/now" directory
	files >"$work/files.now"
	no_difference "$work/files" "$work/files.now" files
	cl-rebuild >"$work/out" 2>&1 || bad "cl-rebuild: $(tail -n 1 "$work/out")"
	grep -q "nothing to do" "$work/out" || bad "cl-rebuild: $(tail -n 3 "$work/out")"
}

# --- the databases are gone, and others have them

prepare_rejoin() {
	command=(cl-backup -r --yes)
	rm -rf $archives /var/lib/mailrepl/restored
	mkdir -m 0700 $archives
	cl-backup -q || exit
	cp -a $archives "$work/folder"
	cl-usermod -q --full-name Later dora
	owned >"$work/then"
	reset_rejoin
}
reset_rejoin() {
	stop_all
	rm -rf /var/lib/mailrepl/db
	reset_folder
}
disturbed_rejoin() { disturbed_bare; }
done_rejoin() { done_bare; }

main() {
	local tried=0 total killed=0 failed=0 nothing=0
	kind=- name=- nth=- status=- program=
	rm -rf "$work"
	mkdir -p "$work"
	"prepare_$scenario"
	# Undisturbed: where it can be disturbed, and what it leaves.
	strace -qq -o "$work/trace" "${command[@]}" >"$work/out" 2>&1 </dev/null || {
		echo "BAD $scenario, undisturbed: $(tail -n 2 "$work/out")"
		exit
	}
	files >"$work/files"
	"done_$scenario"
	{ own_points "$work/trace" && child_points | sample 0.5; } >"$work/points"
	total=$(places "$work/trace" | wc -l)
	while read -r kind name nth program <&3; do
		# The third word is a descriptor, or a program.
		case $program in slapcat | slapadd | lbzip2) ;; *) program= ;; esac
		"reset_$scenario"
		disturbed
		case $status in
		137) killed=$((killed + 1)) ;;
		0) nothing=$((nothing + 1)) ;;
		*) failed=$((failed + 1)) ;;
		esac
		"disturbed_$scenario"
		was_under_way=no
		[ ! -e /var/lib/mailrepl/restoring ] || was_under_way=yes
		! again || "done_$scenario"
		tried=$((tried + 1))
	done 3<"$work/points"
	echo "$scenario: $total calls that write; $tried faults tried: killed $killed, failed $failed, came through $nothing"
}

exec 2>>"/root/noise.$scenario"
main
