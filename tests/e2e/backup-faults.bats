#!/usr/bin/env bats
# cl-backup and cl-backup -r are killed, or find the disk full or broken, at their system calls that write, and so are the programs
# that they run: no archive that is wrong, none that is lost, no state between two; run again, all is as if nothing had happened.
#
# The tools are built without sanitizers here, as in tests/e2e/kill.bats. E2E_KILLS is at how many calls each kind of fault is tried in
# each test, or "all"; a restore of a whole host takes its time, and gets a third of them.

load e2e

kills=${E2E_KILLS:-2}
[ "$kills" != all ] || kills=1000000

setup_file() {
	local host
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_up mail1.lan mail2.lan alone.lan
	for host in mail1.lan mail2.lan alone.lan; do
		on "$host" sh -c 'mkdir -p /root/etc && cp -a /etc/postfix /etc/dovecot /root/etc/ && cat >/root/faults' \
			< <(cat "$BATS_TEST_DIRNAME/places.bash" "$BATS_TEST_DIRNAME/faults.bash")
	done
	set_up_home
	on mail1.lan cl-replication -r mail1.lan,mail2.lan mail
	on mail1.lan cl-replication -r mail1.lan,mail2.lan unix
	bring_archives mail2.lan
	on mail2.lan cl-rebuild --repl
	add_user mail1.lan anna
	add_user mail1.lan bert
	add_user mail2.lan dora
	on alone.lan cl-setup mail alone.org
	on alone.lan cl-setup unix
	on alone.lan cl-useradd -q -e anna@alone.org anna mail
}

teardown_file() {
	e2e_down
}

# disturb HOST SCENARIO COUNT
disturb() {
	run -0 on "$1" bash /root/faults "$2" "$3"
	echo "# ${lines[-1]}" >&3
	[[ $output != *BAD* && ${lines[-1]} == "$2: "*" faults tried: "* ]] || fail "$output"
	[[ ${lines[-1]} != *"killed 0, failed 0"* ]]
}

third() {
	echo $(((kills + 2) / 3))
}

@test "cl-backup --keep: all that is in the folder is whole, and an old archive goes only when the new one is there" {
	disturb mail1.lan backup "$kills"
}

@test "sealed archives: the same, and nothing is left in the clear" {
	disturb mail1.lan sealed "$kills"
}

@test "the first archives of a domain, and its backup key" {
	disturb mail1.lan first "$kills"
}

@test "a roll back is completed by the same command, and --undo returns to the state before" {
	disturb mail1.lan changes "$kills"
}

@test "bare metal: the databases are those of the archive" {
	disturb alone.lan bare "$(third)"
}

@test "rejoin: the databases are those of the peers' copies" {
	disturb mail2.lan rejoin "$(third)"
}
