#!/usr/bin/env bats
# Commands that change what is in force are disturbed at their steps: killed, or the disk is full or broken, or a checker is killed. Both
# services serve all the time, what lies there is the one configuration or the other, and run again they end as they should.
#
# Without sanitizers, as tests/e2e/kill.bats. This is a sample; tests/soak/kills tries every step. E2E_KILLS times as many are tried.

load e2e

kills=${E2E_KILLS:-1}

setup_file() {
	E2E_LAYER=${E2E_PLAIN_LAYER:-$E2E_LAYER} e2e_up mail1.lan
	lab copy "$BATS_TEST_DIRNAME/steps" mail1.lan:/root/
	set_up_home
	add_user mail1.lan anna
	await_gates mail1.lan
	on mail1.lan /usr/lib/mailrepl/mailrepl-watch stop
}

teardown_file() {
	e2e_down
}

# disturb SCENARIO COUNT, of those in steps/steps.bash
disturb() {
	run -0 on mail1.lan bash /root/steps/steps.bash "$1" $(($2 * kills))
	echo "# ${lines[-1]}" >&3
	[[ $output != *BAD* && ${lines[-1]} == "$1: calls: "*" tried: "* ]] || fail "$output"
	[[ ${lines[-1]} != *"killed 0, failed 0"* ]]
}

@test "cl-rebuild: old or new, and always in service" {
	disturb render 6
}

@test "cl-rebuild that was cut off is taken back by --undo" {
	disturb back 2
}

@test "cl-rebuild --undo that was cut off goes on when it is called again" {
	disturb undo 4
}

@test "cl-rebuild --undo that was cut off and given up can be called later" {
	disturb undone 2
}

@test "a mode that was being set is set by the same command" {
	disturb mode 3
}

is_gone() {
	! on mail1.lan test -e "$1"
}

@test "mailrepl-watch completes what was cut off at Dovecot" {
	on mail1.lan sh -c 'echo reload >/var/lib/mailrepl/.due-dovecot'
	on mail1.lan /usr/lib/mailrepl/mailrepl-watch start
	eventually 60 is_gone /var/lib/mailrepl/.due-dovecot
}
