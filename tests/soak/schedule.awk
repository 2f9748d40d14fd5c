# schedule.awk: what shall happen when, and what must be there afterwards, from a seed alone.
#
#	awk -v seed=42 -v seconds=10 -v owners="mail1.lan mail2.lan" -v relays="relay.lan" -v domain=maildomain.org \
#		-v rate=4 -v folder=DIR -f schedule.awk
#
# Writes, per host:
#   operations.HOST  records that end with \001: a line "AT NUMBER AFTER KIND", then the body. AT: milliseconds since the begin.
#                    AFTER: the number of an operation of another host that must be done before, 0 if there is none. KIND: change
#                    (LDIF), burst (LDIF whose records do not depend on each other) or useradd (a user's name). "rate" is
#                    how many there are a second and owner.
#   faults.HOST      lines "AT ACTION": cut heal, stop cont, crash start, restart, off on; a host is whole again after its last.
#   expected.HOST    lines "DN<TAB>ATTRIBUTE: VALUE" for what the operations decide, sorted by nobody.
# and to standard output "OPERATIONS FAULTS", counted.
#
# The random numbers are its own (Park and Miller's), since those of awk differ from one awk to the next.

function random(below) {
	state = (state * 16807) % 2147483647
	return int(state / 2147483647 * below)
}

function container(host, ou) {
	return "cn=" host ",ou=" ou ",ou=Owned,dc=mailrepl"
}

function dn_of(key) {
	return rdn[key] "," container(owner[key], ou[key])
}

# Every name is new but those that "again" deletes and adds; some need escaping in a DN.
function new_name() {
	names++
	return random(8) == 0 ? "user\\2C " names : "user" names
}

function plain(name) {
	gsub(/[^a-z0-9]/, "", name)
	return name
}

# --- the model: what each owner has

function put(host, where, kind_, name, listed,    key) {
	key = ++keys
	owner[key] = host
	ou[key] = where
	kind[key] = kind_
	rdn[key] = (kind_ == "group" ? "cn=" : "uid=") name
	list_attribute[key] = kind_ == "account" ? "mail" : "mailLocalAddress"
	values[key] = listed
	description[key] = ""
	hold(key, host)
	return key
}

function hold(key, host) {
	held[host, ++count[host]] = key
	place[key] = count[host]
}

function drop(key, host,    last) {
	last = held[host, count[host]]
	held[host, place[key]] = last
	place[last] = place[key]
	count[host]--
}

# A random entry of the host that is of the kind, or any ("").
function pick(host, wanted,    tries, key) {
	for (tries = 0; tries < 30 && count[host] > 0; tries++) {
		key = held[host, 1 + random(count[host])]
		if (wanted == "" || kind[key] == wanted) return key
	}
	return 0
}

# --- operations

function emit(host, after, kind_, body) {
	printf "%d %d %d %s\n%s\001", at, ++operations, after, kind_, body > (folder "/operations." host)
	return newest[host] = operations
}

function change(host, body) {
	return emit(host, 0, "change", body)
}

function listed_lines(key,    n, i, all, out) {
	n = split(values[key], all, " ")
	for (i = 1; i <= n; i++) out = out list_attribute[key] ": " all[i] "\n"
	return out
}

function ldif_of(key,    name, out) {
	name = rdn[key]
	sub(/^[a-z]*=/, "", name)
	out = "dn: " dn_of(key) "\nchangetype: add\n"
	if (kind[key] == "route")
		out = out "objectClass: account\nobjectClass: inetLocalMailRecipient\nmailHost: " owner[key] \
			"\nmailRoutingAddress: " plain(name) "@" owner[key] "\n"
	else if (kind[key] == "group")
		out = out "objectClass: organizationalRole\nobjectClass: inetLocalMailRecipient\n"
	else
		out = out "objectClass: inetOrgPerson\nobjectClass: posixAccount\ncn: " plain(name) "\nsn: \303\204" plain(name) \
			"\nuidNumber: " 5000 + key "\ngidNumber: " 5000 + key "\nhomeDirectory: /home/" plain(name) "\n"
	out = out listed_lines(key)
	if (description[key] != "") out = out "description: " description[key] "\n"
	return out "\n"
}

function add(host, kind_,    name, where) {
	name = new_name()
	where = kind_ == "account" ? "Unix" : "Mail"
	change(host, ldif_of(put(host, where, kind_, name, plain(name) "@" domain)))
}

function burst(host,    n, key, body) {
	for (n = 5 + random(26); n > 0; n--) {
		key = put(host, "Mail", "route", "burst" ++names, "burst" names "@" domain)
		body = body ldif_of(key)
	}
	emit(host, 0, "burst", body)
}

function useradd(host,    name) {
	name = "tool" ++names
	emit(host, 0, "useradd", name)
	put(host, "Mail", "route", name, name "@" domain)
	put(host, "Unix", "account", name, name "@" domain)
}

function describe(host, key) {
	if (!key) return add(host, "route")
	description[key] = "text " random(1000000)
	change(host, "dn: " dn_of(key) "\nchangetype: modify\nreplace: description\ndescription: " description[key] "\n\n")
}

function add_value(host, key,    value) {
	value = "extra" ++names "@" domain
	values[key] = values[key] (values[key] == "" ? "" : " ") value
	change(host, "dn: " dn_of(key) "\nchangetype: modify\nadd: " list_attribute[key] "\n" list_attribute[key] ": " value "\n\n")
}

