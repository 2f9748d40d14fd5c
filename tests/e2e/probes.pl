# probes.pl SERVER PORT OWN-NAME DOMAIN PEER OUTSIDE USER: the classical attempts to send mail through SERVER to where it
# does not belong. See probes.bash. A line for each: what was answered last, then what was tried; "-": the server has hung up.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(inet_ntoa);

$SIG{PIPE} = 'IGNORE';
$| = 1;
my ($server, $port, $helo, $domain, $peer, $outside, $user) = @ARGV;
my $ip = inet_ntoa(scalar gethostbyname $server);
my $out_ip = inet_ntoa(scalar gethostbyname($helo));
my $mine = "someone\@$outside";
my $victim = "victim\@$outside";
my ($number, $socket, $used, $buffer) = (0, undef, 0, '');

# The next reply: its code, or "-".
sub reply {
	while (1) {
		if ($buffer =~ s/^(\d{3})([ -])[^\n]*\n//) {
			return $1 if $2 eq ' ';
			next;
		}
		my $ready = '';
		vec($ready, fileno($socket), 1) = 1;
		return '-' if select($ready, undef, undef, 20) <= 0;
		my $got = sysread $socket, my $part, 4096;
		return '-' unless $got;
		$buffer .= $part;
	}
}

sub say_raw {
	my $text = shift;
	utf8::encode($text) if utf8::is_utf8($text);
	syswrite $socket, $text;
}

sub ask {
	say_raw("$_[0]\r\n");
	return reply();
}

sub hang_up {
	return unless $socket;
	say_raw("QUIT\r\n");
	close $socket;
	undef $socket;
}

# A new connection every few probes: servers hang up on who makes many mistakes.
sub call {
	hang_up() if $used >= 8;
	return 1 if $socket;
	$socket = IO::Socket::INET->new(PeerAddr => $server, PeerPort => $port, Timeout => 20) or return 0;
	($used, $buffer) = (0, '');
	return reply() eq '220' && ask("EHLO $helo") eq '250';
}

sub shown {
	my $text = shift;
	utf8::encode($text) if utf8::is_utf8($text);
	$text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return $text;
}

# attempt MAIL-ARGUMENT, RCPT-ARGUMENT: as it stands behind the colon; accepted, it is sent.
sub attempt {
	my ($from, $to) = @_;
	my $code = '-';
	$number++;
	if (call()) {
		$used++;
		$code = ask("MAIL FROM:$from");
		$code = ask("RCPT TO:$to") if $code =~ /^2/;
		if ($code =~ /^2/ && ($code = ask('DATA')) eq '354') {
			$code = ask("From: <$mine>\r\nSubject: relay-probe-$number\r\n\r\nrelay-probe-$number\r\n.");
		}
		my $reset = ask('RSET');
		if ($reset eq '-') {
			close $socket;
			undef $socket;
		}
	} else {
		undef $socket;
	}
	printf "%s\t%d\t%s\t%s\n", $code, $number, shown($from), shown($to);
}

# raw WHAT, TEXT, REPLIES: these bytes at once, and so many replies; then another connection.
sub raw {
	my ($what, $text, $replies) = @_;
	my $code = '-';
	$number++;
	$text =~ s/NUMBER/relay-probe-$number/g;
	$used = 99;
	if (call()) {
		say_raw($text);
		for (1 .. $replies) {
			my $next = reply();
			last if $next eq '-';
			$code = $next;
		}
	}
	hang_up();
	printf "%s\t%d\t%s\n", $code, $number, $what;
}

# --- whose name is used: nobody's name opens the way out
attempt("<$_>", "<$victim>") for $mine, '', "$user\@$domain", "postmaster\@$domain", "nobody\@$domain", "$user\@$server",
	"root\@$server", 'root@localhost', 'root', $victim, "$user\@$peer", "someone\@[$ip]", "someone\@[127.0.0.1]",
	"$victim\@$domain", "\@$domain:$mine";

