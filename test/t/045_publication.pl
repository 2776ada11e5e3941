# One authority and its subscribers: what the extension publishes arrives, whoever
# subscribes cannot administer, and whoever does not hear decides nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

plan skip_all => 'this server has no libpqwalreceiver' unless server_has('libpqwalreceiver');

my $authority = server('authority', init => { allows_streaming => 'logical' });
my $subscriber = server('subscriber', init => { allows_streaming => 'logical' }, conf => "wal_retrieve_retry_interval = 100ms\n");
acme($authority, 'postgres');
my $sweeper = "rbac_role_create('acme', 'sweeper', ARRAY['service.power'], ARRAY['project'])";
$authority->safe_psql('postgres', "SELECT $sweeper; SELECT rbac_publication_create()");
is($authority->safe_psql('postgres', q{SELECT count(*) FROM pg_publication_tables WHERE pubname = 'aiven_rbac'
	AND tablename ~ '^(database_role|token_use|principal_use|audit|dumped_table|acknowledged_finding|.*_signal)'}), '0', 'nothing of a server\'s own is published');

$subscriber->safe_psql('postgres', q{CREATE EXTENSION aiven_rbac; CREATE TABLE early (place rbac_path);
	SELECT rbac_protect_table('early', 'place', 'service.view')});
my $connection = $authority->connstr . ' dbname=postgres';

sub subscribe
{
	$subscriber->psql('postgres', "SELECT rbac_subscription_sql('app', '$connection') \\gexec", on_error_die => 1);
	$subscriber->wait_for_subscription_sync($authority, 'app');
	return;
}

sub caught_up
{
	my $mark = $authority->safe_psql('postgres', 'SELECT rbac_mark()');

	is($subscriber->safe_psql('postgres', "SELECT rbac_wait_for('$mark', '3 min')"), 't', 'a mark of the authority\'s is reached') ;
	return;
}

# Refused at the subscriber, and the error
sub refused
{
	my ($sql, $error, $name) = @_;
	my ($stdout, $stderr);

	$subscriber->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, on_error_stop => 1);
	like($stderr, $error, $name);
	return;
}

subscribe();
caught_up();
same_decisions(decisions($subscriber, 'postgres'), decisions($authority, 'postgres'), 'the subscriber decides as the authority does');
is($subscriber->safe_psql('postgres', 'SELECT name, side, state FROM rbac_replication_status()'), 'app|subscriber|running', 'the subscriber says that it runs');
is($authority->safe_psql('postgres', 'SELECT name, side, state FROM rbac_replication_status()'), 'app|authority|running', 'and so does the authority');

# --- what arrives ------------------------------------------------------------------

my ($bob, $erin, $frank) = map { $authority->safe_psql('postgres', 'SELECT ' . principal($_)) } qw(bob erin frank);
my $open = $subscriber->background_psql('postgres');

# Change something at the authority, and ask a session of the subscriber's
sub binds
{
	my ($change, $question, $before, $after, $name) = @_;

	is($open->query_safe("SELECT rbac_has_permission($question)"), $before, "$name: before");
	$authority->safe_psql('postgres', $change);
	my $mark = $authority->safe_psql('postgres', 'SELECT rbac_mark()');
	$open->query_safe("SELECT rbac_wait_for('$mark', '3 min')");
	is($open->query_safe("SELECT rbac_has_permission($question)"), $after, "$name: after");
	return;
}

my $power = "'$frank', 'acme.finance-prod', 'service.power'";
my $fork = "'$frank', 'acme.finance-prod', 'service.fork'";
binds("SELECT rbac_grant('$frank', 'sweeper', 'acme.finance-prod')", $power, 'f', 't', 'a grant of a role');
binds("SELECT rbac_role_edit('acme', 'sweeper', ARRAY['service.fork'])", $power, 't', 'f', 'a role that is edited');
is($open->query_safe("SELECT rbac_has_permission($fork)"), 't', 'gives what it gives now');
binds("SELECT rbac_revoke('$frank', 'sweeper', 'acme.finance-prod'); SELECT rbac_role_delete('acme', 'sweeper')", $fork, 't', 'f', 'a role that is deleted');
binds("SELECT $sweeper; SELECT rbac_grant('$frank', 'sweeper', 'acme.finance-prod')", $power, 'f', 't', 'and made again');
binds("INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor) SELECT id, true FROM aiven_rbac.resource WHERE path = 'acme'", "'$bob', 'acme.engineering.backend-dev', 'admin'", 't', 't', 'a policy');
is($open->query_safe('SELECT require_two_factor FROM aiven_rbac.authentication_policy'), 't', 'which arrives');
binds("SELECT rbac_group_member_remove(rbac_group('acme', 'backend-team'), '$bob')", "'$bob', 'acme.engineering.backend-dev', 'admin'", 't', 'f', 'a member who leaves');
my $token = $authority->safe_psql('postgres', q{SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'CI')});
caught_up();
ok($subscriber->safe_psql('postgres', "SELECT rbac_authenticate('$token')") ne '', 'a token is good at the subscriber');
$authority->safe_psql('postgres', q{
	INSERT INTO aiven_rbac.principal (id, kind, name, email)
	SELECT gen_random_uuid(), 'user', 'U' || i, 'u' || i || '@acme.example' FROM generate_series(1, 10000) AS i;
	INSERT INTO aiven_rbac.membership (principal, organization, kind)
	SELECT p.id, r.id, 'user' FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r WHERE p.email ~ '^u[0-9]+@' AND r.path = 'acme'});
