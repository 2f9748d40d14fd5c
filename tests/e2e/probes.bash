# shellcheck shell=bash
# The classical probes for open relays: percent hack, bang paths, quoted and source-routed addresses, address literals,
# empty and own senders, several @, dots, blanks, UTF-8, pipelined commands, messages smuggled behind odd line ends. For any
# MTA: what counts is not what it answers but what it does. A file loads e2e and outside, and then this:
#
#	relay_probes SERVER PEER [FROM-HOST [PORT]]	tries them all at SERVER, from $client if nothing else is said; PEER is
#							another host of the domain. user1@$domain must exist. Prints a line
#							for each: the last reply's code, a number, sender, recipient.
#	relays_nothing HOST…				once the queues of these hosts are empty nothing of it has come out:
#							neither a probe nor a bounce of one. The hosts must be able to send out.
#	relayed						the subjects of what has come out

# Domains below .example have the mail server on $client as their MX, which keeps everything.
probes_outside=victims.example

relay_probes() {
	local server=$1 peer=$2 from=${3:-$client} port=${4:-25} said
	outside_dns "$probes_outside" MX "10 mx.outside.example" >&2
	said=$(on "$from" perl - "$server" "$port" "$from" "$domain" "$peer" "$probes_outside" user1 \
		<"$BATS_TEST_DIRNAME/probes.pl") || fail "the probes at $server: $said" || return 1
	echo "$said"
	# Nobody who has hung up from the beginning has refused anything.
	[ "$(grep -c '^[245]' <<<"$said")" -ge 100 ] || fail "$server has answered few of the probes: $said"
}

relayed() {
	on "$client" sh -c 'grep -rhoE "^Subject: (relay-probe|smuggle)-[0-9]+" /var/outside/mail; :' | sort -u
}

relays_nothing() {
	local host out
	for host; do eventually 60 queue_is_empty "$host" || return 1; done
	eventually 30 queue_is_empty "$client" || return 1
	out=$(relayed)
	[ -z "$out" ] || fail "it has come out: $out"
}