function delete_value(host, key,    n, i, all, chosen) {
	n = split(values[key], all, " ")
	if (n == 0) return add_value(host, key)
	chosen = 1 + random(n)
	values[key] = ""
	for (i = 1; i <= n; i++)
		if (i != chosen) values[key] = values[key] (values[key] == "" ? "" : " ") all[i]
	change(host, "dn: " dn_of(key) "\nchangetype: modify\ndelete: " list_attribute[key] "\n" list_attribute[key] ": " \
		all[chosen] "\n\n")
}

function rename(host, key,    old) {
	old = dn_of(key)
	sub(/=.*/, "=" new_name(), rdn[key])
	change(host, "dn: " old "\nchangetype: modrdn\nnewrdn: " rdn[key] "\ndeleteoldrdn: 1\n\n")
}

function delete_entry(host, key) {
	change(host, "dn: " dn_of(key) "\nchangetype: delete\n\n")
	drop(key, host)
}

# The same name again: another entry, with an entryUUID of its own.
function again(host, key) {
	change(host, "dn: " dn_of(key) "\nchangetype: delete\n\n")
	change(host, ldif_of(key))
}

# To another owner, when all that was done to it here is done: there first, then the old one points to it and claims nothing, then it goes.
function move(host, key,    target, old, number) {
	target = owners_[1 + random(owner_count)]
	if (target == host || kind[key] != "route") return describe(host, key)
	old = dn_of(key)
	drop(key, host)
	owner[key] = target
	hold(key, target)
	number = emit(target, newest[host], "change", ldif_of(key))
	emit(host, number, "change", "dn: " old "\nchangetype: modify\n" (values[key] == "" ? "" : \
		"delete: mailLocalAddress\n-\n") "replace: mailRoutingAddress\nmailRoutingAddress: moved" names "@" target "\n\n")
	change(host, "dn: " old "\nchangetype: delete\n\n")
}

function operate(host,    dice, key) {
	dice = random(100)
	if (count[host] < 4 || dice < 22) return add(host, "route")
	if (dice < 30) return add(host, "account")
	if (dice < 36) return add(host, "group")
	if (dice < 39) return burst(host)
	if (dice < 42) return useradd(host)
	key = pick(host, "")
	if (dice < 54) return describe(host, key)
	if (dice < 62) return add_value(host, key)
	if (dice < 68) return delete_value(host, key)
	if (dice < 76) return rename(host, key)
	if (dice < 88) return delete_entry(host, key)
	if (dice < 92) return again(host, key)
	key = pick(host, "route")
	if (!key) return add(host, "route")
	move(host, key)
}

# --- faults

function fault(host, when, action) {
	print when, action > (folder "/faults." host)
}

# One trouble and its end, so many milliseconds later.
function trouble(host, when, length_,    dice) {
	dice = random(100)
	faults++
	if (dice < 30) { fault(host, when, "cut"); fault(host, when + length_, "heal") }
	else if (dice < 50) { fault(host, when, "crash"); fault(host, when + length_, "start") }
	else if (dice < 70) { fault(host, when, "stop"); fault(host, when + length_, "cont") }
	else if (dice < 80) { fault(host, when, "restart") }
	else if (dice < 86) { fault(host, when, "off"); fault(host, when + length_, "on") }
	else if (dice < 93) {
		fault(host, when, "stop"); fault(host, when + length_, "crash"); fault(host, when + length_, "start")
	} else {
		fault(host, when, "cut"); fault(host, when, "crash"); fault(host, when + int(length_ / 2), "start")
		fault(host, when + length_, "heal")
	}
}

function troubles(host,    when, length_) {
	for (when = random(2000); when < seconds * 1000; when += length_ + 200 + random(2500)) {
		length_ = 100 + random(random(3) == 0 ? 4000 : 1000)
		trouble(host, when, length_)
	}
}

# --- all

function print_expected(    i, n, key, all) {
	for (key = 1; key <= keys; key++) {
		if (place[key] > count[owner[key]] || held[owner[key], place[key]] != key) continue
		printf "" > (folder "/expected." owner[key])
		print dn_of(key) "\tdn" > (folder "/expected." owner[key])
		n = split(values[key], all, " ")
		for (i = 1; i <= n; i++)
			print dn_of(key) "\t" list_attribute[key] ": " all[i] > (folder "/expected." owner[key])
		if (description[key] != "")
			print dn_of(key) "\tdescription: " description[key] > (folder "/expected." owner[key])
	}
}

BEGIN {
	state = (seed * 7919 + 12345) % 2147483646 + 1
	for (i = 0; i < 10; i++) random(2)
	owner_count = split(owners, owners_, " ")
	relay_count = split(relays, relays_, " ")
	total = seconds * rate * owner_count
	for (i = 0; i < total; i++) {
		at = i * seconds * 1000 / total
		operate(owners_[1 + random(owner_count)])
	}
	for (i = 1; i <= owner_count; i++) {
		printf "" > (folder "/operations." owners_[i])
		printf "" > (folder "/expected." owners_[i])
		troubles(owners_[i])
	}
	for (i = 1; i <= relay_count; i++) troubles(relays_[i])
	print_expected()
	print operations, faults
}
