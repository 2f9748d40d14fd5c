#!/usr/bin/env bats
# cl-template and cl-rebuild --check-templates, --settings: for whoever writes templates and settings.
# shellcheck disable=SC2154 # bats sets stderr

load cli

setup_file() {
	cli_programs
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	overrides=$PWD/root/etc/mailrepl/templates
	mkdir -p "$overrides/postfix"
}

check_templates() {
	run --separate-stderr cl-rebuild --root "$PWD/root" --check-templates "$@"
}

# as_specified FOLDER: each case of the Mustache specification that lies there as *.json; prints those that differ.
as_specified() {
	local suite test count=0 differ=0
	for suite in comments delimiters interpolation inverted partials sections; do
		while IFS= read -r test; do
			rm -rf spec
			mkdir spec
			jq -j .template <<<"$test" >spec/template
			jq .data <<<"$test" >spec/values
			jq -r '.partials // {} | to_entries[] | .key' <<<"$test" | while IFS= read -r name; do
				jq -j --arg name "$name" '.partials[$name]' <<<"$test" >"spec/$name"
			done
			jq -j .expected <<<"$test" >spec/want
			cl-template --lenient spec/template spec/values >spec/got || echo "exit status $?" >>spec/got
			count=$((count + 1))
			cmp -s spec/want spec/got || {
				differ=$((differ + 1))
				jq -r '"\($suite): \(.name): \(.desc)"' --arg suite "$suite" <<<"$test"
				diff spec/want spec/got
			}
		done < <(jq -c '.tests[]' "$1/$suite.json")
	done
	echo "# Mustache specification: $count cases, $differ differ" >&3
	[ "$count" -gt 100 ] && [ "$differ" -eq 0 ]
}

@test "every case of the public specification is rendered as it says" {
	local specs=${MUSTACHE_SPECS:-}
	# R's implementation is packaged with the cases; R itself is not needed.
	[ -n "$specs" ] || {
		apt-get download r-cran-whisker
		dpkg-deb -x r-cran-whisker_*.deb r
		specs=$PWD/r/usr/lib/R/site-library/whisker/specs
	}
	as_specified "$specs"
}

@test "strict: what is unknown, raw or no text is an error with file and line" {
	local line
	printf '{"x": "1", "list": []}' >values.json
	while IFS= read -r line; do
		printf 'first\n%s\n' "$line" >t
		run --separate-stderr cl-template t values.json
		[ "$status" -eq 78 ]
		[ -z "$output" ]
		[[ $stderr == *"t:2: "* ]]
	done <<-'END'
		{{nobody}}
		{{#nobody}}{{/nobody}}
		{{{x}}}
		{{&x}}
		{{list}}
		{{>nothing}}
	END
}

@test "values come from standard input, and are written for the kind of file" {
	printf 'a = {{a}}\n' >t
	# shellcheck disable=SC2016 # for Postfix
	run -0 cl-template -e postfix t - <<<'{"a": "$mydomain"}'
	# shellcheck disable=SC2016
	[ "$output" = 'a = $$mydomain' ]
	printf 'x {{>p}}' >t
	printf '{{a}}' >p
	run -0 cl-template t - <<<'{"a": 7}'
	[ "$output" = "x 7" ]
}

@test "bad input: files that are not there, no JSON, no such kind of file, arguments" {
	printf 'x' >t
	run -66 cl-template absent - <<<'{}'
	run -66 cl-template t absent.json
	run -65 cl-template t - <<<'{'
	run -64 cl-template -e roman t - <<<'{}'
	run -64 cl-template t
}

@test "our own templates have no mistake, and none of ours is left out" {
	check_templates
	[ "$status" -eq 0 ]
	[ "$output" = "no mistake in the templates" ]
}

@test "every mistake is named with file, line and name, in parts that are not used here, too" {
	printf 'a {{host}}\n{{#gate_closed}}\n{{typo1}}\n{{/gate_closed}}\n{{^gate_closed}}{{typo2}}{{/gate_closed}}\n{{#peers}}{{nam}}{{/peers}}\n' \
		>"$overrides/postfix/main.cf"
	printf '{{#server}}\n' >"$overrides/postfix/master.cf"
	check_templates
	[ "$status" -eq 78 ]
	[[ $output == *"$overrides/postfix/main.cf:3: {{typo1}}: "* ]]
	[[ $output == *"$overrides/postfix/main.cf:5: {{typo2}}: "* ]]
	[[ $output == *"$overrides/postfix/main.cf:6: {{nam}}: "* ]]
	[[ $output == *"$overrides/postfix/master.cf:1: "* ]]
	[ "${#lines[@]}" -eq 4 ]
	[[ $stderr == *"4 mistakes"* ]]
	check_templates --json
	[ "$status" -eq 78 ]
	[ "$(jq '.mistakes | length' <<<"$output")" -eq 4 ]
	[ ! -e root/var ]
}

@test "an override that takes nothing's place is named, what editors leave is not" {
	rm -r "$overrides"
	mkdir -p "$overrides/postfix"
	printf 'x\n{{>postfix/mine}}\n' >"$overrides/postfix/main.cf"
	printf 'y\n' >"$overrides/postfix/mine"
	printf 'z\n' >"$overrides/postfix/main.cf~"
	check_templates
	[ "$status" -eq 0 ]
	printf 'z\n' >"$overrides/postfix/mian.cf"
	check_templates
	[ "$status" -eq 78 ]
	[[ $output == *"$overrides/postfix/mian.cf: "*"never used"* ]]
	[[ $stderr == *"1 mistake in"* ]]
}

@test "an override is rendered with the partials that cl-rebuild finds" {
	rm -r "$overrides"
	mkdir -p "$overrides/postfix"
	printf 'mine {{>postfix/own}} {{host}}\n{{>postfix/etrn}}' >"$overrides/postfix/x"
	printf 'own' >"$overrides/postfix/own"
	run -0 cl-template --root "$PWD/root" "$overrides/postfix/x" - <<<'{"host": "h", "settings": {"backup_mx": {"etrn": ["a"]}}}'
	[[ $output == "mine own h"*$'\na OK' ]]
}

@test "--settings prints what counts, by name or by group, also as JSON" {
	mkdir -p root/etc/mailrepl
	echo 'mail: { networks = [ "192.0.2.0/24" ]; doubt = 7; };' >root/etc/mailrepl/mailrepl.conf
	run -0 cl-rebuild --root "$PWD/root" --settings mail.doubt mail.networks limits
	[ "$output" = 'mail.networks = [ "192.0.2.0/24" ]
mail.doubt = 7
limits.connections = 0
limits.messages = 0
limits.recipients = 0' ]
	run -0 cl-rebuild --root "$PWD/root" --settings
	[[ $output == *'mail.postmaster = "root@localhost"'* ]]
	run -0 cl-rebuild --root "$PWD/root" --settings --json
	[ "$(jq -r '."mail.networks"[0]' <<<"$output")" = 192.0.2.0/24 ]
	run -64 cl-rebuild --root "$PWD/root" --settings mail.doubts
	run -64 cl-rebuild --root "$PWD/root" mail.doubt
}
