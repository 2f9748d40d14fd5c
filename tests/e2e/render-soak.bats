#!/usr/bin/env bats
# A short run of tests/soak/render: three hosts render again and again, at the same time, while mail comes through all of them.

bats_require_minimum_version 1.5.0

@test "no message is lost or refused while every host renders" {
	run -0 "$BATS_TEST_DIRNAME/../soak/render" --stage "${E2E_PLAIN_LAYER:-$E2E_LAYER}" --folder "$BATS_TEST_TMPDIR/render" --renderings 3
	printf '# %s\n' "${lines[@]}" >&3
}
