#!/usr/bin/env bats
# A short run of tests/soak/mailflow: mail flows through every host while each fails in turn, one joins and one leaves.

@test "no message is lost, misdelivered, bounced or refused while hosts fail, join and leave" {
	"$BATS_TEST_DIRNAME/../soak/mailflow" --stage "${E2E_PLAIN_LAYER:-$E2E_LAYER}" --folder "$BATS_TEST_TMPDIR/mailflow" --seconds 3
}
