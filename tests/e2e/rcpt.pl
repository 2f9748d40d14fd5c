# perl -e "$(cat rcpt.pl)" SERVER HELO SENDER ADDRESS…: what the server answers at RCPT for each (or before, if that
# is no), on a connection of its own: a line with the code, a tab, the address. "none": no answer within 20 seconds.
use strict;
use warnings;
use IO::Socket::INET;

my ($server, $helo, $sender, @addresses) = @ARGV;

sub reply {
	my ($socket) = @_;
	while (defined(my $line = <$socket>)) {
		return $1 if $line =~ /^(\d{3}) /;
	}
	return 'none';
}

sub ask {
	my ($address) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $server, PeerPort => 25, Timeout => 20) or return 'none';
	my $code = 'none';
	local $SIG{ALRM} = sub { die "late\n" };
	eval {
		alarm 20;
		reply($socket);
		for my $line ("EHLO $helo", "MAIL FROM:<$sender>", "RCPT TO:<$address>") {
			print $socket "$line\r\n";
			$code = reply($socket);
			last if $code !~ /^2/;
		}
		print $socket "QUIT\r\n";
	};
	alarm 0;
	return $code;
}

print ask($_), "\t$_\n" for @addresses;
