# Many clients that make single calls at once: in worlds of their own, on things of
# their own in one organization, and on whatever there is.  None runs into a
# deadlock, and none is answered with what only the extension's author
# understands (G12).
package Deadlock;

use strict;
use warnings;

use List::Util 'shuffle';
use POSIX ();
use Races;
use Session;
use Storable qw(nstore retrieve);
use Test::More;
use Time::HiRes 'time';

my $count = 8;

# Calls for each client, of which none has a thing in common with another's
sub apart
{
	my @calls = @_;
	my @things = shuffle(sort keys %{ { map { $_ => 1 } grep { !/^(?:-|\*|ends$|hands$)/ } map { keys %{ $_->{things} } } @calls } });
	my @sets;

	for my $thing (@things)
	{
		my @others = map { @$_ } @sets;
		my @own = grep { my $call = $_; ($call->{things}{$thing} || $call->{things}{"-$thing"}) && !grep { meet($_, $call) || meet($call, $_) } @others } @calls;
		push @sets, \@own if @own > 1;
		last if @sets == $count;
	}
	return @sets;
}

# Call, in one world after the other, until the time is over; how often each
# answer came
sub hammer
{
	my ($node, $k, $calls, $worlds, $until) = @_;
	my $session = Session->new($node, 'deadlock');
	my ($began, %answers) = time;

	$session->rows("SET statement_timeout = '30s'");
	while (time < $until)
	{
		my $number = $worlds->[ @$worlds * (time - $began) / ($until - $began) ] // $worlds->[-1];
		my $call = $calls->[ rand @$calls ];
		my $result = $session->run(beginning($call, ('a', 'b')[ $k % 2 ], $number));
		$result = $session->run('SELECT * FROM ' . fill_in($call->{call}, $number)) if !$result->{code};
		my $end = $session->run(rand() < 0.8 ? 'COMMIT' : 'ROLLBACK');
		$result = $end if $end->{code};
		my $answer = plain($result->{code} ? "$result->{code} $result->{message}" : 'done', $number);
		$answers{ bad_error($answer) ? "$answer: $call->{call}" : substr $answer, 0, 5 }++;
	}
	return \%answers;
}

sub hammer_all
{
	my ($world, @clients) = @_;
	my $node = $world->{node};
	my $until = time + ($world->{seconds} < 4 ? $world->{seconds} : 4);
	my (@children, %answers);

	for my $k (0 .. $#clients)
	{
		my $child = fork // die "cannot fork: $!";
		if (!$child)
		{
			srand($world->{seed} + $k + $until);
			my $ok = eval { nstore(hammer($node, $k, @{ $clients[$k] }, $until), $node->basedir . "/hammer.$k") };
			print STDERR $@ if !$ok;
			POSIX::_exit($ok ? 0 : 1);
		}
		push @children, $child;
	}
	for my $k (0 .. $#children)
	{
		waitpid $children[$k], 0;
		die 'a client has failed' if $?;
		my $answers = retrieve($node->basedir . "/hammer.$k");
		$answers{$_} += $answers->{$_} for keys %$answers;
	}
	return \%answers;
}

# Rounds of at most four seconds, each in new worlds: some for each client, and
# some for all of them together
sub run
{
	my ($world) = @_;
	my $node = $world->{node};
	$node->safe_psql('postgres', 'CREATE DATABASE deadlock');
	my $session = Session->new($node, 'deadlock');
	$session->rows('CREATE EXTENSION aiven_rbac');
	make_world($session);

	my @calls = read_calls();
	my ($own, $common, $next) = (2, 8, 1);
	my %modes = (
		'in organizations of their own' => sub { map { [ \@calls, [ $_ * $own + 1 .. ($_ + 1) * $own ] ] } 0 .. $count - 1 },
		'on things of their own in one organization' => sub { map { [ $_, [ 1 .. $common ] ] } apart(@calls) },
		'on the same things' => sub { map { [ \@calls, [ 1 .. $common ] ] } 1 .. $count });
	for my $mode (sort keys %modes)
	{
		my %answers;
		for my $round (1 .. 1 + $world->{seconds} / 4)
		{
			my @clients = $modes{$mode}->();
			my ($number) = sort { $b <=> $a } map { @{ $_->[1] } } @clients;
			$_->[1] = [ map { $_ + $next } @{ $_->[1] } ] for @clients;
			copy_world($session, $next .. $next + $number);
			$session->rows(fill_in('CREATE ROLE "role~"', $_)) for $next .. $next + $number;
			$next += $number + 1;
			my $some = hammer_all($world, @clients);
			$answers{$_} += $some->{$_} for keys %$some;
			remove_worlds($session);
		}
		is_deeply([ grep { length > 5 } sort keys %answers ], [], "G12: $count clients $mode: no deadlock, no raw constraint");
		cmp_ok($answers{done} // 0, '>=', 20, "$count clients $mode: calls are done");
		note "deadlock: $mode: " . join ', ', map { "$_: $answers{$_}" } grep { length() <= 5 } sort keys %answers;
	}
	return;
}

1;
