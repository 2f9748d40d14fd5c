#!/usr/bin/env bash
# check.sh [PART…]: builds mailrepl and tests it. Parts: build unit plan golden lint cli lab e2e, and single files as in
# ./check.sh e2e/mail e2e/join. Without parts: all. (golden alone is what unit does with tests/golden, too.)
# The last line is "N passed, N failed"; the status is 0 if nothing failed. Everything is made below build-check/.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")" || exit 1

out=$PWD/build-check
passed=0 failed=0
twice=() # files that passed only when they ran again
again=2 # so many files may run again
jobs=${CHECK_JOBS:-2}

headline() {
	printf '\n=== %s (%d s)\n' "$*" "$SECONDS"
}

count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# one NAME COMMAND…: a test that is a command; its output is shown if it fails.
one() {
	local name=$1 log=$out/one.log
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		echo "ok $name"
		count 1 0
	else
		cat "$log"
		echo "not ok $name"
		count 0 1
	fi
}

# tap LOG: "GOOD BAD", what a TAP log says; a test that was planned and never ran has failed, and so has one that was
# skipped.
tap() {
	local planned good
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1" | head -n 1)
	good=$(grep '^ok ' "$1" | grep -ciEv '# *skip')
	[ "${planned:-0}" -gt 0 ] || planned=$((good + 1))
	echo "$good $((planned > good ? planned - good : 0))"
}

# --- parts

part_build() {
	headline "build: clang with address,undefined sanitizers; gcc"
	one "clang, warnings are errors, with sanitizers" env CC=clang tools/stage "$out/clang" "$out/stage-clang" \
		-Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false
	one "gcc, warnings are errors" env CC=gcc tools/stage "$out/gcc" "$out/stage-gcc" -Dwerror=true
}

# run_meson ARGUMENT…: a test that meson runs is a program with many of ours, which it lists in a JUnit file.
run_meson() {
	local junit=$out/clang/meson-logs/testlog.junit.xml all bad died=
	rm -f "$junit"
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C "$out/clang" --no-rebuild --print-errorlogs --num-processes "$jobs" "$@" </dev/null ||
		died=yes
	if ! [ -s "$junit" ]; then
		echo "not ok meson test $* has left no result"
		count 0 1
		return
	fi
	all=$(grep -o '<testcase ' "$junit" | wc -l)
	bad=$(grep -oE '<(failure|error|skipped)[ />]' "$junit" | wc -l)
	# A program that dies after its last test has no failed test, but it has failed.
	[ "$bad" -gt 0 ] || [ -z "$died" ] || bad=1
	count $((all > bad ? all - bad : 0)) "$bad"
}

part_unit() {
	headline "unit tests"
	run_meson --suite unit
}

part_plan() {
	headline "plan tests"
	run_meson --suite plan
}

part_golden() {
	headline "golden tests"
	run_meson render_golden
}

part_lint() {
	local script
	headline "lint"
	for script in tests/lint/*.sh; do
		one "$(basename "$script" .sh)" env STAGE="$out/stage-gcc" "$script"
	done
}

tap_log() {
	echo "$out/$(basename "$(dirname "$1")")-$(basename "$1" .bats).tap"
}

# run_bats FILE: leaves its TAP in its log. A file that hangs is ended, and with it its lab.
run_bats() {
	local begin=$SECONDS log
	log=$(tap_log "$1")
	rm -f "$log"
	E2E_LAYER=$out/stage-clang E2E_PLAIN_LAYER=$out/stage-gcc \
		timeout --kill-after=30 900 bats --tap "$1" >"$log" 2>&1 </dev/null
	echo "# $1: $((SECONDS - begin)) s" >>"$log"
}

# count_file FILE: a file with real servers that failed beside others runs once more, alone. Such a file is a defect to be
# looked into, too: both logs are shown, and it is named at the end.
count_file() {
	local good bad log
	log=$(tap_log "$1")
	cat "$log"
	read -r good bad < <(tap "$log")
	if [ "$bad" -gt 0 ] && [ "$again" -gt 0 ]; then
		again=$((again - 1))
		headline "$1 has failed, and runs again, alone"
		run_bats "$1"
		cat "$log"
		read -r good bad < <(tap "$log")
		[ "$bad" -gt 0 ] || twice+=("$1")
	fi
	count "$good" "$bad"
}

# bats_files FILE…: several at a time, printed one after the other.
bats_files() {
	local file
	for file; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
		run_bats "$file" &
	done
	wait
	for file; do
		count_file "$file"
	done
}

part_cli() {
	headline "command line"
	bats_files tests/cli/*.bats
}

part_lab() {
	headline "the lab"
	bats_files tests/lab/*.bats
}

part_e2e() {
	headline "end to end${1:+: $1}"
	if [ -n "${1:-}" ]; then
		bats_files "tests/e2e/$1.bats"
	else
		# The longest first, so that nothing waits for it alone at the end.
		local file files=(tests/e2e/kill.bats)
		for file in tests/e2e/*.bats; do
			[ "$file" = tests/e2e/kill.bats ] || files+=("$file")
		done
		bats_files "${files[@]}"
	fi
}

summary() {
	[ ${#twice[@]} -eq 0 ] || echo "Failed at first, passed when run again alone: ${twice[*]}"
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

main() {
	local part
	[ $# -gt 0 ] || set -- build unit plan lint cli lab e2e
	for part; do
		case ${part%%/*} in
		build | unit | plan | golden | lint | cli | lab | e2e) ;;
		*)
			echo "check.sh: \"$part\" is no part: build unit plan golden lint cli lab e2e e2e/NAME" >&2
			exit 64
			;;
		esac
	done
	mkdir -p "$out" || exit 73
	if [ "$(id -u)" = 0 ] && ! tools/install-packages check; then
		echo "check.sh: packages are missing" >&2
		count 0 1
		summary
		exit 1
	fi
	[ "$1" = build ] || part_build
	for part; do
		case $part in
		e2e/*) part_e2e "${part#e2e/}" ;;
		*) "part_$part" ;;
		esac
	done
	headline "done"
	summary
}

main "$@"
