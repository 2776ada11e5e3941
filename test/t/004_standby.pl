# A hot standby decides as the primary does, and a revocation binds there once
# it is replayed (C5); a crash changes nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

plan skip_all => 'this server has no libpqwalreceiver' unless server_has('libpqwalreceiver');

my $primary = server('primary', init => { allows_streaming => 1 }, conf => 'restart_after_crash = on');
acme($primary, 'postgres');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my $bob = $primary->safe_psql('postgres', 'SELECT ' . principal('bob'));
my $erin = $primary->safe_psql('postgres', 'SELECT ' . principal('erin'));
my $expected = decisions($primary, 'postgres');
same_decisions(decisions($standby, 'postgres'), $expected, 'C5: the standby decides as the primary does');

# --- open sessions on the standby with a warm cache --------------------------------

my $rows = 'SELECT count(*) FROM deployment';
my $session = $standby->background_psql('postgres', extra_params => [ '-U', 'application' ]);
$session->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
my $before = $primary->safe_psql('postgres', "SET SESSION AUTHORIZATION application; BEGIN; SELECT rbac_set_principal('$bob') \\gset\n$rows");
is($session->query_safe($rows), $before, 'S2: a principal can be set on a standby, and sees the same rows of a protected table');
$session->query_safe('COMMIT');
is($session->query_safe($rows), 0, 'S2: for its transaction');

my $question = "SELECT rbac_has_permission('$erin', 'acme.finance-prod', 'operator'), rbac_has_permission('$erin', 'acme.finance-prod', 'service.create')";
for my $isolation ('READ COMMITTED', 'REPEATABLE READ')
{
	my $open = $standby->background_psql('postgres');
	$open->query_safe("BEGIN ISOLATION LEVEL $isolation");
	is($open->query_safe($question), 'f|f', "C5: not granted yet ($isolation)");
	$primary->safe_psql('postgres', "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')");
	$primary->wait_for_catchup($standby);
	like($open->query_safe($question), qr/^t/, "C5: a grant binds the next statement after replay ($isolation)");
	$primary->safe_psql('postgres', "SELECT rbac_revoke('$erin', 'operator', 'acme.finance-prod')");
	$primary->wait_for_catchup($standby);
	is($open->query_safe($question), 'f|f', "C5: and so does its revocation ($isolation)");
	$open->quit;
}

$session->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
is($session->query_safe($rows), $before, 'C5: before a change of the group');
$primary->safe_psql('postgres', "SELECT rbac_group_member_remove(rbac_group('acme', 'backend-team'), '$bob')");
$primary->wait_for_catchup($standby);
is($session->query_safe($rows), 0, 'C5: after it');
$primary->safe_psql('postgres', "TRUNCATE aiven_rbac.access_grant");
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r
	WHERE rbac_has_permission(p.id, r.path, 'service.view') AND p.name <> 'Ann'}), 0, 'C5: after TRUNCATE');
$session->quit;

my ($stdout, $stderr);
$standby->psql('postgres', q{SELECT rbac_unit_create('acme', 'late')}, stderr => \$stderr);
like($stderr, qr/read-only transaction/, 'administration is the primary\'s');
$standby->psql('postgres', q{SELECT * FROM rbac_what_if('SELECT 1')}, stderr => \$stderr);
like($stderr, qr/cannot execute rbac_what_if\(\) during recovery/, 'to try a change is, too');

# --- crash --------------------------------------------------------------------------

$primary->safe_psql('postgres', "SELECT rbac_grant('$erin', 'admin', 'acme.finance-prod'); SELECT rbac_project_move('acme.finance-prod', 'acme.engineering')");
$expected = decisions($primary, 'postgres');
my $doomed = $primary->background_psql('postgres');
$doomed->query_safe("BEGIN; SELECT rbac_grant('$erin', 'role:organization:admin', 'acme')");
is($doomed->query_safe("SELECT rbac_has_permission('$erin', 'acme', 'role:organization:admin')"), 't', 'C4: a grant that is not committed');
my $pid = $doomed->query_safe('SELECT pg_backend_pid()');
is(kill('KILL', $pid), 1, 'a backend is killed, and with it everything');
$doomed->{run}->kill_kill;
ok($primary->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"),
	'the server recovers');
like(slurp_file($primary->logfile), qr/database system was not properly shut down; automatic recovery in progress/, 'from its log');
same_decisions(decisions($primary, 'postgres'), $expected, 'the same decisions after a crash, without what was not committed');

# --- promotion ------------------------------------------------------------------------

$primary->wait_for_catchup($standby);
my $warm = $standby->background_psql('postgres');
is($warm->query_safe("SELECT rbac_has_permission('$erin', 'acme.engineering.finance-prod', 'admin')"), 't', 'before promotion');
$primary->stop;
$standby->promote;
same_decisions(decisions($standby, 'postgres'), $expected, 'the same decisions after promotion');
is($standby->safe_psql('postgres', "SELECT rbac_revoke('$erin', 'admin', 'acme.engineering.finance-prod')"), 't', 'the new primary administers');
is($warm->query_safe("SELECT rbac_has_permission('$erin', 'acme.engineering.finance-prod', 'admin')"), 'f', 'C5: and its open sessions know');
$warm->quit;

$standby->stop;
done_testing();
