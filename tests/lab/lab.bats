#!/usr/bin/env bats
# The verbs of tests/lab/lab. Each test has labs of its own name, so that tests may run side by side.

setup_file() {
	bats_require_minimum_version 1.5.0
	export LAB=bats-$$
	lab_command up --owner $$ one.lan two.lan
}

teardown_file() {
	lab_command down
	lab_command --lab "$LAB-b" down
}

lab_command() {
	"$BATS_TEST_DIRNAME/lab" "$@"
}

# eventually SECONDS COMMAND…
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

answers() {
	lab_command exec "$1" -- ping -q -c 1 -W 1 "$2" >/dev/null
}

does_not_answer() {
	! answers "$@"
}

processes_of() {
	pgrep -f "mailrepl-lab.$1( |\$)"
}

nothing_left_of() {
	! processes_of "$1" && [ ! -e "/tmp/mailrepl-lab.$1" ]
}

@test "a host knows its own name and address" {
	run -0 lab_command exec one.lan -- hostname -f
	[ "$output" = one.lan ]
	run -0 lab_command exec one.lan -- hostname -s
	[ "$output" = one ]
	run -0 lab_command exec one.lan -- cat /etc/mailname
	[ "$output" = one.lan ]
}

@test "hosts reach each other by long and short name" {
	answers one.lan two.lan
	answers two.lan one
}

@test "exec passes on the command's status" {
	run -42 lab_command exec one.lan -- sh -c 'exit 42'
	run -0 lab_command exec one.lan -- true
}

@test "exec passes arguments on as they are" {
	# shellcheck disable=SC2016 # not to expand is the point
	run -0 lab_command exec one.lan -- printf '<%s>' 'a b' '' '$HOME' '"'
	# shellcheck disable=SC2016
	[ "$output" = '<a b><><$HOME><">' ]
}

@test "exec passes stdin, stdout and stderr through" {
	[ "$(printf 'x\0y' | lab_command exec one.lan -- cat | od -An -c | tr -d ' ')" = 'x\0y' ]
	[ "$(lab_command exec one.lan -- sh -c 'echo out; echo err >&2' 2>/dev/null)" = out ]
}

@test "a command ends with the exec that runs it" {
	"$BATS_TEST_DIRNAME/lab" exec one.lan -- sleep 98765 &
	local pid=$!
	eventually 5 lab_command exec one.lan -- pgrep -f 'sleep 98765'
	kill -KILL "$pid"
	wait "$pid" || true
	no_sleeper() {
		! lab_command exec one.lan -- pgrep -f 'sleep 98765'
	}
	eventually 5 no_sleeper
}

@test "a host sees its own processes only" {
	run -0 lab_command exec one.lan -- cat /proc/1/comm
	[ "$output" = busybox ]
	run ! lab_command exec one.lan -- test -d "/proc/$$/fd"
}

@test "a host does not see what lies on the machine outside of its system" {
	run ! lab_command exec one.lan -- test -e "$BATS_TEST_DIRNAME/lab"
	run -0 lab_command exec one.lan -- sh -c 'ls -A /root /home /opt /srv /tmp | grep -v :'
	[ "$(tr -d '\n' <<<"$output")" = "" ]
}

@test "a host cannot change the machine's kernel settings" {
	run ! lab_command exec one.lan -- sh -c 'echo 1 >/proc/sys/kernel/panic_on_oops'
}

@test "hosts have disks of their own" {
	lab_command exec one.lan -- touch /etc/only-one
	run ! lab_command exec two.lan -- test -e /etc/only-one
	[ ! -e /etc/only-one ]
}

@test "the configuration of Postfix and Dovecot is the packages'" {
	run -0 lab_command exec one.lan -- cmp /etc/postfix/master.cf /usr/share/postfix/master.cf.dist
	run -0 lab_command exec one.lan -- cmp /etc/dovecot/dovecot.conf /usr/share/dovecot/dovecot.conf
	run ! lab_command exec one.lan -- grep "^myhostname" /etc/postfix/main.cf
	run -0 lab_command exec one.lan -- postconf -h myhostname
	[ "$output" = one.lan ]
}

