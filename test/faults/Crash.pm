# kill -9 of the server under administrative clients: each acknowledged change is
# there afterwards, each that was going on is there as a whole or not at all, and
# decisions are right.
package Crash;

use strict;
use warnings;

use Books;
use Clients;
use Test::More;

# Processes that a process has started
sub children_of
{
	my ($parent) = @_;
	my @children;

	for my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my ($pid, $its_parent) = (<$stat> // '') =~ /^(\d+) \(.*\) \S (\d+)/ or next;
		push @children, $pid if $its_parent == $parent;
	}
	return @children;
}

sub wait_until_gone
{
	my @pids = @_;

	for (1 .. 1000)
	{
		return if !grep { kill 0, $_ } @pids;
		select undef, undef, undef, 0.01;
	}
	die "processes don't end: @pids";
}

# What can go: all of the server, the postmaster, or a backend, after which the
# server starts anew by itself
sub crash
{
	my ($node, $what) = @_;
	my $postmaster = $node->{_pid};
	my @children = children_of($postmaster);

	if ($what eq 'a backend')
	{
		my ($backend) = $node->safe_psql('postgres',
			"SELECT pid FROM pg_stat_activity WHERE datname = 'books' AND backend_type = 'client backend' ORDER BY random() LIMIT 1");
		kill 'KILL', $backend or die 'no client has connected';
		# The postmaster ends all others before it starts anew.
		wait_until_gone(@children);
		return;
	}
	$node->kill9;
	kill 'KILL', @children if $what eq 'the server';
	wait_until_gone(@children, $postmaster);
	$node->start;
	return;
}

sub connect_again
{
	my ($node) = @_;

	for (1 .. 600)
	{
		my $session = eval { Session->new($node, 'books') };
		return $session if $session;
		select undef, undef, undef, 0.05;
	}
	die 'the server does not come back';
}

sub run
{
	my ($world) = @_;
	my $node = $world->{node};
	my $session = Session->new($node, 'books');
	my $facts = facts_in($session);
	my ($until, $round, $acknowledged, $going_on, $prepared) = (time + 2 * $world->{seconds}, 0, 0, 0, 0);

	while ($round < 3 || time < $until)
	{
		my $what = ('the server', 'the postmaster', 'a backend')[ $round++ % 3 ];
		my $clients = Clients->start($node, $facts, database => 'books', seed => $world->{seed} + $round, seconds => 600, prepare => 1);
		select undef, undef, undef, 0.4 + rand 0.5;
		crash($node, $what);
		my @logs = $clients->finish;
		$session = connect_again($node);

		my ($expected, @lost) = Clients::settle($session, $facts, @logs);
		$facts = facts_in($session);
		my @errors = map { sort keys %{ $_->{errors} } } @logs;
		is_deeply([ @lost, differences($expected, $facts) ], [], "kill -9 of $what ($round): what was acknowledged is there, and nothing else");
		my ($held, @wrong) = wrong_decisions($session);
		is_deeply(\@wrong, [], "kill -9 of $what ($round): decisions are right ($held held)");
		is_deeply(\@errors, [], "kill -9 of $what ($round): no call had failed");
		$acknowledged += $_->{acknowledged} for @logs;
		$going_on += grep { $_->{going_on} } @logs;
		$prepared += grep { $_->{going_on} && $_->{going_on}{prepared} } @logs;

		# A book that has what was never acknowledged
		my ($some) = sort keys %$expected;
		isnt(scalar differences(add_up($expected, '+grant nobody operator p0', "-$some"), $facts), 0, 'the books can tell') if $round == 1;
	}
	cmp_ok($acknowledged, '>=', 20, 'there was something to lose');
	note "crash: $round times, $acknowledged transactions acknowledged, $going_on going on, $prepared of them in two phases";
	my (undef, @wrong) = wrong_decisions($session, $session, 'planted');
	cmp_ok(scalar @wrong, '>=', 1, 'decisions that are wrong are told');
	return;
}

1;
