# Statements that end early, in the middle of loads and between them: cancelled, out
# of time, or their session is terminated.  Every session that lives answers
# rightly, and holds nothing more of what they were about.
package Interrupt;

use strict;
use warnings;

use POSIX ();
use Session;
use Test::More;
use Time::HiRes 'time';
use Wide;

# A process that changes things of somebody else's, so that caches grow old
sub make_noise
{
	my ($wide) = @_;
	my $child = fork // die "cannot fork: $!";
	return $child if $child;

	local $SIG{TERM} = 'DEFAULT';
	eval {
		my $session = Session->new($wide->{node}, 'wide');
		for my $i (1 .. 1000000)
		{
			$session->rows("SELECT rbac_grant('$wide->{id}{other}', 'operator', 'acme.u.m1')");
			$session->rows("SELECT rbac_revoke('$wide->{id}{other}', 'operator', 'acme.u.m1')");
			$session->rows('SELECT rbac_role_edit($$acme$$, $$own$$, $${service.fork' . ($i % 2 ? '' : ',service.power') . '}$$)') if rand() < 0.1;
			select undef, undef, undef, rand 0.02;
		}
	};
	POSIX::_exit(0);
}

my %faults = (
	'a time limit' => sub {
		my ($session, $control, $query) = @_;
		my $limit = 1 + int rand 25;
		return $session->run("SET statement_timeout = $limit; $query; SET statement_timeout = 0");
	},
	'cancelling' => sub {
		my ($session, $control, $query) = @_;
		$session->start($query);
		select undef, undef, undef, rand 0.025;
		$control->rows('SELECT pg_cancel_backend(' . $session->pid . ')');
		my $result = $session->finish;
		# A signal that came late hits the next statement.
		$session->run('SELECT pg_sleep(0.01)') if !$result->{code};
		return $result;
	},
	'terminating' => sub {
		my ($session, $control, $query) = @_;
		$session->start($query);
		select undef, undef, undef, rand 0.025;
		$control->rows('SELECT pg_terminate_backend(' . $session->pid . ')');
		# Answered or not, the session ends.
		my $result = $session->finish;
		$result = $session->run('SELECT pg_sleep(60)') if !$result->{code};
		return { code => $result->{code} // 'alive', closed => 1 };
	});

sub connect_with_cache
{
	my ($wide) = @_;
	my $session = Session->new($wide->{node}, 'wide');

	$session->rows("SET aiven_rbac.cache_size = '" . (64, 64, 256, 1024, 16384)[ rand 5 ] . "kB'");
	return $session;
}

# A fault in the middle of something that can be more than one statement
sub strike
{
	my ($wide, $session, $control, $fault) = @_;
	my ($query, $right) = rand() < 0.7 ? $wide->load_in_turn(30) : $wide->count_all;
	my $around = (undef, [ 'BEGIN', 'ROLLBACK' ], [ 'BEGIN; SAVEPOINT s', 'ROLLBACK TO s; COMMIT' ],
		[ 'BEGIN; DECLARE c CURSOR FOR ' . ($wide->count_all)[0] . '; FETCH c', 'ROLLBACK' ])[ rand 4 ];

	$session->rows($around->[0]) if $around;
	my $result = $faults{$fault}->($session, $control, $query);
	return ($result->{code}) if $result->{closed};
	$session->rows($around->[1]) if $around;
	return $result->{code} if $result->{code};
	my $row = join ',', @{ $result->{rows}[0] };
	return (undef, $row eq $right ? () : "during it: $row, not $right");
}

sub run
{
	my ($world) = @_;
	my $wide = Wide->new($world);
	my $control = Session->new($world->{node}, 'wide');
	my $session = connect_with_cache($wide);
	my $noise = make_noise($wide);
	my $until = time + 3 * $world->{seconds};
	my (%struck, %codes, %wrong);

	while (time < $until || grep { ($struck{$_} // 0) < 3 } keys %faults)
	{
		my $fault = (('a time limit', 'cancelling') x 4, 'terminating')[ rand 9 ];
		my ($code, @wrong) = strike($wide, $session, $control, $fault);
		$struck{$fault}++ if $code;
		$codes{ $code // 'answered' }++;
		$session = connect_with_cache($wide) if ($code // '') eq '57P01';
		push @{ $wrong{$fault} }, @wrong, $wide->wrong_answers($session);
	}
	kill 'TERM', $noise;
	waitpid $noise, 0;
	is_deeply($wrong{$_}, [], "$_ ($struck{$_}): the next answers are right, and nothing is held") for sort keys %faults;
	is_deeply([ grep { !/^(?:answered|57014|57P01)$/ } sort keys %codes ], [], 'nothing else fails');
	note 'interrupt: ' . join ', ', map { "$_: $codes{$_}" } sort keys %codes;
	return;
}

1;