@test "syslog and the mail log are /var/log/syslog" {
	lab_command exec one.lan -- logger -p mail.info hello-from-the-test
	eventually 5 lab_command exec one.lan -- grep -q hello-from-the-test /var/log/syslog
	lab_command exec one.lan -- grep -q hello-from-the-test /var/log/mail.log
}

@test "PID 1 reaps orphans" {
	lab_command exec one.lan -- sh -c '(sh -c "exec sleep 0.1" &) ; exit 0'
	no_zombies() {
		[ -z "$(lab_command exec one.lan -- sh -c 'pgrep -x sleep; ps -eo stat= | grep Z')" ]
	}
	eventually 5 no_zombies
}

@test "a directory of the system can be renamed, as on a disk" {
	lab_command exec two.lan -- perl -e 'rename("/etc/skel", "/etc/skel2") or die $!; rename("/etc/skel2", "/etc/skel") or die $!'
}

@test "copy takes a file from host to host, mode and all" {
	lab_command exec one.lan -- sh -c 'echo secret >/root/key && chmod 0640 /root/key'
	lab_command copy one.lan:/root/key two.lan:/root/other
	run -0 lab_command exec two.lan -- sh -c 'cat /root/other; stat -c "%a %U" /root/other'
	[ "$output" = $'secret\n640 root' ]
}

@test "copy takes a file into a directory, and from and to the machine" {
	echo mine >"$BATS_TEST_TMPDIR/file name"
	lab_command copy "$BATS_TEST_TMPDIR/file name" one.lan:/srv
	lab_command copy "one.lan:/srv/file name" "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/file name" "$BATS_TEST_TMPDIR/back"
}

@test "copy takes a directory" {
	mkdir -p "$BATS_TEST_TMPDIR/tree/sub"
	echo leaf >"$BATS_TEST_TMPDIR/tree/sub/leaf"
	lab_command copy "$BATS_TEST_TMPDIR/tree" one.lan:/srv/planted
	run -0 lab_command exec one.lan -- cat /srv/planted/sub/leaf
	[ "$output" = leaf ]
}

@test "copy of what does not exist fails and leaves nothing" {
	run -125 --separate-stderr lab_command copy one.lan:/nonexistent two.lan:/srv/x
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"one.lan:/nonexistent"* ]]
	run ! lab_command exec two.lan -- test -e /srv/x
	run -125 lab_command copy one.lan:/etc/hostname two.lan:/nowhere/x
}

@test "a host that is cut is not reached until it is healed" {
	lab_command cut two.lan
	does_not_answer one.lan two.lan
	does_not_answer two.lan one.lan
	run -0 lab_command status
	[[ $output =~ two.lan.*on.*cut ]]
	lab_command heal two.lan
	eventually 5 answers one.lan two.lan
}

@test "a cut cable stays cut over a power failure" {
	lab_command cut two.lan
	lab_command kill two.lan
	lab_command start two.lan
	does_not_answer one.lan two.lan
	lab_command heal two.lan
	eventually 5 answers one.lan two.lan
}

@test "a killed host is off, and comes back with its disk and without its memory" {
	lab_command exec two.lan -- sh -c 'echo kept >/var/lib/kept; echo lost >/run/lost; echo lost >/tmp/lost'
	lab_command kill two.lan
	run -0 lab_command status
	[[ $output =~ two.lan.*off ]]
	does_not_answer one.lan two.lan
	run -125 lab_command exec two.lan -- true
	[[ $output == *"lab --lab $LAB start two.lan"* ]]
	lab_command start two.lan
	run -0 lab_command exec two.lan -- cat /var/lib/kept
	[ "$output" = kept ]
	run ! lab_command exec two.lan -- ls /run/lost /tmp/lost
	answers one.lan two.lan
}

@test "power fails and comes back five times in a row" {
	for _ in 1 2 3 4 5; do
		lab_command kill two.lan
		lab_command start two.lan
		answers one.lan two.lan
	done
}

@test "a killed host takes every process with it" {
	lab_command exec two.lan -- setsid -f sleep 87654 </dev/null >/dev/null 2>&1
	pgrep -f 'sleep 87654'
	lab_command kill two.lan
	run ! pgrep -f 'sleep 87654'
	lab_command start two.lan
}

