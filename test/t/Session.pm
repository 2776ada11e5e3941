# A session that is spoken to without waiting for it: PostgreSQL's protocol, as
# far as simple queries need it, over the server's socket.  psql would do, but
# for asking "has it answered yet?" thousands of times.
package Session;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;

sub new
{
	my ($class, $node, $database) = @_;
	my $path = $node->host . '/.s.PGSQL.' . $node->port;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
	my $self = bless { socket => $socket, select => IO::Select->new($socket), buffer => '', done => [] }, $class;
	my $options = join("\0", user => getpwuid($<) . '', database => $database, '') . "\0";

	$self->_write(pack('N N', 8 + length $options, 196608) . $options);
	my $started = $self->finish;
	die "cannot connect: $started->{message}" if $started->{code};
	return $self;
}

sub pid { return $_[0]{pid} }

# Send a query; its result is to be fetched with finish()
sub start
{
	my ($self, $query) = @_;

	utf8::encode($query) if utf8::is_utf8($query);
	$self->_write('Q' . pack('N', 5 + length $query) . "$query\0");
	return;
}

# Is there a result, or is there one within some seconds?
sub ready
{
	my ($self, $seconds) = @_;

	while (!@{ $self->{done} })
	{
		return 0 if !$self->{select}->can_read($seconds);
		sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer})
		  or die 'the server has closed the connection';
		$self->_parse;
	}
	return 1;
}

# The result of the first query that has none yet: rows, or an error's code,
# message, detail and hint, or neither; the last command's tag
sub finish
{
	my ($self) = @_;

	$self->ready(120) or die 'no answer within two minutes';
	return shift @{ $self->{done} };
}

sub run
{
	my ($self, $query) = @_;

	$self->start($query);
	return $self->finish;
}

# The same where an error is not expected; the rows
sub rows
{
	my ($self, $query) = @_;
	my $result = $self->run($query);

	die "$result->{code} $result->{message}\nin: $query" if $result->{code};
	return @{ $result->{rows} };
}

sub _write
{
	my ($self, $bytes) = @_;

	while (length $bytes)
	{
		# Why the server has closed the connection is there to be read.
		local $SIG{PIPE} = 'IGNORE';
		my $written = syswrite($self->{socket}, $bytes) or return;
		substr($bytes, 0, $written) = '';
	}
	return;
}

sub _parse
{
	my ($self) = @_;
	my $read = 0;

	while (length($self->{buffer}) - $read >= 5)
	{
		my ($type, $length) = unpack 'a N', substr $self->{buffer}, $read, 5;
		last if length($self->{buffer}) - $read < $length + 1;
		$self->_message($type, substr $self->{buffer}, $read + 5, $length - 4);
		$read += $length + 1;
	}
	substr($self->{buffer}, 0, $read) = '';
	return;
}

sub _message
{
	my ($self, $type, $body) = @_;
	my $current = $self->{current} //= { rows => [] };

	if ($type eq 'D')
	{
		my ($count, @row) = (unpack('n', $body));
		my $at = 2;
		for (1 .. $count)
		{
			my $length = unpack 'l>', substr $body, $at, 4;
			push @row, $length < 0 ? undef : substr $body, $at + 4, $length;
			$at += 4 + ($length < 0 ? 0 : $length);
		}
		push @{ $current->{rows} }, \@row;
	}
	elsif ($type eq 'E')
	{
		my %field = map { substr($_, 0, 1) => substr $_, 1 } grep { length } split /\0/, $body;
		@{$current}{qw(code message detail hint)} = @field{qw(C M D H)};
		# After this, nothing comes any more.
		push @{ $self->{done} }, delete $self->{current} if $field{S} eq 'FATAL' || $field{S} eq 'PANIC';
	}
	elsif ($type eq 'C')
	{
		$current->{tag} = $body =~ s/\0$//r;
	}
	elsif ($type eq 'K')
	{
		$self->{pid} = unpack 'N', $body;
	}
	elsif ($type eq 'Z')
	{
		push @{ $self->{done} }, $current;
		delete $self->{current};
	}
	elsif ($type eq 'R' && unpack('N', $body) != 0)
	{
		die 'the server asks for a password';
	}
	return;
}

1;
