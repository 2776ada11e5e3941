# The extension comes, goes, and comes again: in another schema, rolled back,
# dropped under sessions that have cached what it said.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('extension');
acme($node, 'postgres');
my $expected = decisions($node, 'postgres');
my $acme = slurp_file('examples/acme.sql');
my ($stdout, $stderr);

# --- in a schema of its own -----------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE apart');
$node->safe_psql('apart', 'CREATE SCHEMA rbac; CREATE EXTENSION aiven_rbac WITH SCHEMA rbac');
is($node->safe_psql('apart', q{SELECT DISTINCT n.nspname FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
	JOIN pg_proc AS p ON p.oid = d.objid JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE d.deptype = 'e' ORDER BY 1}),
	"aiven_rbac\nrbac", 'functions are in the schema that was asked for, internal ones in aiven_rbac');

# Objects that bear the names of ours, where they are found first.
$node->safe_psql(
	'apart', q{
	CREATE SCHEMA evil;
	GRANT USAGE ON SCHEMA evil, rbac TO PUBLIC;
	CREATE FUNCTION evil.yes(rbac.rbac_path, rbac.rbac_path) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.yes(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE OPERATOR evil.= (LEFTARG = rbac.rbac_path, RIGHTARG = rbac.rbac_path, FUNCTION = evil.yes);
	CREATE OPERATOR evil.<> (LEFTARG = rbac.rbac_path, RIGHTARG = rbac.rbac_path, FUNCTION = evil.yes);
	CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.yes);
	CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);
	CREATE FUNCTION evil.rbac_current_principal() RETURNS uuid LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.rbac_path_parent(rbac.rbac_path) RETURNS rbac.rbac_path LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.rbac_path_nlevel(rbac.rbac_path) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';
	CREATE FUNCTION evil.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
});
$node->safe_psql('apart', "SET search_path = evil, rbac, pg_catalog;\n$acme");
$node->safe_psql('apart', q{SET search_path = evil, rbac, pg_catalog; SELECT rbac.rbac_project_move('acme.finance-prod', 'acme.engineering'); SELECT rbac.rbac_project_move('acme.engineering.finance-prod', 'acme')});
{
	local $ENV{PGOPTIONS} = '-c search_path=rbac';
	same_decisions(decisions($node, 'apart'), $expected, 'S5: made and asked where others\' objects of the same names come first, it is the same');
}

$node->safe_psql(
	'apart', q{
	SET search_path = '';
	CREATE TABLE public.deployment (id int, place rbac.rbac_path NOT NULL REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
	INSERT INTO public.deployment SELECT i, 'acme.engineering.backend-dev' FROM pg_catalog.generate_series(1, 10) AS i;
	INSERT INTO public.deployment SELECT i, 'acme.finance-prod' FROM pg_catalog.generate_series(11, 15) AS i;
	SELECT rbac.rbac_protect_table('public.deployment', 'place', read => 'project:services:read', write => 'project:services:write');
	GRANT SELECT ON public.deployment TO application;
	GRANT EXECUTE ON FUNCTION rbac.rbac_set_principal TO application;
});
for my $path ("''", 'evil', 'evil, rbac', 'pg_temp, public')
{
	is($node->safe_psql(
			'apart', qq{
			SET search_path = $path;
			SET SESSION AUTHORIZATION application;
			BEGIN;
			SELECT rbac.rbac_set_principal(rbac.rbac_user('bob\@acme.example')) \\gset
			SELECT pg_catalog.count(*) FROM public.deployment;
			SELECT rbac.rbac_has_permission('acme.engineering.backend-dev', 'admin');
			SELECT pg_catalog.count(*) > 0 FROM rbac.rbac_effective_permissions('acme.engineering.backend-dev');
		}),
		"10\nt\nt", "policies and decisions with search_path = $path");
}
$node->psql('apart', 'ALTER EXTENSION aiven_rbac SET SCHEMA public', stderr => \$stderr);
like($stderr, qr/does not support SET SCHEMA/, 'it is not relocatable');

$node->safe_psql('postgres', 'CREATE DATABASE occupied');
$node->safe_psql('occupied', 'CREATE SCHEMA aiven_rbac');
$node->psql('occupied', 'CREATE EXTENSION aiven_rbac', stderr => \$stderr);
like($stderr, qr/schema "aiven_rbac" already exists/, 'S5: a schema that somebody prepared is not taken over');

# --- rolled back, and made again ----------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE again');
my $question = q{SELECT rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'admin'), rbac_has_permission(rbac_user('erin@acme.example'), 'acme', 'service.create')};
my $session = $node->background_psql('again');
$session->query_safe('BEGIN; CREATE EXTENSION aiven_rbac');
$session->query_safe($acme);
is($session->query_safe($question), 't|f', 'an extension that is not committed works');
$session->query_safe('ROLLBACK');
$session->query_safe('CREATE EXTENSION aiven_rbac');
$session->query_safe($acme);
is($session->query_safe($question), 't|f', 'after ROLLBACK and another CREATE EXTENSION in the same session');
$session->query_safe('BEGIN; SAVEPOINT a; DROP EXTENSION aiven_rbac; CREATE EXTENSION aiven_rbac');
is($session->query_safe(q{SELECT rbac_has_permission(gen_random_uuid(), 'acme', 'admin')}), 'f', 'dropped and made in a savepoint');
$session->query_safe('ROLLBACK TO a');
is($session->query_safe($question), 't|f', 'after ROLLBACK TO');
$session->query_safe('COMMIT');
$session->query_safe('DO $$ BEGIN DROP EXTENSION aiven_rbac; RAISE EXCEPTION $x$no$x$; EXCEPTION WHEN OTHERS THEN NULL; END $$');
is($session->query_safe($question), 't|f', 'after a DROP EXTENSION that an exception block took back');