@test "start runs /etc/rc.lab, and reports its failure" {
	lab_command exec two.lan -- sh -c 'cp /etc/rc.lab /etc/rc.was; printf "#!/bin/sh\necho boot >>/var/lib/boots\nexit 3\n" >/etc/rc.lab'
	lab_command kill two.lan
	run -0 lab_command start two.lan
	[[ $output == *"two.lan: /etc/rc.lab ended with status 3"* ]]
	run -0 lab_command exec two.lan -- cat /var/lib/boots
	[ "$output" = boot ]
	lab_command exec two.lan -- mv /etc/rc.was /etc/rc.lab
}

@test "a host that runs is not started twice" {
	run -125 lab_command start one.lan
	[[ $output == *"switched on already"* ]]
}

@test "layers appear over the system, their files in /lib too, and modes are the system's" {
	local layer=$BATS_TEST_TMPDIR/layer
	mkdir -p "$layer/usr/bin" "$layer/lib/extra" "$layer/usr/share/mailrepl"
	printf '#!/bin/sh\necho ours\n' >"$layer/usr/bin/our-tool"
	chmod 0755 "$layer/usr/bin/our-tool"
	echo x >"$layer/lib/extra/file"
	chmod 0700 "$layer" "$layer/usr"
	lab_command --lab "$LAB-b" up --owner $$ --layer "$layer" three.lan
	run -0 lab_command --lab "$LAB-b" exec three.lan -- our-tool
	[ "$output" = ours ]
	run -0 lab_command --lab "$LAB-b" exec three.lan -- stat -c %a / /usr
	[ "$output" = $'755\n755' ]
	lab_command --lab "$LAB-b" exec three.lan -- cat /usr/lib/extra/file
	lab_command --lab "$LAB-b" exec three.lan -- test -L /lib
	lab_command --lab "$LAB-b" down
}

@test "two labs with the same hosts run side by side and apart" {
	lab_command --lab "$LAB-b" up --owner $$ one.lan two.lan
	lab_command --lab "$LAB-b" exec one.lan -- touch /srv/in-b
	run ! lab_command exec one.lan -- test -e /srv/in-b
	LAB=$LAB-b answers one.lan two.lan
	lab_command --lab "$LAB-b" cut two.lan
	answers one.lan two.lan
	lab_command --lab "$LAB-b" down
	answers one.lan two.lan
}

@test "a lab that is up is not brought up again" {
	run -125 lab_command up four.lan
	[[ $output == *"up already"* ]]
	answers one.lan two.lan
}

@test "down leaves nothing and may be repeated" {
	lab_command --lab "$LAB-b" up --owner $$ three.lan
	lab_command --lab "$LAB-b" down
	nothing_left_of "$LAB-b"
	lab_command --lab "$LAB-b" down
}

@test "a lab dies with its owner" {
	sleep 1000 &
	local owner=$!
	lab_command --lab "$LAB-b" up --owner "$owner" three.lan
	kill -KILL "$owner"
	eventually 10 nothing_left_of "$LAB-b"
}

@test "up, killed at any moment, leaves nothing after a sweep" {
	local after pid
	for after in 0.02 0.05 0.1 0.15 0.2 0.3 0.4; do
		"$BATS_TEST_DIRNAME/lab" --lab "$LAB-b" up three.lan four.lan five.lan &
		pid=$!
		sleep "$after"
		kill -KILL "$pid" 2>/dev/null || lab_command --lab "$LAB-b" down
		wait "$pid" || true
		eventually 10 swept_clean "$LAB-b"
	done
}

swept_clean() {
	lab_command sweep && nothing_left_of "$1" && ! compgen -G "/tmp/mailrepl-lab.$1.new.*"
}

@test "up, interrupted, takes the lab down" {
	local pid
	for signal in TERM HUP; do
		"$BATS_TEST_DIRNAME/lab" --lab "$LAB-b" up three.lan four.lan &
		pid=$!
		eventually 5 test -e "/tmp/mailrepl-lab.$LAB-b/keeper"
		kill -s "$signal" "$pid"
		wait "$pid" && lab_command --lab "$LAB-b" down
		nothing_left_of "$LAB-b"
	done
}

