#!/usr/bin/env bats
# A short run of tests/soak/mailflow: mail flows through every host while one fails in every way, one joins, loses its directory and
# is restored, is gone for good and taken over, and one leaves.

@test "no message is lost, misdelivered, bounced or refused while hosts fail, join, are restored and taken over, and leave" {
	"$BATS_TEST_DIRNAME/../soak/mailflow" --stage "${E2E_PLAIN_LAYER:-$E2E_LAYER}" --folder "$BATS_TEST_TMPDIR/mailflow" --seconds 3 --brief
}