# --- how the way out is written
my @recipients = (
	# percent hack
	map({ "victim%$outside\@$_" } $domain, $server, $peer, 'localhost', "[$ip]", '[127.0.0.1]'),
	"victim%$outside", "victim%$outside%$server\@$domain", "$user%$domain\@$outside",
	# quoted
	map({ "\"$victim\"\@$_" } $domain, $server, $peer, "[$ip]"),
	"\"$victim\"", "\"victim%$outside\"\@$server", "\"victim%$outside\"", "\"$outside!victim\"\@$server",
	"\"\@$server:$victim\"\@$domain", "victim\\\@$outside\@$domain", "\"victim\\\@$outside\"\@$domain",
	# several @
	map({ "$victim\@$_" } $domain, $server, $peer, 'localhost', "[$ip]"),
	"victim\@\@$outside", "$victim\@", "\@$outside", "$user\@$domain\@$outside",
	# bang paths
	"$outside!victim", map({ "$outside!victim\@$_" } $domain, $server, $peer, "[$ip]"),
	"$server!$outside!victim", "$server!$outside!victim\@$domain", "$domain!$outside!victim\@$server",
	# source routes
	map({ "\@$_:$victim" } $domain, $server, $peer, 'localhost', "[$ip]"),
	"\@$server,\@$domain:$victim", "\@$domain:victim%$outside\@$server", "\@$domain:\@$server:$victim",
	# literals, numbers, dots, capitals
	"victim\@[$out_ip]", "victim\@$out_ip", "victim\@[IPv6:::ffff:$out_ip]", "victim\@[0]", "victim\@$outside.",
	"victim\@$outside..", "victim\@.$outside", uc $victim, "victim\@$domain.$outside", "victim\@$outside.$domain",
	# as others keep a way back in an address
	"victim=$outside\@$domain", "victim#$outside\@$domain", "$user+victim=$outside\@$domain",
	"SRS0=aa=bb=$outside=victim\@$domain", "$user+\@$outside", "victim:$outside\@$server",
	# blanks, comments, what is no ASCII
	"victim \@$outside", "victim\@ $outside", "victim\@$outside ($domain)", "($domain) $victim", "victim\t\@$outside",
	"v\x{ed}ctim\@$outside", "victim\@\x{f6}ut.example",
);
attempt("<$mine>", "<$_>") for @recipients;

# --- how the command is written
attempt("<$mine>", $_) for " $victim", "<$victim>,<$user\@$domain>", "<$user\@$domain>,<$victim>", "<<$victim>>",
	"<$victim> NOTIFY=SUCCESS ORCPT=rfc822;$user\@$domain", "<$user\@$domain> ORCPT=rfc822;$victim",
	"<$victim\r>", "<$user\@$domain\0$victim>", "<$victim\0\@$domain>", "victim <$victim>", "\"$user\" <$victim>";
attempt("<$mine> $_", "<$victim>") for 'AUTH=<>', "AUTH=$user\@$domain", 'BODY=8BITMIME SIZE=1', 'SMTPUTF8';

# --- what stands for another command
raw('no EHLO', "MAIL FROM:<$mine>\r\nRCPT TO:<$victim>\r\nDATA\r\n", 3);
raw('pipelined', "MAIL FROM:<$mine>\r\nRCPT TO:<$victim>\r\nDATA\r\nSubject: NUMBER\r\n\r\n.\r\n", 3);
raw('bare LF in a command', "MAIL FROM:<$mine>\nRCPT TO:<$victim>\nDATA\n", 3);
raw("ETRN $outside", "ETRN $outside\r\n", 1);
raw("VRFY $victim", "VRFY $victim\r\n", 1);
raw("EXPN postmaster", "EXPN postmaster\r\n", 1);
raw("XCLIENT as this host", "XCLIENT ADDR=127.0.0.1 NAME=localhost\r\nMAIL FROM:<$mine>\r\nRCPT TO:<$victim>\r\n", 3);
raw("AUTH PLAIN in the clear", "AUTH PLAIN AHVzZXIxAGNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==\r\n", 1);

# --- a message in a message: whoever takes these ends for the end of the data would read another envelope
for my $end ("\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r\n\0.\r\n") {
	$number++;
	my ($code, $next) = ('-', '-');
	$used = 99;
	if (call() && ask("MAIL FROM:<$mine>") eq '250' && ask("RCPT TO:<$user\@$domain>") eq '250' && ask('DATA') eq '354') {
		say_raw("From: <$mine>\r\nSubject: smuggle-$number\r\n\r\nfirst${end}MAIL FROM:<root\@$server>\r\n" .
			"RCPT TO:<$victim>\r\nRCPT TO:<$user\@$domain>\r\nDATA\r\nSubject: relay-probe-$number\r\n" .
			"X-Smuggled: yes\r\n\r\nsecond\r\n.\r\n");
		$code = reply();
	}
	hang_up();
	printf "%s\t%d\tsmuggled behind %s\n", $code, $number, shown($end);
}
hang_up();
