# Whom a change is told (S8, C1): every session of what changed something, and none
# of what changed nothing, however often somebody does it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('signal');
acme($node, 'postgres');
$node->safe_psql(
	'postgres', q{
	SELECT rbac_grant(rbac_user('erin@acme.example'), 'read_only', 'acme.analytics');
	SELECT rbac_project_create('acme', 'spare');
});
my $erin = principal('erin');
my $grants_of_erin = "principal = $erin AND resource = rbac_resource_id('acme.analytics')";

# Another session, which has heard of all that was before
my $other = $node->background_psql('postgres');

sub heard
{
	my ($statements) = @_;
	my $question = 'SELECT invalidations FROM rbac_cache_stats()';

	# Who has asked for nothing yet need not listen.
	$other->query_safe("SELECT rbac_has_permission($erin, 'acme', 'service.view')");
	my $before = $other->query_safe($question);

	$node->safe_psql('postgres', $statements);
	return $other->query_safe($question) > $before ? 1 : 0;
}

my $as_erin = "BEGIN; SELECT rbac_set_principal($erin);";
my @nothing = (
	[ 'revoking what one was not granted', "$as_erin SELECT rbac_revoke($erin, 'operator', 'acme'); COMMIT" ],
	[ 'granting what is granted', "SELECT rbac_grant($erin, 'read_only', 'acme.analytics')" ],
	[ 'adding a member to a group once more', "SELECT rbac_group_member_add(rbac_group('acme', 'engineering-team'), $erin)" ],
	[ 'calling oneself what one is called', "$as_erin SELECT rbac_user_edit($erin, name => 'Erin'); COMMIT" ],
	[ 'calling a project what it is called', q{SELECT rbac_project_edit('acme.spare', 'spare', 'spare')} ],
	[ 'describing a group as it is', q{SELECT rbac_group_edit(rbac_group('acme', 'engineering-team'), description => 'Engineering team')} ],
	[ 'reactivating who is active', "SELECT rbac_user_reactivate($erin)" ],
	[ 'an UPDATE that finds nothing', 'UPDATE aiven_rbac.access_grant SET valid_from = now() WHERE false' ],
	[ 'a DELETE that finds nothing', 'DELETE FROM aiven_rbac.access_grant WHERE false' ],
	[ 'a DELETE of the catalogue that finds nothing', 'DELETE FROM aiven_rbac.allowed_action WHERE false' ],
	[ 'a change that is rolled back', "BEGIN; DELETE FROM aiven_rbac.access_grant WHERE $grants_of_erin; ROLLBACK" ],
	[ 'nothing after a change that was rolled back',
		"BEGIN; DELETE FROM aiven_rbac.access_grant WHERE $grants_of_erin; ROLLBACK; DELETE FROM aiven_rbac.access_grant WHERE false" ]);
my @something = (
	[ 'an UPDATE', "UPDATE aiven_rbac.access_grant SET valid_until = now() + interval '1 year' WHERE $grants_of_erin" ],
	[ 'a DELETE', "DELETE FROM aiven_rbac.access_grant WHERE $grants_of_erin" ],
	[ 'an INSERT', "SELECT rbac_grant($erin, 'read_only', 'acme.analytics')" ],
	[ 'a DELETE as replication does it', "SET session_replication_role = replica; DELETE FROM aiven_rbac.access_grant WHERE $grants_of_erin" ],
	[ 'what ends with something else', q{SELECT rbac_project_delete('acme.spare')} ],
	[ 'a change before one of nothing',
		"BEGIN; UPDATE aiven_rbac.membership SET joined_at = joined_at WHERE principal = $erin; DELETE FROM aiven_rbac.access_grant WHERE false; COMMIT" ],
	[ 'TRUNCATE', 'BEGIN; TRUNCATE aiven_rbac.access_grant; COMMIT' ]);

is(heard($_->[1]), 0, "S8: of $_->[0] nobody hears") for @nothing;
is(heard($_->[1]), 1, "C1: of $_->[0] everybody hears") for @something;
$other->quit;

# A function caches what it sees when a statement has changed its first row; the
# statement fails.
$node->safe_psql(
	'postgres', qq{
	SELECT rbac_grant($erin, name, 'acme.analytics') FROM unnest('{read_only,project:services:read}'::text[]) AS name;
	CREATE FUNCTION seen() RETURNS boolean LANGUAGE plpgsql
		AS \$\$ BEGIN RETURN rbac_has_permission($erin, 'acme.analytics', 'service.view'); END \$\$;
	CREATE TABLE log (seen boolean);
	CREATE FUNCTION fail_at_last() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		IF NOT seen() THEN
			RAISE 'seen';
		END IF;
		RETURN NULL;
	END \$\$;
	CREATE FUNCTION halfway(statement text) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE
		before boolean := seen();
		message text := 'none';
	BEGIN
		UPDATE aiven_rbac.membership SET joined_at = joined_at;		-- what is cached is old
		BEGIN
			EXECUTE statement;
		EXCEPTION WHEN raise_exception THEN
			message := SQLERRM;
		END;
		RETURN concat_ws(' ', before, message, seen());
	END \$\$;
	CREATE TRIGGER a_witness AFTER UPDATE OR DELETE ON aiven_rbac.access_grant FOR EACH ROW EXECUTE FUNCTION fail_at_last();
});
is($node->safe_psql('postgres', "SELECT halfway(\$\$ $_ \$\$)"), 't seen t', "C4: $_, which fails after a function has seen its rows, leaves nothing")
  for "DELETE FROM aiven_rbac.access_grant WHERE principal = $erin AND resource = rbac_resource_id('acme.analytics')",
  "UPDATE aiven_rbac.access_grant SET valid_until = now() - interval '1 day', valid_from = NULL WHERE principal = $erin AND resource = rbac_resource_id('acme.analytics')";

$node->stop;
done_testing();
