#!/usr/bin/env bats
# cl-backup on a private instance below a folder: the list of archives, which of them go, and sealed ones.

load cli

setup_file() {
	cli_home 'backup = { folder = "/archives"; };'
	export archives=$folder/archives
	cl-replication --root "$folder" -q -r one.lan,two.lan mail
}

teardown_file() {
	cli_down
}

setup() {
	setting keep ""
	setting recipients ""
}

teardown() {
	! mountpoint -q "$archives" || umount "$archives"
	rm -rf "$archives" "$folder/var/lib/mailrepl/archived"
}

# setting NAME VALUE: in the group "backup" of mailrepl.conf.
setting() {
	sed -i -E "/^backup:/,/^};/ s|^\t(# )?$1 = .*|\t$1 = \"$2\";|" "$folder/etc/mailrepl/mailrepl.conf"
	grep -qF "	$1 = \"$2\";" "$folder/etc/mailrepl/mailrepl.conf"
}

backup() {
	cl-backup --root "$folder" "$@"
}

# names: of the archives that are there.
names() {
	(cd "$archives" && printf '%s\n' ./*.tar.bz2* | sed 's|^\./||')
}

# at DAYS OPTION…: cl-backup with another clock. The plain build: libfaketime and the sanitizers' allocator may wait for each
# other for ever, while the program starts.
at() {
	faketime -f "$1d" "${E2E_PLAIN_LAYER:-$E2E_LAYER}/usr/sbin/cl-backup" --root "$folder" "${@:2}"
}

# aged DAYS… : makes the archive of this host with a clock that is so many days ahead, or (-3) behind.
aged() {
	local days
	for days; do
		at "$days" -q --for one.lan --keep last=10000
	done
}

@test "--for makes just the archive for that host, the own one's is the full one" {
	backup -q --for two.lan
	[[ $(names) == *Z-one.lan-for-two.lan.tar.bz2 && $(names | wc -l) = 1 ]]
	backup -q --for one.lan
	[ "$(names | grep -c 'Z-one.lan.tar.bz2$')" = 1 ]
	[ "$(names | wc -l)" = 2 ]
}

@test "--for a host that nobody knows is refused and makes nothing" {
	run -68 backup --for nine.lan
	[[ $output == *"nine.lan is not among the hosts"* ]]
	[ ! -e "$archives" ]
}

@test "--list shows each archive with time, host, for, generation, size, entries and that it is valid" {
	backup -q
	run -0 --separate-stderr backup --list
	[[ ${lines[0]} == TIME*HOST*FOR*GENERATION*BYTES*ENTRIES*STATE* ]]
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[1]} =~ Z\ +one.lan\ +two.lan\ +[0-9]+\ +[0-9]+.*\ valid && ${lines[2]} =~ one.lan\ +itself ]]
	run -0 --separate-stderr backup --list --json
	[ "$(jq -c '[.archives[] | [.host, .for, .state, .sealed, .fault]]' <<<"$output")" = \
		'[["one.lan","two.lan","valid",false,null],["one.lan",null,"valid",false,null]]' ]
	[ "$(jq '[.archives[] | .size > 1000 and .generation > 0 and .entries > 5 and .hmac] | all' <<<"$output")" = true ]
}

@test "--list names what is damaged, with status 65; with -v also what only shows in the middle" {
	local path size
	backup -q --for one.lan
	path=$archives/$(names)
	size=$(stat -c %s "$path")
	cp "$path" "$folder/good"
	truncate -s $((size / 2)) "$path"
	run -65 --separate-stderr backup --list
	[[ $output == *"NOT VALID"* && $stderr == *"$path"* ]]
	cp "$folder/good" "$path"
	printf '\0\0\0\0' | dd of="$path" bs=1 seek=$((size / 2)) conv=notrunc status=none
	run -65 --separate-stderr backup --list -v
	[[ $output == *"NOT VALID"* ]]
}

@test "--list does not take an archive under another key for valid" {
	backup -q --for one.lan
	cp "$folder/etc/mailrepl/tls/backup.key" "$folder/right"
	tr 0-9a-f 1-9a-f0 <"$folder/right" >"$folder/etc/mailrepl/tls/backup.key"
	run -65 backup --list
	[[ $output == *"NOT VALID"* && $output == *HMAC* ]]
	cp "$folder/right" "$folder/etc/mailrepl/tls/backup.key"
	run -0 backup --list
}

@test "--list says with status 66 that there is no archive, or no folder" {
	run -66 backup --list
	[[ $output == *"$archives: is not there"* ]]
	mkdir "$archives"
	run -66 backup --list
	[[ $output == *"there is no archive"* ]]
}

@test "--list takes no lock and needs no slapd" {
	backup -q --for one.lan
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$folder" stop
	exec 8>"$folder/var/lib/mailrepl/lock"
	flock 8
	run -0 backup --list
	exec 8>&-
	"$MAILREPL_LIBEXEC/mailrepl-slapd" --root "$folder" start
}

@test "--keep shows what goes, and deletes it when there is a new archive" {
	aged -5 -4 -3 -2
	[ "$(names | wc -l)" = 4 ]
	run -0 backup --for one.lan --keep daily=3 --dry-run
	[ "$(grep -c 'delete .*Z-one.lan.tar.bz2' <<<"$output")" = 2 ]
	[ "$(names | wc -l)" = 4 ]
	local gone
	gone=$(names | head -n 2)
	run -0 backup --for one.lan --keep daily=3
	[[ $output == *"These go"* ]]
	[ "$(names | wc -l)" = 3 ]
	run ! grep -qF "$gone" <(names)
	run -0 --separate-stderr backup --for one.lan --keep daily=3 --json
	[ "$(jq -c '.deleted | length' <<<"$output")" = 1 ]
}

@test "--keep touches no archive of another series, no file of somebody else's and nothing damaged" {
	aged -3 -2
	backup -q --for two.lan
	echo mine >"$archives/notes.tar.bz2"
	cp "$archives/$(names | head -n 1)" "$archives/20200101T000000Z-one.lan.tar.bz2"
	truncate -s 100 "$archives/$(names | grep -v for-two | sed -n 2p)"
	backup --for one.lan --keep last=1
	# The new one, the damaged one, the one for two.lan, the renamed one and the stranger's.
	[ "$(names | wc -l)" = 5 ]
	[ -e "$archives/20200101T000000Z-one.lan.tar.bz2" ]
	[ "$(names | grep -c for-two)" = 1 ]
}

@test "if no new archive can be made, none goes" {
	aged -3 -2
	chmod 0700 "$archives"
	mv "$folder/etc/mailrepl/tls/host.key" "$folder/key"
	run ! backup --for one.lan --keep last=1
	mv "$folder/key" "$folder/etc/mailrepl/tls/host.key"
	[ "$(names | wc -l)" = 2 ]
}

@test "--prune deletes alone, but not for the sake of a newest one that is damaged in its middle" {
	local newest size
	aged -4 -3 -2
	newest=$archives/$(names | tail -n 1)
	size=$(stat -c %s "$newest")
	cp "$newest" "$folder/good"
	printf '\0\0\0\0' | dd of="$newest" bs=1 seek=$((size - 2000)) conv=notrunc status=none
	run -0 backup --prune --keep last=1
	[[ $output == *"no reason to delete"* ]]
	[ "$(names | wc -l)" = 2 ]
	cp "$folder/good" "$newest"
	run -0 backup --prune --keep last=1
	[ "$archives/$(names)" = "$newest" ]
	run -0 backup --prune --keep last=1
	[[ $output == *"nothing to do"* ]]
	run -64 backup --prune
}

@test "archives of a clock that ran ahead neither go nor make others go" {
	aged -3 -2 +30 +40
	run -0 backup --for one.lan --keep last=1
	[ "$(names | wc -l)" = 3 ]
	run -0 at -3000 --prune --keep last=1
	[ "$(names | wc -l)" = 3 ]
}

@test "what an undo of the last restore needs does not go" {
	local before
	aged -3
	cl-useradd --root "$folder" -q -e since@example.org since mail
	backup -q -r --authoritative --yes
	before=$(names | tail -n 1)
	aged +0
	backup -q --for one.lan
	[ "$(names | wc -l)" = 4 ]
	run -0 backup --prune --keep last=1
	[ "$(names | wc -l)" = 2 ]
	[ -e "$archives/$before" ]
	backup -q -r --undo --yes
	run -0 cl-userlist --root "$folder" --tsv
	[[ $output == *since@example.org* ]]
}

@test "what is kept may be a setting, and nonsense is refused before anything is made" {
	setting keep last=2
	aged -5 -4 -3
	backup -q --for one.lan
	[ "$(names | wc -l)" = 2 ]
	run -65 backup --keep daily=0
	setting keep hourly=2
	run -78 backup
	[[ $output == *backup.keep* ]]
	[ "$(names | wc -l)" = 2 ]
}

@test "a full disk is an error, and what was there stays as it was" {
	mkdir -m 0700 "$archives"
	mount -t tmpfs -o size=1m,mode=0700 none "$archives"
	backup -q --for one.lan
	(cd "$archives" && sha256sum ./*) >"$folder/before"
	head -c 2m /dev/zero >"$archives/fill" 2>/dev/null || true
	run ! backup --for one.lan --keep last=1
	[[ $output == *"No space left"* ]]
	run -74 backup --for one.lan --keep last=1 --passphrase-stdin <<<"a passphrase"
	rm "$archives/fill"
	(cd "$archives" && sha256sum --quiet -c "$folder/before")
	[ "$(find "$archives" -type f | wc -l)" = 1 ]
}

@test "a folder that is mounted read-only is an error, and its archives are listed" {
	mkdir -m 0700 "$archives"
	mount -t tmpfs -o size=1m,mode=0700 none "$archives"
	backup -q --for one.lan
	mount -o remount,ro "$archives"
	run -74 backup --for one.lan --keep last=1
	[[ $output == *"Read-only"* ]]
	run -0 backup --list
	run -0 backup --list -v
}

@test "a folder that has vanished is not made anew on this machine's own disk" {
	backup -q --for one.lan
	mv "$archives" "$folder/elsewhere"
	run -66 backup --keep last=1
	[[ $output == *"$archives: archives were written there, and it is gone"* ]]
	[ ! -e "$archives" ]
	mv "$folder/elsewhere" "$archives"
	backup -q --for one.lan
	[ "$(names | wc -l)" = 2 ]
}

@test "the key of this host opens what was sealed to it, also by age alone" {
	local key path
	key=$(backup --make-key)
	[[ $key == age1* ]]
	[ "$(backup --make-key)" = "$key" ]
	[ "$(stat -c %a "$folder/etc/mailrepl/tls/backup.age")" = 600 ]
	[ "$(age-keygen -y "$folder/etc/mailrepl/tls/backup.age")" = "$key" ]
	backup -q --encrypt-to "$key"
	[ "$(names | grep -c '\.tar\.bz2\.age$')" = 2 ]
	[ "$(names | wc -l)" = 2 ]
	run -0 --separate-stderr backup --list -v --json
	[ "$(jq -c '[.archives[] | [.state, .sealed]] | unique' <<<"$output")" = '[["valid",true]]' ]
	path=$archives/$(names | grep 'Z-one.lan\.tar')
	age -d -i "$folder/etc/mailrepl/tls/backup.age" "$path" | tar -xjO mail-owned.ldif | grep -q user1@example.org
	run -1 grep -q example.org "$path"
	mv "$folder/etc/mailrepl/tls/backup.age" "$folder/backup.age"
	run -0 backup --list
	[ "$(grep -c 'sealed' <<<"$output")" -ge 2 ]
	run ! backup -r --dry-run --yes
	[[ $output == *sealed* ]]
	mv "$folder/backup.age" "$folder/etc/mailrepl/tls/backup.age"
	run -0 backup -r --dry-run --yes
	[[ $output == *"$path"* ]]
}

@test "sealed archives that nothing here opens go by their names" {
	local day other
	other=$(age-keygen 2>/dev/null | sed -n 's/^# public key: //p')
	for day in 4 3 2; do
		at "-$day" -q --for one.lan --encrypt-to "$other"
	done
	backup -q --for one.lan --encrypt-to "$other" --keep last=2
	[ "$(names | wc -l)" = 2 ]
}

@test "recipients may be a setting; a wrong key is refused without being repeated if it is a secret one" {
	local key
	key=$(age-keygen 2>/dev/null | grep AGE-SECRET)
	run -65 --separate-stderr backup --encrypt-to "$key"
	[[ $stderr != *"$key"* ]]
	setting recipients "$(backup --make-key)"
	backup -q --for one.lan
	[[ $(names) == *.tar.bz2.age ]]
}

@test "a passphrase seals and opens; another one does not, and without one it says so" {
	local path
	backup -q --for one.lan --passphrase-stdin <<<"correct horse"
	path=$archives/$(names)
	[[ $path == *.age ]]
	[[ $(head -c 100 "$path") == "age-encryption.org/v1"*"-> scrypt"* ]]
	run -0 backup --list -v --passphrase-stdin <<<"correct horse"
	[[ $output == *"valid, sealed"* ]]
	run -0 backup --list -v --passphrase-stdin <<<"correct house"
	[[ $output != *valid* ]]
	run -0 setsid cl-backup --root "$folder" --list
	[[ $output == *sealed* ]]
	run -0 backup -r --dry-run --yes --passphrase-stdin <<<"correct horse"
	run -65 backup --for one.lan --passphrase-stdin <<<""
	run -64 backup --passphrase-stdin --encrypt-to age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj <<<"x"
}

# typed ANSWER… : what cl-backup --passphrase shows on a terminal, on which these lines are typed, each when it is asked for.
typed() {
	local answer asked=0 deadline=$((SECONDS + 60)) log=$folder/terminal
	rm -f "$log" "$folder/keys"
	mkfifo "$folder/keys"
	(
		exec 7>"$folder/keys"
		for answer; do
			asked=$((asked + 1))
			until [ "$(grep -aoE 'of the archives: |for the archives: ' "$log" 2>/dev/null | wc -l)" -ge "$asked" ]; do
				[ "$SECONDS" -lt "$deadline" ] || exit 1
				sleep 0.1
			done
			printf '%s\n' "$answer" >&7
		done
	) &
	script -qefc "cl-backup --root $folder --for one.lan --passphrase" "$log" <"$folder/keys"
}

@test "the passphrase is asked for twice on a terminal, without echo" {
	run -0 typed "a long one" "a long one"
	[[ $output == *"Passphrase of"*"The same again"* && $output != *"a long one"* ]]
	run -0 backup --list -v --passphrase-stdin <<<"a long one"
	[[ $output == *"valid, sealed"* ]]
	run -65 typed "a long one" another
	[[ $output == *differ* ]]
	[ "$(names | wc -l)" = 1 ]
}

# In its header that may also look as if it were sealed to somebody else.
@test "a sealed archive that was altered is not valid, wherever" {
	local key path size at
	key=$(backup --make-key)
	backup -q --for one.lan --encrypt-to "$key"
	path=$archives/$(names)
	size=$(stat -c %s "$path")
	cp "$path" "$folder/good"
	for at in 30 100 $((size / 2)) $((size - 1)); do
		printf 'X' | dd of="$path" bs=1 seek="$at" conv=notrunc status=none
		run backup --list
		cmp -s "$path" "$folder/good" || [[ $output != *valid,* ]]
		cp "$folder/good" "$path"
	done
	run -0 backup --list
	[[ $output == *valid,* ]]
	truncate -s -1 "$path"
	run -65 backup --list
}

@test "options that make no sense together are refused" {
	run -64 backup --list --prune
	run -64 backup --list --for one.lan
	run -64 backup -r --keep last=1
	run -64 backup --list --encrypt-to age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
	run -64 backup --passphrase --encrypt-to age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
}
