# A standby and a subscriber, which follow while clients administer and the
# subscriber's apply is interrupted: both decide by what they have.  Then the
# primary is killed and the standby promoted: what was acknowledged is there, since
# the standby is a synchronous one, and sessions that lived through it decide by it.
package Replicas;

use strict;
use warnings;

use Books;
use Clients;
use Crash;
use PostgreSQL::Test::Cluster;
use RbacTest;
use Session;
use Test::More;

# What replication by rows brings, of what clients change
my @replicated = qw(grant in member off place);

sub make_standby
{
	my ($primary) = @_;
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$primary->backup('backup', backup_options => [ '--checkpoint', 'fast' ]);
	$standby->init_from_backup($primary, 'backup', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "primary_conninfo = '" . $primary->connstr . " application_name=standby'\nhot_standby_feedback = on");
	$standby->start;
	$primary->append_conf('postgresql.conf', 'synchronous_standby_names = standby');
	$primary->reload;
	return $standby;
}

sub make_subscriber
{
	my ($primary) = @_;
	my $subscriber = server('subscriber', conf => "wal_level = logical\nwal_retrieve_retry_interval = 100ms\njit = off\n");

	$subscriber->safe_psql('postgres', 'CREATE DATABASE books');
	$subscriber->safe_psql('books', 'CREATE EXTENSION aiven_rbac');
	publish_facts($primary, 'books');
	$subscriber->safe_psql('books', "CREATE SUBSCRIPTION s CONNECTION '" . $primary->connstr . " dbname=books' PUBLICATION facts, catalogue");
	$subscriber->wait_for_subscription_sync($primary, 's', 'books');
	return $subscriber;
}

# How apply can be interrupted; each returns when it can go on
my @interruptions = (
	sub {
		my ($subscriber) = @_;
		$subscriber->safe_psql('books', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'logical replication%worker'});
	},
	sub {
		my ($subscriber) = @_;
		$subscriber->safe_psql('books', 'ALTER SUBSCRIPTION s DISABLE');
		select undef, undef, undef, rand 0.2;
		$subscriber->safe_psql('books', 'ALTER SUBSCRIPTION s ENABLE');
	});

# Does a server have the facts, of some kinds, and do open sessions decide by them?
# The first one looks.
sub decide_rightly
{
	my ($name, $facts, $sessions, @kinds) = @_;
	my $look = $sessions->[0];
	my $expected = { map { $_ => 1 } grep { my $fact = $_; !@kinds || grep { $fact =~ /^$_ / } @kinds } keys %$facts };

	is_deeply([ differences($expected, facts_in($look, @kinds)) ], [], "$name has what was acknowledged");
	for my $session (@$sessions)
	{
		my ($held, @wrong) = wrong_decisions($session, $look);
		is_deeply(\@wrong, [], "$name decides rightly" . ($session == $look ? '' : ', in an old transaction, too') . " ($held held)");
	}
	return;
}

sub run
{
	my ($world) = @_;
	my $primary = $world->{node};

	if (!server_has('libpqwalreceiver'))
	{
		note 'replicas: this server has no libpqwalreceiver';
		return;
	}
	my $subscriber = $primary->safe_psql('postgres', 'SHOW server_version_num') >= 150000 ? make_subscriber($primary) : undef;
	my $standby = make_standby($primary);
	my $session = Session->new($primary, 'books');
	my $facts = facts_in($session);
	my @on_standby = map { Session->new($standby, 'books') } 1 .. 2;
	my $acknowledged = 0;
	my ($until, $round) = (time + 2 * $world->{seconds}, 0);

	# What sessions have kept before anything changes
	$on_standby[1]->rows('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	wrong_decisions($_) for @on_standby;
	my $on_subscriber = $subscriber && Session->new($subscriber, 'books');
	wrong_decisions($on_subscriber) if $subscriber;

	while (!$round++ || time < $until)
	{
		my $clients = Clients->start($primary, $facts, database => 'books', seed => $world->{seed} + 1000 + $round, seconds => 1,
			without => ['role'], before => 'SET synchronous_commit = remote_apply');
		for (1 .. ($subscriber ? 4 : 0))
		{
			select undef, undef, undef, rand 0.3;
			$interruptions[ rand @interruptions ]->($subscriber);
		}
		my @logs = $clients->finish;
		($facts, my @lost) = Clients::settle($session, $facts, @logs);
		$acknowledged += $_->{acknowledged} for @logs;
		is_deeply([ @lost, map { ($_->{end} || (), keys %{ $_->{errors} }) } @logs ], [], "replicas ($round): no call had failed");
		decide_rightly("the standby ($round)", $facts, \@on_standby);
		next if !$subscriber;
		if ($round == 1)
		{
			Crash::crash($subscriber, 'the server');
			$on_subscriber = Session->new($subscriber, 'books');
		}
		# What was applied and not flushed before the crash is applied again; the
		# primary can take a while to forget that it was.
		$primary->wait_for_catchup('s', 'flush');
		decide_rightly("the subscriber ($round)", $facts, [$on_subscriber], @replicated);
	}

	# --- promotion
	my $clients = Clients->start($primary, $facts, database => 'books', seed => $world->{seed} + 2000, seconds => 600, without => ['role']);
	select undef, undef, undef, 0.5 + rand 0.5;
	my @children = Crash::children_of($primary->{_pid});
	$primary->kill9;
	kill 'KILL', @children;
	my @logs = $clients->finish;
	$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''");
	$standby->promote;
	($facts, my @lost) = Clients::settle($on_standby[0], $facts, @logs);
	$acknowledged += $_->{acknowledged} for @logs;
	is_deeply([ @lost, map { keys %{ $_->{errors} } } @logs ], [], 'promotion: no call had failed');
	decide_rightly('the promoted standby', $facts, \@on_standby);

	@logs = Clients->start($standby, $facts, database => 'books', seed => $world->{seed} + 3000, seconds => 1, prepare => 1)->finish;
	($facts, @lost) = Clients::settle($on_standby[0], $facts, @logs);
	$acknowledged += $_->{acknowledged} for @logs;
	is_deeply([ @lost, map { ($_->{end} || (), keys %{ $_->{errors} }) } @logs ], [], 'after promotion: no call had failed');
	decide_rightly('the new primary', $facts, \@on_standby);
	note "replicas: $acknowledged transactions acknowledged";
	$standby->stop('fast');
	$subscriber->stop('immediate') if $subscriber;
	return;
}

1;