# --- dropped while others have it cached ----------------------------------------------------

my $other = $node->background_psql('again', on_error_stop => 0);
$other->query_safe('PREPARE ask AS ' . $question);
is($other->query_safe('EXECUTE ask'), 't|f', 'another session has asked');
$other->query_safe(q{CREATE TEMP TABLE kept AS SELECT rbac_user('bob@acme.example') AS bob});
$session->query_safe(
	q{CREATE TABLE item (id int, place uuid); INSERT INTO item SELECT 1, rbac_resource_id('acme.engineering.backend-dev');
	SELECT rbac_protect_table('item', 'place', read => 'project:services:read'); GRANT SELECT ON item TO application;
	CREATE FUNCTION ask(uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN rbac_has_permission($1, 'acme.engineering.backend-dev', 'admin'); END $$});
is($other->query_safe('SELECT ask(bob) FROM kept'), 't', 'by a function, too');
$session->query_safe('SET client_min_messages = error; DROP EXTENSION aiven_rbac CASCADE');
is($node->safe_psql('again', 'SET SESSION AUTHORIZATION application; SELECT count(*) FROM item'), 0, 'G10: a table that was protected shows nothing without the extension');
$other->query('EXECUTE ask');
like($other->{stderr}, qr/does not exist/, 'a prepared statement that asks is an error');
$other->{stderr} = '';
$other->query('SELECT ask(bob) FROM kept');
like($other->{stderr}, qr/does not exist/, 'and so is a function');
$other->{stderr} = '';
$session->query_safe('CREATE EXTENSION aiven_rbac');
$session->query_safe($acme);
is($other->query_safe('EXECUTE ask'), 't|f', 'the statement works again with the new one');
is($other->query_safe('SELECT ask(bob) FROM kept'), 'f', 'in which the old ids are nobody\'s');
is($other->query_safe(q{SELECT ask(rbac_user('bob@acme.example'))}), 't', 'and the new ones somebody\'s');
same_decisions(decisions($node, 'again'), $expected, 'all is as it was');

# In the middle of a scan
$session->quit;
$session = $node->background_psql('again', on_error_stop => 0);
$session->query_safe(q{CREATE VIEW asks AS SELECT n FROM generate_series(1, 100) AS n WHERE NOT rbac_has_permission('00000000-0000-0000-0000-000000000001', gen_random_uuid(), 'admin')});
$session->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT * FROM asks');
is($session->query_safe('FETCH c'), 1, 'a cursor whose rows are looked up one by one');
$session->query('SET client_min_messages = error; DROP EXTENSION aiven_rbac CASCADE; FETCH ALL FROM c');
like($session->{stderr}, qr/ERROR: +.*aiven_rbac.* does not exist/, 'it fails when the tables are gone');
$session->{stderr} = '';
$session->query_safe('ROLLBACK');
is($session->query_safe($question), 't|f', 'and nothing else comes of it');
$session->quit;
$other->quit;

$node->stop;
done_testing();
