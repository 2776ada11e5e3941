# S5: what the owner of a table has attached to it runs as that owner, with no
# principal, when a row changes that the table references.  Here is what one
# transaction cannot show: sessions that have not loaded the library yet, and
# functions that the planner runs.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('follow');
acme($node, 'postgres');

# mallory's code notes as whom it runs and for which principal, and tries to leave
# something behind.
$node->safe_psql(
	'postgres', q{
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA lair AUTHORIZATION mallory;
	GRANT USAGE ON SCHEMA lair TO PUBLIC;
	SET ROLE mallory;
	CREATE TABLE lair.caught (ran_as name, principal text, outcome text);
	GRANT ALL ON lair.caught TO PUBLIC;
	CREATE FUNCTION lair.probe() RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		outcome text := 'a table left';
	BEGIN
		BEGIN
			CREATE TEMPORARY TABLE left_behind ();
		EXCEPTION WHEN insufficient_privilege THEN
			outcome := 'nothing left';
		END;
		INSERT INTO lair.caught
		VALUES (current_user, coalesce(public.rbac_current_principal()::text, 'none'), outcome);
		RETURN 1;
	END
	$$;
	CREATE FUNCTION lair.sprung() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM lair.probe(); RETURN NULL; END $$;
	CREATE FUNCTION lair.folded(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
});

my $ann = q{SELECT rbac_set_principal(rbac_user('ann@acme.example'), is_local => false); };
my $caught = q{SELECT string_agg(DISTINCT concat_ws(' ', ran_as, principal, outcome), ', ') FROM lair.caught};

# Run statements in a new session, and tell what was caught.
sub caught
{
	my ($statements) = @_;

	$node->safe_psql('postgres', 'TRUNCATE lair.caught');
	my ($status, $out, $error) = $node->psql('postgres', $statements);
	return $error || $node->safe_psql('postgres', $caught);
}

# A table that references one of the extension's, with mallory for its owner
sub bait
{
	my ($columns, $attach) = @_;

	$node->safe_psql(
		'postgres', qq{
		CREATE TABLE lair.bait ($columns);
		ALTER TABLE lair.bait OWNER TO mallory;
		SET ROLE mallory;
		$attach;
	});
}

sub without_bait
{
	$node->safe_psql('postgres', 'DROP TABLE lair.bait');
}

my $apart = 'mallory none nothing left';
my $trigger = 'CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()';

# --- sessions that begin with the change ------------------------------------------------

# Nothing but the statement itself loads the library.
foreach my $case (
	[ 'billing_group', q{SELECT rbac_billing_group_create('acme', 'main')} ],
	[ 'principal', q{SELECT rbac_user_create('gone@example.com', 'Gone')} ],
	[ 'retired_id', q{INSERT INTO aiven_rbac.retired_id VALUES (gen_random_uuid()) RETURNING id} ])
{
	my ($table, $create) = @$case;
	my $id = $node->safe_psql('postgres', $create);
	my $delete = "DELETE FROM aiven_rbac.$table WHERE id = '$id'";

	bait("id uuid REFERENCES aiven_rbac.$table ON DELETE CASCADE", $trigger);
	$node->safe_psql('postgres', "INSERT INTO lair.bait VALUES ('$id')");
	is(caught($delete), $apart, "$table: the first statement of a session");
	without_bait();
}
is( $node->safe_psql(
		'postgres', q{
		SELECT relname FROM pg_class AS c
		WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind = 'r' AND (NOT relispartition OR relname = 'audit_rest')
		  AND (SELECT bit_or(tgtype) & 24 FROM pg_trigger
			   WHERE tgrelid = c.oid AND tgname IN ('signal_change_begun', 'watch') AND (tgtype & 2) <> 0) IS DISTINCT FROM 24
		ORDER BY 1}),
	'', 'every table has a trigger that loads the library before rows are changed or deleted');

# A check that is deferred cannot be called back then.
my $id = $node->safe_psql('postgres', q{SELECT rbac_billing_group_create('acme', 'second')});
bait('id uuid REFERENCES aiven_rbac.billing_group INITIALLY DEFERRED', 'SELECT');
my $delete = "DELETE FROM aiven_rbac.billing_group WHERE id = '$id'";
my ($status, $out, $error) = $node->psql('postgres', "$delete;", on_error_stop => 0);
like($error, qr/ERROR:  table "billing_group" was about to be changed before the library "aiven_rbac" was loaded/,
	'a deferrable key, and the first statement of a session');
($status, $out, $error) = $node->psql('postgres', "$delete;\n$delete;", on_error_stop => 0);
is(() = $error =~ /ERROR/g, 1, 'the second statement works');
is($node->safe_psql('postgres', 'SELECT count(*) FROM aiven_rbac.billing_group'), 0, 'and has done so');
without_bait();

# --- what the planner runs -----------------------------------------------------------------

# It evaluates constant parts of an index's expressions and predicate when it looks
# at the index, for whatever statement.
foreach my $case (
	[ 'ON UPDATE CASCADE', '((lair.folded(1)))' ],
	[ 'ON UPDATE CASCADE', '(place) WHERE lair.folded(1) > 0' ],
	[ 'ON UPDATE RESTRICT', '((lair.folded(1)))' ],
	[ 'ON UPDATE NO ACTION', '((lair.folded(1)))' ],
	[ 'ON UPDATE NO ACTION INITIALLY DEFERRED', '((lair.folded(1)))' ])
{
	my ($action, $index) = @$case;

	foreach my $principal ('', $ann)
	{
		my $name = "$action, an index on $index, " . ($principal ? 'ann' : 'the operator');

		bait("place rbac_path REFERENCES aiven_rbac.resource (path) $action", "CREATE INDEX ON lair.bait $index");
		$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION lair.folded(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
			AS $$ BEGIN RETURN lair.probe(); END $$});
		is(caught("$principal SELECT rbac_project_edit('acme.finance-prod', label => 'x')"), $apart, $name);
		$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION lair.folded(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'});
		$node->safe_psql('postgres', q{SELECT rbac_project_edit('acme.x', label => 'finance-prod')});
		without_bait();
	}
}

# To validate the key of a protected table does not run its owner's code as the
# superuser who protects it.
bait('place rbac_path', 'CREATE INDEX ON lair.bait ((lair.folded(1)))');
$node->safe_psql('postgres', q{INSERT INTO lair.bait VALUES ('acme')});
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION lair.folded(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
	AS $$ BEGIN RETURN lair.probe(); END $$});
is(caught("$ann SELECT rbac_protect_table('lair.bait', 'place', 'service.view')"), '', 'a table that a superuser protects');
is($node->safe_psql('postgres', q{SELECT convalidated FROM pg_constraint WHERE conrelid = 'lair.bait'::regclass}), 't', 'has its key');
is( caught(q{ALTER TABLE lair.bait DROP CONSTRAINT bait_place_fkey;
		ALTER TABLE lair.bait ADD CONSTRAINT bait_place_fkey FOREIGN KEY (place) REFERENCES aiven_rbac.resource (path)}),
	'postgres none a table left', 'a superuser who declares it by hand is less careful');
without_bait();

done_testing();
