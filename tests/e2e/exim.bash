# shellcheck shell=bash
# Hosts with Exim instead of Postfix: load e2e, then this.

queue_is_empty() {
	if on "$1" test -x /usr/sbin/exim4; then
		[ "$(on "$1" exim4 -bpc)" = 0 ]
	else
		[ -z "$(on "$1" postqueue -j)" ]
	fi
}

# to_exim HOST: as an administrator does it with apt, of packages that tools/install-packages has brought.
to_exim() {
	eventually 60 queue_is_empty "$1"
	lab copy "${EXIM_PACKAGES:-/var/cache/mailrepl/exim}" "$1:/var/tmp/exim"
	on "$1" sh -c '
		set -e
		printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
		chmod 0755 /usr/sbin/policy-rc.d
		export DEBIAN_FRONTEND=noninteractive
		postfix stop
		dpkg --force-unsafe-io --force-depends -r postfix-ldap postfix-lmdb postfix
		dpkg --force-unsafe-io --force-depends -i /var/tmp/exim/*.deb
		sed -i "s/# mta = \"postfix\";/mta = \"exim\";/" /etc/mailrepl/mailrepl.conf' >&2
	on "$1" cl-rebuild >&2
}