@test "a killed keeper takes its hosts along, and the next sweep its directory" {
	lab_command --lab "$LAB-b" up --owner $$ three.lan
	local keeper
	read -r keeper _ <"/tmp/mailrepl-lab.$LAB-b/keeper"
	kill -KILL "$keeper"
	eventually 10 swept_clean "$LAB-b"
}

@test "a part of the system that is a mount of its own is there, with its masks and the host's writes" {
	# shellcheck disable=SC2016 # for that shell to expand
	unshare -m sh -euc '
		mount -t tmpfs local /usr/local
		echo marker >/usr/local/marker
		lab=$1 LAB=$LAB-b
		export LAB
		"$lab" up --owner "$$" three.lan
		trap "\"$lab\" down" EXIT
		"$lab" exec three.lan -- grep -q marker /usr/local/marker
		"$lab" exec three.lan -- sh -c "echo mine >/usr/local/mine"
		"$lab" kill three.lan
		"$lab" start three.lan
		"$lab" exec three.lan -- grep -q mine /usr/local/mine
		test ! -e /usr/local/mine
	' sh "$BATS_TEST_DIRNAME/lab"
}

@test "a lab runs inside a host of a lab, where the disk is an overlay already" {
	lab_command copy "$BATS_TEST_DIRNAME" one.lan:/srv/lab
	lab_command exec one.lan -- env LAB_DIR=/srv /srv/lab/lab --lab inner up in.lan
	run -0 lab_command exec one.lan -- env LAB_DIR=/srv /srv/lab/lab --lab inner exec in.lan -- hostname -f
	[ "$output" = in.lan ]
	lab_command exec one.lan -- env LAB_DIR=/srv /srv/lab/lab --lab inner down
}

@test "a lab keeps none of its starter's descriptors open" {
	# The substitution ends when nobody holds descriptor 9 any more.
	# shellcheck disable=SC2016 # for that shell to expand
	run -0 timeout 30 bash -c 'said=$("$1" --lab "$2" up --owner "$3" three.lan 9>&1)' \
		bash "$BATS_TEST_DIRNAME/lab" "$LAB-b" $$
	lab_command --lab "$LAB-b" down
}

@test "a sweep leaves living labs alone" {
	lab_command sweep
	answers one.lan two.lan
}

@test "LAB_DIR says where labs are kept" {
	LAB_DIR=$BATS_TEST_TMPDIR lab_command --lab "$LAB-b" up --owner $$ three.lan
	[ -d "$BATS_TEST_TMPDIR/mailrepl-lab.$LAB-b/disks/three.lan" ]
	LAB_DIR=$BATS_TEST_TMPDIR lab_command --lab "$LAB-b" down
	[ ! -e "$BATS_TEST_TMPDIR/mailrepl-lab.$LAB-b" ]
}

@test "wrong usage ends with 64 and says what is wrong" {
	while IFS='|' read -r arguments message; do
		# shellcheck disable=SC2086 # words
		run -64 lab_command $arguments
		[[ $output == *"$message"* ]] || {
			echo "lab $arguments: got \"$output\", want \"$message\""
			return 1
		}
	done <<-'TABLE'
		|what to do
		fly|unknown verb fly
		--lab ../x status|no name for a lab
		up|which hosts
		up mail1|"mail1" is no host name
		up Mail1.lan|"Mail1.lan" is no host name
		up a.lan a.lan|named twice
		up --owner 999999999 a.lan|no such process
		up --layer /nonexistent a.lan|no such directory
		up --fly x a.lan|unknown option --fly
		exec one.lan true|lab exec HOST -- COMMAND
		exec one.lan --|lab exec HOST -- COMMAND
		kill|which host
	TABLE
}

@test "a host or lab that does not exist is named" {
	run -125 lab_command exec nine.lan -- true
	[[ $output == *"nine.lan: no such host"* ]]
	run -125 lab_command --lab "$LAB-none" status
	[[ $output == *"\"$LAB-none\" is not up"* ]]
}
