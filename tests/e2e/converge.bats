#!/usr/bin/env bats
# A few runs of tests/soak/converge: after changes under cuts, kills, hangs and restarts every copy is equal to its owner.

converge() {
	"$BATS_TEST_DIRNAME/../soak/converge" --stage "${E2E_PLAIN_LAYER:-$E2E_LAYER}" --folder "$BATS_TEST_TMPDIR/converge" \
		--deadline 75 --patience 40 "$@"
}

@test "three hosts agree after changes under faults" {
	converge --hosts 3 --seeds 1-2 --seconds 5
}

@test "five hosts, one of them a relay, agree after changes under faults" {
	converge --hosts 5 --seed 3 --seconds 5
}