$authority->safe_psql('postgres', q{SELECT count(rbac_grant(p.id, 'operator', 'acme.finance-prod')) FROM aiven_rbac.principal AS p WHERE p.email ~ '^u[0-9]+@'});
caught_up();
my $grants = 'SELECT count(*) FROM aiven_rbac.access_grant';
my $count = $authority->safe_psql('postgres', $grants);
cmp_ok($count, '>=', 10_000, '10,000 grants in one transaction');
is($subscriber->safe_psql('postgres', $grants), $count, 'arrive');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM aiven_rbac.audit'), '0', 'the log stays at the authority');

# --- what is refused ---------------------------------------------------------------

my $hint = qr/ERROR:  55000: cannot change table "\w+" of a subscriber.*HINT:  Administer at the authority, which is the database "postgres"/s;
refused("SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')", $hint, 'administration at a subscriber');
refused('DELETE FROM aiven_rbac.access_grant', $hint, 'and changes of the tables themselves');
refused('TRUNCATE aiven_rbac.authentication_policy', $hint, 'TRUNCATE included');
refused('SET session_replication_role = replica; DELETE FROM aiven_rbac.access_grant', $hint, 'in every replication role');
refused('SELECT rbac_publication_create()', $hint, 'a subscriber is no authority');
refused(q{CREATE TABLE p (place rbac_path); SELECT rbac_protect_table('p', 'place', 'service.view')},
	qr/ERROR:  0A000: column "place".*HINT:  Use a column of type uuid/s, 'a column of paths');
$subscriber->safe_psql('postgres', q{CREATE TABLE i (place uuid); SELECT rbac_protect_table('i', 'place', 'service.view');
	CREATE ROLE w; SELECT rbac_database_role_map('w', rbac_user('erin@acme.example'))});
my $past = "SELECT rbac_has_permission_at('$bob', 'acme', 'service.view', now() - interval '1 ms')";
refused($past, qr/ERROR:  55000: the past is not known here.*HINT:  Ask the authority/s, 'a question about the past, whose log is at the authority');
is($authority->safe_psql('postgres', $past), 'f', 'which answers it');
refused("SELECT rbac_subscription_sql('again', '')", qr/has rows of this database's own/, 'a second subscription');

like($subscriber->safe_psql('postgres', q{SELECT finding FROM rbac_check_protection() WHERE object = 'public.early'}),
	qr/holds paths, which nothing changes at a subscriber/, 'a column of paths that was protected before is reported');

# --- stopped -----------------------------------------------------------------------

$open->quit;
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION app DISABLE');
$subscriber->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_stat_subscription WHERE pid IS NOT NULL)});
is($subscriber->safe_psql('postgres', 'SELECT state FROM rbac_replication_status()'), 'stopped', 'a subscription that is disabled has stopped');
like($subscriber->safe_psql('postgres', 'SELECT finding FROM rbac_check_protection() WHERE object = \'app\''), qr/is stopped/, 'which the lint reports');
refused("SET aiven_rbac.max_replica_delay = '1s'; SELECT rbac_has_permission('$bob', 'acme', 'service.view')",
	qr/ERROR:  55000: this subscriber may not know/, 'and nothing is decided beyond the bound');
$authority->safe_psql('postgres', "SELECT rbac_revoke('$frank', 'sweeper', 'acme.finance-prod')");
my $missed = $authority->safe_psql('postgres', 'SELECT rbac_mark()');
is($subscriber->safe_psql('postgres', "SELECT rbac_wait_for('$missed', '0')"), 'f', 'nor is a mark reached');
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION app ENABLE');
caught_up();
is($subscriber->safe_psql('postgres', "SELECT rbac_has_permission($power)"), 'f', 'what was missed is made up for');
$subscriber->safe_psql('postgres', "SET aiven_rbac.max_replica_delay = '10min'; SELECT rbac_has_permission('$bob', 'acme', 'service.view')");

# --- a newer authority, and one of its own -------------------------------------------

$authority->safe_psql('postgres', "ALTER TABLE aiven_rbac.authority DISABLE TRIGGER accept_authority; UPDATE aiven_rbac.authority SET version = '99.0'");
$subscriber->wait_for_log(qr/the authority has version "99.0" of aiven_rbac, and this database/);
pass('a newer authority is refused');

$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION app');
is($subscriber->safe_psql('postgres', "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')"), 't', 'without the subscription it administers itself');
refused($past, qr/ERROR:  55000: the past is not known here/, 'nor is the past known then');
my $before = $subscriber->safe_psql('postgres', 'SELECT clock_timestamp()');
$subscriber->safe_psql('postgres', 'SELECT rbac_publication_create()');
is($subscriber->safe_psql('postgres', "SELECT pg_sleep(0.01); SELECT rbac_has_permission_at('$erin', 'acme.finance-prod', 'operator', clock_timestamp() - interval '1 ms')"), "\nt",
	'but what has happened since it is an authority');
refused("SELECT rbac_has_permission_at('$erin', 'acme.finance-prod', 'operator', '$before')",
	qr/ERROR:  55000: the log does not go back to.*Until .* this database took its rows from an authority/s, 'and nothing earlier');
$subscriber->safe_psql('postgres', 'DROP PUBLICATION aiven_rbac; SELECT rbac_publication_create()');
refused("SELECT rbac_has_permission_at('$erin', 'acme.finance-prod', 'operator', '$before')", qr/ERROR:  55000: the log does not go back to/, 'nor later on');

$subscriber->stop;
$authority->stop;
done_testing();
