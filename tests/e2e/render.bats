#!/usr/bin/env bats
# What cl-rebuild changes is shown before, seen to serve after, and can be undone.

load e2e

own=/etc/mailrepl/own

setup_file() {
	e2e_up mail1.lan "$client"
	set_up_home
	add_user mail1.lan user1
	await_gates mail1.lan
	# It renders by itself when it thinks that it must.
	on mail1.lan /usr/lib/mailrepl/mailrepl-watch stop
}

teardown_file() {
	e2e_down
}

# writes PATH TEXT: below /etc/mailrepl/own on mail1.lan.
writes() {
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan sh -c 'mkdir -p "$(dirname "$1")" && printf "%s\n" "$2" >"$1"' sh "$own/$1" "$2"
}

limit_is() {
	[ "$(on mail1.lan postconf -h message_size_limit)" = "$1" ]
}

# fails_and_goes_back WORDS: a rendering that the checkers accept and that does not serve.
fails_and_goes_back() {
	local before
	before=$(on mail1.lan sh -c 'cat /etc/postfix/main.cf /etc/postfix/master.cf /etc/dovecot/dovecot.conf' | sha256sum)
	run ! on mail1.lan cl-rebuild
	[[ $output == *"$1"* && $output == *"the one before is in force again"* ]]
	[ "$(on mail1.lan sh -c 'cat /etc/postfix/main.cf /etc/postfix/master.cf /etc/dovecot/dovecot.conf' | sha256sum)" = "$before" ]
	on mail1.lan rm -r "$own"
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"nothing to do"* ]]
	knows mail1.lan "user1@$domain"
	rcpt_code_is mail1.lan "nobody@$domain" 550
}

@test "a dry run shows each file's difference and why a service is reloaded, and changes nothing" {
	writes postfix/main.cf 'message_size_limit = 1234567'
	run -0 on mail1.lan cl-rebuild --dry-run
	[[ $output == *"let postfix read its new configuration (main.cf)"* ]]
	[[ $output == *$'\n-message_size_limit = 52428800\n'* && $output == *$'\n+message_size_limit = 1234567'* ]]
	[[ $output != *dovecot* ]]
	run -0 --separate-stderr on mail1.lan cl-rebuild --dry-run --json
	[[ $(jq -r .diff <<<"$output") == *$'\n+message_size_limit = 1234567'* ]]
	limit_is 52428800
}

@test "own parameters win over ours, are in force, and stay so" {
	on mail1.lan cl-rebuild
	limit_is 1234567
	run -0 on "$client" swaks --server mail1.lan --quit-after EHLO
	[[ $output == *"SIZE 1234567"* ]]
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"nothing to do"* ]]
}

@test "own parameters that Postfix or Dovecot do not take are named with file and line" {
	writes postfix/main.cf $'# mine\nmessage_size_limit = many'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"message_size_limit = many ($own/postfix/main.cf:2)"* ]]
	writes postfix/main.cf 'message_size_limits = 1234567'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"unused parameter: message_size_limits=1234567 ($own/postfix/main.cf:1)"* ]]
	writes dovecot/dovecot.conf 'ssl = perhaps'
	writes postfix/main.cf 'message_size_limit = 1234567'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"/etc/dovecot/dovecot.conf line "*"($own/dovecot/dovecot.conf:1)"* ]]
	on mail1.lan rm "$own/dovecot/dovecot.conf"
	limit_is 1234567
}

@test "what is changed by hand in slapd's configuration is told and shown, and noted when it goes" {
	local socket=ldapi://%2frun%2fmailrepl%2fldapi
	on mail1.lan ldapmodify -Q -Y EXTERNAL -H $socket <<-X
		dn: cn=config
		changetype: modify
		replace: olcIdleTimeout
		olcIdleTimeout: 77
	X
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"slapd's configuration was changed by hand"*"--changes"* ]]
	run -0 on mail1.lan cl-rebuild --changes
	[[ $output == *$'\n+olcIdleTimeout: 77\n'* ]]
	on mail1.lan sed -i 's/# max_size = 4096/max_size = 2048/' /etc/mailrepl/mailrepl.conf
	run -0 on mail1.lan cl-rebuild
	[[ $output == *"that goes now"* ]]
	run -0 on mail1.lan cat /var/lib/mailrepl/slapd/changes.diff
	[[ $output == *$'\n+olcIdleTimeout: 77\n'* ]]
	run -0 on mail1.lan cl-rebuild --changes
	[[ $output == "nothing was changed by hand" ]]
}

@test "one step back, and forth again" {
	run -0 on mail1.lan cl-rebuild --undo --dry-run
	[[ $output == *"its last change (main.cf)"* && $output == *$'\n+message_size_limit = 52428800\n'* ]]
	limit_is 1234567
	run -0 on mail1.lan cl-rebuild --undo
	[[ $output == *"templates and topology still say otherwise"* ]]
	limit_is 52428800
	run -0 on "$client" swaks --server mail1.lan --quit-after EHLO
	[[ $output == *"SIZE 52428800"* ]]
	on mail1.lan cl-rebuild --undo
	limit_is 1234567
	on mail1.lan rm -r "$own"
	on mail1.lan cl-rebuild
	limit_is 52428800
}

