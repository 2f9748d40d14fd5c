#!/usr/bin/env bats
# cl-backup -r in private instances, disturbed at a sample of its system calls that write, as tests/soak/restore does at all of them.
# E2E_KILLS is at how many calls each kind of fault is tried, or "all".

load cli

setup_file() {
	cli_programs
}

# disturb SCENARIO COUNT
disturb() {
	local count=${E2E_KILLS:-$2}
	[ "$count" != all ] || count=1000000
	run -0 "$BATS_TEST_DIRNAME/../soak/restore" --stage "${E2E_PLAIN_LAYER:-$E2E_LAYER}" --count "$count" "$1"
	echo "# ${lines[-1]}" >&3
	[[ ${lines[-1]} == "$1: "*" faults tried: "*"; wrong: 0" && ${lines[-1]} != *"killed 0, failed 0"* ]]
}

@test "from bare metal: each database is whole or not there, and run again all is as if nothing had happened" {
	disturb bare 2
}

@test "a roll back, a part of it, and the way back are completed by the same command" {
	disturb changes 2
	disturb only 1
	disturb undo 1
}
