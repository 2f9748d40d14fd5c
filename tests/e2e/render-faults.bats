#!/usr/bin/env bats
# cl-rebuild, which changes files of Postfix and of Dovecot, is killed, or finds the disk full or broken, at its system calls that
# write, and its checkers are killed: both services serve all the time, and run again it ends with the new configuration in force.
#
# Without sanitizers, as tests/e2e/kill.bats. E2E_KILLS is at how many calls each kind of fault is tried, or "all".

load e2e

kills=${E2E_KILLS:-3}
[ "$kills" != all ] || kills=1000000

setup_file() {
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_up mail1.lan
	on mail1.lan sh -c 'cat >/root/faults' < <(cat "$BATS_TEST_DIRNAME/places.bash" "$BATS_TEST_DIRNAME/faults.bash")
	set_up_home
	add_user mail1.lan anna
	await_gates mail1.lan
}

teardown_file() {
	e2e_down
}

@test "cl-rebuild: old or new, and always in service" {
	run -0 on mail1.lan bash /root/faults render "$kills"
	echo "# ${lines[-1]}" >&3
	[[ $output != *BAD* && ${lines[-1]} == "render: "*" faults tried: "* ]] || fail "$output"
	[[ ${lines[-1]} != *"killed 0, failed 0"* ]]
}