@test "refused by the service's own checker: nothing is changed" {
	writes postfix/main.cf 'no_such_parameter = 1'
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"no_such_parameter"* ]]
	run ! on mail1.lan grep no_such_parameter /etc/postfix/main.cf
	on mail1.lan rm -r "$own"
}

@test "a Postfix that refuses everybody gets its configuration back" {
	writes postfix/main.cf 'smtpd_relay_restrictions = reject'
	fails_and_goes_back "postmaster@mail1.lan"
}

@test "a Postfix that takes mail for nobody gets its configuration back" {
	writes postfix/main.cf 'virtual_mailbox_maps = static:all'
	fails_and_goes_back "no-such-user.mailrepl-probe@mail1.lan"
}

@test "a Dovecot that does not answer gets its configuration back" {
	writes dovecot/dovecot.conf 'service imap-login {
		inet_listener imap {
			port = 0
		}
	}'
	fails_and_goes_back "dovecot does not serve with its new configuration: nobody listens at port 143"
}

# refused_before WORDS: the rendering is refused, and nothing is changed.
refused_before() {
	local before
	before=$(rendered mail1.lan)
	run -78 on mail1.lan cl-rebuild
	[[ $output == *"$1"* ]] || fail "$output"
	[ "$(rendered mail1.lan)" = "$before" ]
	knows mail1.lan "user1@$domain"
}

# overrides NAME SED: a template of the administrator's, ours but for that.
overrides() {
	# shellcheck disable=SC2016 # for that shell to expand
	on mail1.lan sh -ec 'to=/etc/mailrepl/templates/$1; mkdir -p "$(dirname "$to")"
		sed "$2" "/usr/share/mailrepl/templates/$1" >"$to"; ! cmp -s "$to" "/usr/share/mailrepl/templates/$1"' sh "$@"
}

# answers PROGRAM WHEN TEXT: a program of that name, found before the real one, that answers so to what has WHEN in it.
answers() {
	# shellcheck disable=SC2016 # for those shells to expand
	on mail1.lan sh -ec 'printf "#!/bin/sh\ncase \$* in *%s*) echo %s ;; *) exec /usr/sbin/%s \"\$@\" ;; esac\n" "$2" "$3" "$1" >"/usr/local/sbin/$1"
		chmod 755 "/usr/local/sbin/$1"' sh "$@"
}

@test "a version that the templates are not for is refused by name, before anything is changed" {
	answers postconf mail_version 3.3.0
	refused_before "Postfix 3.3.0 is too old: mailrepl needs 3.6"
	on mail1.lan rm /usr/local/sbin/postconf
	answers dovecot --version 2.4.1-4
	refused_before "Dovecot 2.4.1-4 is too new: mailrepl needs 2.3"
	on mail1.lan rm /usr/local/sbin/dovecot
	run -0 on mail1.lan cl-rebuild --facts
	[ "$(jq -r .versions.postfix.text <<<"$output")" = "$(on mail1.lan postconf -dh mail_version)" ]
}

@test "a table that asks the directory wrongly is found out before it is installed" {
	overrides postfix/routes.cf 's/^search_base = .*/search_base = ou=Nowhere,dc=mailrepl/'
	refused_before "/etc/postfix/mailrepl/routes.cf cannot be asked: "
	overrides postfix/routes.cf 's/^search_base = .*/search_base = ou=Unix,dc=mailrepl/'
	refused_before "/etc/postfix/mailrepl/routes.cf does not find user1@$domain, whom the directory has"
	overrides postfix/routes.cf 's/^query_filter = .*/query_filter = (|(mailLocalAddress=%s)(uid=user1))/'
	refused_before "/etc/postfix/mailrepl/routes.cf finds no-such-user.mailrepl-probe@$domain, who is nobody"
	overrides postfix/routes.cf 's/^result_attribute = .*/result_attribute = mailHost/'
	refused_before '/etc/postfix/mailrepl/routes.cf says "mail1.lan" for '"user1@$domain, not user1@mail1.lan"
	on mail1.lan rm -r /etc/mailrepl/templates
	overrides postfix/mailboxes.cf 's/(mailRoutingAddress=%s)/(mail=%s)/'
	refused_before "/etc/postfix/mailrepl/mailboxes.cf does not find user1@mail1.lan"
	on mail1.lan rm -r /etc/mailrepl/templates
}

@test "a static table that Postfix reads otherwise, or without a postmaster, is found out before it is installed" {
	overrides postfix/roles '/^postmaster@{{domain}}/d'
	refused_before "postmaster@$domain is in no static table"
	overrides postfix/roles 's/^abuse@{{domain}} .*/abuse@{{domain}}/'
	refused_before '/etc/postfix/mailrepl/roles: Postfix does not find "abuse@'"$domain\""
	on mail1.lan rm -r /etc/mailrepl/templates
}

@test "a Dovecot that would let nobody in gets its configuration back" {
	local before
	before=$(rendered mail1.lan)
	overrides dovecot/owned.conf.ext 's/^base = .*/base = ou=Peers,dc=mailrepl/'
	run ! on mail1.lan cl-rebuild
	[[ $output == *"it does not know user1, whom the directory has; the one before is in force again"* ]] || fail "$output"
	on mail1.lan rm -r /etc/mailrepl/templates
	[ "$(rendered mail1.lan)" = "$before" ]
	has_messages mail1.lan user1 none 0
}
