# Sends from an address of its own: what busybox's nc and nslookup cannot. Perl's base is in every Debian.
#
#     perl -e ... connect|carry|ask|ask-tcp SOURCE TO PORT [QUERY]
#
# connect: opens a TCP connection. carry: its standard input goes over one, and what is answered to standard output.
# ask: QUERY and the answer are datagrams in hexadecimal digits. ask-tcp: the same over TCP, with its length before each, as
# DNS has it (RFC 1035, 4.2.2).
use strict;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);

my ($how, $source, $to, $port, $query) = @ARGV;
my $family = $to =~ /:/ ? AF_INET6 : AF_INET;
sub name {
	my ($address, $port) = @_;
	my $raw = inet_pton($family, $address);
	$family == AF_INET ? pack_sockaddr_in($port, $raw) : pack_sockaddr_in6($port, $raw);
}
sub ended { print STDERR "$_[0]\n"; exit 1 }

socket(my $socket, $family, $how eq "ask" ? SOCK_DGRAM : SOCK_STREAM, 0) or ended("socket: $!");
bind($socket, name($source, 0)) or ended("bind: $!");
$SIG{ALRM} = sub { ended("timed out") };
alarm 3;
connect($socket, name($to, $port)) or ended("connect: $!");
if ($how eq "ask") {
	defined send($socket, pack("H*", $query), 0) or ended("send: $!");
	defined recv($socket, my $answer, 65535, 0) or ended("receive: $!");
	print unpack("H*", $answer);
}
if ($how eq "ask-tcp") {
	my $message = pack("n/a*", pack("H*", $query));
	syswrite($socket, $message) == length $message or ended("send: $!");
	sub got {
		my ($length, $answer) = ($_[0], "");
		while (length $answer < $length) {
			sysread($socket, $answer, $length - length $answer, length $answer) or ended("the answer ends early");
		}
		$answer;
	}
	print unpack("H*", got(unpack("n", got(2))));
}
exit 0 if $how ne "carry";

alarm 0;
sub copy {
	my ($in, $out) = @_;
	while (sysread($in, my $part, 65536)) {
		for (my $at = 0; $at < length $part;) {
			$at += syswrite($out, $part, length($part) - $at, $at) || return;
		}
	}
}
my $child = fork() // ended("fork: $!");
if (!$child) {
	copy(*STDIN, $socket);
	shutdown($socket, 1);
	exit 0;
}
copy($socket, *STDOUT);
kill "TERM", $child;
