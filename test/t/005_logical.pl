# Logical replication of the extension's tables: what is applied binds the
# subscriber's open sessions (C1, C5).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

plan skip_all => 'this server has no libpqwalreceiver' unless server_has('libpqwalreceiver');

my $publisher = server('publisher', init => { allows_streaming => 'logical' });
plan skip_all => 'publications choose rows from PostgreSQL 15 on'
  if $publisher->safe_psql('postgres', 'SHOW server_version_num') < 150000;
my $subscriber = server('subscriber', init => { allows_streaming => 'logical' });
acme($publisher, 'postgres');
$subscriber->safe_psql('postgres', 'CREATE EXTENSION aiven_rbac');

publish_facts($publisher, 'postgres');
my $bob = $publisher->safe_psql('postgres', 'SELECT ' . principal('bob'));
my $erin = $publisher->safe_psql('postgres', 'SELECT ' . principal('erin'));
my $frank = $publisher->safe_psql('postgres', 'SELECT ' . principal('frank'));

# A session that has cached nothing but "no" before the first row comes
my $open = $subscriber->background_psql('postgres');
my $bobs = "SELECT rbac_has_permission('$bob', 'acme.engineering.backend-dev', 'admin')";
is($open->query_safe($bobs), 'f', 'before the subscription nobody holds anything');

my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION facts, catalogue");
$subscriber->wait_for_subscription_sync($publisher, 's');
is($open->query_safe($bobs), 't', 'C5: the initial copy binds an open session');
my $expected = decisions($publisher, 'postgres');
same_decisions(decisions($subscriber, 'postgres'), $expected, 'the subscriber decides as the publisher does');

# Change something on the publisher; the open session must see it next.  It has
# looked right before, so that its cache is warm.
sub binds
{
	my ($question, $change, $before, $after, $name) = @_;

	is($open->query_safe($question), $before, "$name: before");
	is($open->query_safe($question), $before, "$name: from the cache");
	$publisher->safe_psql('postgres', $change);
	$publisher->wait_for_catchup('s');
	is($open->query_safe($question), $after, "$name: after");
}

my $question = "SELECT rbac_has_permission('$erin', 'acme.finance-prod', 'operator')";
for my $round ('by itself', 'in an open transaction')
{
	$open->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ') if $round eq 'in an open transaction';
	binds($question, "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')", 'f', 't', "C5: a grant applied $round");
	binds($question, "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod', valid_from => '2999-01-01', replace => true)", 't', 'f', "C5: an update applied $round");
	binds($question, "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod', replace => true)", 'f', 't', "C5: a second update applied $round");
	binds($question, "SELECT rbac_revoke('$erin', 'operator', 'acme.finance-prod')", 't', 'f', "C5: a revocation applied $round");
	$open->query_safe('COMMIT') if $round eq 'in an open transaction';
}

# Apply fires the triggers that are on in every replication role.  Without them
# nothing tells.
$subscriber->safe_psql('postgres',
	'ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER signal_change, DISABLE TRIGGER signal_change_begun');
binds($question, "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')", 'f', 'f', 'without the triggers a grant goes unnoticed');
$subscriber->safe_psql('postgres', 'ALTER TABLE aiven_rbac.access_grant ENABLE ALWAYS TRIGGER signal_change, ENABLE ALWAYS TRIGGER signal_change_begun');
binds($question, "SELECT rbac_revoke('$erin', 'operator', 'acme.finance-prod')", 't', 'f', 'C5: with them, all is well again');

binds($bobs, "SELECT rbac_group_member_remove(rbac_group('acme', 'backend-team'), '$bob')", 't', 'f', 'C5: leaving a group');
binds($bobs, "SELECT rbac_group_member_add(rbac_group('acme', 'backend-team'), '$bob')", 'f', 't', 'C5: joining a group');
binds("SELECT rbac_has_permission('$bob', 'acme.analytics.backend-dev', 'admin')",
	"SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics')", 'f', 't', 'C5: a move');
binds("SELECT rbac_has_permission('$bob', 'acme.analytics.backend-dev', 'admin')",
	"UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = '$bob'", 't', 'f', 'C5: deactivation');
binds("SELECT rbac_has_permission('$frank', 'acme.finance-prod', 'service.create')",
	qq{INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
	   SELECT '00000000-0000-0000-0000-0000000000f1', id, 'sweeper', 'role', 'Sweeper' FROM aiven_rbac.resource WHERE path = 'acme';
	   INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
	   SELECT '00000000-0000-0000-0000-0000000000f1', id, 'project' FROM aiven_rbac.resource WHERE path = 'acme';
	   INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
	   SELECT '00000000-0000-0000-0000-0000000000f1', 'project', number FROM aiven_rbac.action WHERE name = 'service.create';
	   SELECT rbac_grant('$frank', 'sweeper', 'acme.finance-prod')}, 'f', 't', 'C5: a role of one\'s own');
same_decisions(decisions($subscriber, 'postgres'), decisions($publisher, 'postgres'), 'the subscriber decides as the publisher does after all that');

binds("SELECT count(*) FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r WHERE rbac_has_permission(p.id, r.path, 'service.view') AND p.name <> 'Ann'",
	'TRUNCATE aiven_rbac.access_grant', $publisher->safe_psql('postgres', "SELECT count(*) FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r WHERE rbac_has_permission(p.id, r.path, 'service.view') AND p.name <> 'Ann'"),
	0, 'C5: TRUNCATE');

$open->quit;
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM aiven_rbac.audit'), '0', 'what the publisher has told of is told nowhere else');

$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$subscriber->stop;
$publisher->stop;
done_testing();
