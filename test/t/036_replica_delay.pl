# A replica that is older than aiven_rbac.max_replica_delay decides nothing, whatever
# it is that keeps it: paused replay, a lost primary, a receiver that starts again and
# again.  An idle primary is no delay.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'usleep';
use RbacTest;

plan skip_all => 'this server has no libpqwalreceiver' unless server_has('libpqwalreceiver');

my $primary = server('primary', init => { allows_streaming => 1 }, conf => 'autovacuum = off');
acme($primary, 'postgres');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
# The primary is heard of four times a second.
$standby->append_conf('postgresql.conf', "wal_receiver_timeout = 500ms\nwal_retrieve_retry_interval = 50ms\n");
$standby->start;
$primary->wait_for_catchup($standby);

my $bob = $primary->safe_psql('postgres', 'SELECT ' . principal('bob'));
my $token = $primary->safe_psql('postgres', q{SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'CI')});
$primary->wait_for_catchup($standby);

my $bounded = q{SET aiven_rbac.max_replica_delay = '2s'};
my $refused = qr/ERROR:  55000: this replica may not know what has changed\nDETAIL:  It was current \d+ ms ago, and aiven_rbac.max_replica_delay is 2000 ms.\nHINT:  Ask the primary/;
my $set = "$bounded; SET SESSION AUTHORIZATION application; SET aiven_rbac.cache_size = '1MB'; SELECT rbac_set_principal('$bob', is_local => false)";
my %queries = (
	'a decision' => "$set; SELECT rbac_has_permission('acme.engineering.backend-dev', 'service.view')",
	'a decision of the operator' => "$bounded; SELECT rbac_has_permission('$bob', 'acme', 'service.view')",
	'a protected query' => "$set; SELECT count(*) FROM deployment",
	'a protected query by id' => "$set; SELECT count(*) FROM secret",
	'a list' => "$set; SELECT count(*) FROM rbac_resources('service.view', 'project')",
	'a view' => "$set; SELECT count(*) FROM aiven_rbac.visible_resource",
	'a look-up' => "$set; SELECT rbac_user('dave\@acme.example')",
	'a token' => "$bounded; SELECT rbac_authenticate('$token')");

# What a server answers, or the error
sub answer
{
	my ($node, $sql, @options) = @_;
	my ($stdout, $stderr);

	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, on_error_stop => 1, @options);
	return $stderr ne '' ? $stderr : $stdout =~ s/^\n//r;
}

# Ask until the answer is of a kind.
sub comes_to
{
	my ($node, $sql, $kind) = @_;
	my $answer;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$answer = answer($node, $sql);
		return 1 if $answer =~ $kind;
		usleep(100_000);
	}
	diag("last answer: $answer");
	return 0;
}

my %right = map { $_ => answer($primary, $queries{$_}) } keys %queries;
unlike(join('', values %right), qr/ERROR/, 'the primary knows no delay');

# --- idle --------------------------------------------------------------------------

ok($standby->poll_query_until('postgres', "SELECT pg_last_xact_replay_timestamp() < clock_timestamp() - interval '3 s'"),
	'nothing happens for longer than a replica may be old');
foreach my $what (sort keys %queries)
{
	ok(comes_to($standby, $queries{$what}, qr/^\Q$right{$what}\E$/), "an idle primary is no delay: $what");
}

# --- paused ------------------------------------------------------------------------

my $cursor = $standby->background_psql('postgres', on_error_stop => 0);
$cursor->query_safe("SET aiven_rbac.max_replica_delay = '1h'; SET SESSION AUTHORIZATION application; BEGIN; "
	  . "SELECT rbac_set_principal('$bob'); DECLARE c CURSOR FOR SELECT id FROM deployment ORDER BY id; FETCH c");
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$primary->safe_psql('postgres', "SELECT rbac_group_member_remove(rbac_group('acme', 'backend-team'), '$bob')");
foreach my $what (sort keys %queries)
{
	ok(comes_to($standby, $queries{$what}, $refused), "refused while replay is paused: $what");
}
is(answer($standby, $queries{'a decision'} =~ s/'2s'/0/r), $right{'a decision'}, 'without a bound the answer is an old one');
is(answer($standby, $queries{'a decision'} =~ s/'2s'/'1h'/r), $right{'a decision'}, 'as within a wide one');
like(answer($standby, "$set; SELECT rbac_current_principal() = '$bob'"), qr/^t$/m, 'a principal can be set');

# Whoever is bounded cannot do without the bound, or keep the replica busy.
$standby->append_conf('postgresql.conf', 'aiven_rbac.max_replica_delay = 2s');
$standby->reload;
my @application = (extra_params => [ '-U', 'application' ]);
my $decide = "SELECT rbac_set_principal('$bob', is_local => false); SELECT count(*) FROM deployment";
like(answer($standby, "SELECT rbac_current_principal(); SET aiven_rbac.max_replica_delay = 0", @application),
	qr/ERROR:  42501: permission denied to set parameter "aiven_rbac.max_replica_delay"/, 'who is no superuser sets no bound');
like(answer($standby, "SET aiven_rbac.max_replica_delay = 0; $decide", @application),
	qr/WARNING:  42501: permission denied to set parameter .*$refused/s, 'nor by setting it before the library is loaded');
like(answer($standby, $decide, connstr => $standby->connstr('postgres') . q{ user=application options='-c aiven_rbac.max_replica_delay=0'}),
	qr/WARNING:  42501: permission denied to set parameter .*ERROR:  55000: this replica may not know/s, 'nor as an option of the connection');
$standby->append_conf('postgresql.conf', 'aiven_rbac.max_replica_delay = 0');
$standby->reload;

# That session knows that the replica was current when it began to read.
my $paused = $standby->safe_psql('postgres', 'SELECT clock_timestamp()');
$standby->poll_query_until('postgres', "SELECT clock_timestamp() > '$paused'::timestamptz + interval '2 s'");
$cursor->query_safe("RESET SESSION AUTHORIZATION; $bounded");
my ($rows) = $cursor->query('FETCH ALL FROM c');
unlike($rows, qr/^\d/, 'a cursor does not go on either');
$cursor->quit;

$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
foreach my $what (sort keys %queries)
{
	my $now = answer($primary, $queries{$what});

	ok(comes_to($standby, $queries{$what}, qr/^\Q$now\E$/), "answered when replay has caught up: $what");
}

# --- lost --------------------------------------------------------------------------

$primary->stop;
ok(comes_to($standby, $queries{'a decision'}, $refused), 'refused when the primary is lost');
my $starts = 0;
for (1 .. 20)
{
	$starts++ if answer($standby, $queries{'a decision'}) =~ $refused;
	usleep(60_000);
}
is($starts, 20, 'and while its receiver starts again and again');
$primary->start;
ok(comes_to($standby, $queries{'a decision'}, qr/^[tf]$/), 'answered when it is back');

$standby->promote;
$primary->stop;
ok(comes_to($standby, $queries{$_}, qr/^[^E]/), "answered after promotion: $_") foreach grep { !/token/ } sort keys %queries;

$standby->stop;
done_testing();
