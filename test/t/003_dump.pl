# What pg_dump takes and pg_restore brings back decides exactly the same.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('dumped');
$node->safe_psql('postgres', 'CREATE DATABASE source');
acme($node, 'source');

# A history: a move, a group that changed, periods, somebody deactivated, an
# invitation that is still open, a mapped role; and a catalogue of one's own.
$node->safe_psql(
	'source', q{
	SELECT rbac_unit_create('acme', 'archive', 'Old things');
	SELECT rbac_project_move('acme.engineering.backend-prod', 'acme.archive');
	SELECT rbac_project_move('acme.finance-prod', 'acme.engineering');
	SELECT rbac_organization_create('bolt', 'Bolt', rbac_user('erin@acme.example'));
	SELECT rbac_project_create('bolt', 'bolt-prod');
	SELECT rbac_grant(rbac_user('frank@acme.example'), 'operator', 'acme.engineering', valid_until => now() + interval '1 year');
	SELECT rbac_grant(rbac_user('erin@acme.example'), 'operator', 'acme.archive', valid_from => now() + interval '1 year');
	SELECT rbac_invitation_create('acme', 'zoe@acme.example');
	CREATE ROLE mapped;
	SELECT rbac_database_role_map('mapped', rbac_user('bob@acme.example'));
	SELECT rbac_grant(rbac_user('dave@acme.example'), 'admin', 'acme.archive.backend-prod');
	UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE email = 'dave@acme.example';

	INSERT INTO aiven_rbac.action (number, name, resource_kind, description)
	VALUES (250, 'topic.purge', 'service', 'Remove all messages of a topic');
	INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
	SELECT '00000000-0000-0000-0000-0000000000f0', id, 'purger', 'role', 'Purger' FROM aiven_rbac.resource WHERE path = 'acme';
	INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
	SELECT '00000000-0000-0000-0000-0000000000f0', id, 'project' FROM aiven_rbac.resource WHERE path = 'acme';
	INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
	VALUES ('00000000-0000-0000-0000-0000000000f0', 'project', 250);
	SELECT rbac_grant(rbac_user('erin@acme.example'), 'purger', 'acme.analytics.data-warehouse');

	INSERT INTO aiven_rbac.billing_address (id, organization, company_name, city, country_code)
	SELECT '00000000-0000-0000-0000-0000000000b1', id, 'Acme', 'Helsinki', 'FI' FROM aiven_rbac.organization
	WHERE id = rbac_resource_id('acme');
	INSERT INTO aiven_rbac.payment_method (id, organization, provider, provider_reference, last_four)
	VALUES ('00000000-0000-0000-0000-0000000000b2', rbac_resource_id('acme'), 'stripe', 'pm_1', '4242');
	INSERT INTO aiven_rbac.billing_group (id, organization, name, currency, billing_address, payment_method)
	VALUES ('00000000-0000-0000-0000-0000000000b3', rbac_resource_id('acme'), 'main', 'EUR',
			'00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000b2');
	UPDATE aiven_rbac.project SET billing_group = '00000000-0000-0000-0000-0000000000b3'
	WHERE id = rbac_resource_id('acme.archive.backend-prod');
	INSERT INTO aiven_rbac.domain (organization, name, verification, verified_at)
	VALUES (rbac_resource_id('bolt'), 'bolt.example', 'x', now());
	INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor, allowed_methods)
	VALUES (rbac_resource_id('bolt'), true, '{saml}');
	INSERT INTO aiven_rbac.plan_list (resource, kind, organization, plans)
	VALUES (rbac_resource_id('acme'), 'organization', rbac_resource_id('acme'), '{startup-4,business-4}');
	INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
	VALUES (rbac_resource_id('acme.archive.backend-prod'), 'project', rbac_resource_id('acme'), 'env', 'prod');
	CREATE ROLE account;
	SELECT rbac_service_user_create('acme.archive.backend-prod.redis', 'default', 'account');
	SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'nightly', max_age => interval '30 days');

	-- Parents come after what is inside them, as rows lie in the table.
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'project';
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'unit';
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'organization';
	UPDATE aiven_rbac.membership SET joined_at = joined_at;
});
is($node->safe_psql('source', q{SELECT bool_and(r.ctid < p.ctid) FROM aiven_rbac.resource AS r JOIN aiven_rbac.resource AS p ON p.id = r.parent}),
	't', 'parents lie after what is inside them');

is($node->safe_psql('source', q{
	SELECT c.relname FROM pg_class AS c, pg_extension AS e
	WHERE e.extname = 'aiven_rbac' AND c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'p', 'S')
	  AND c.oid <> ALL (e.extconfig) AND c.relname NOT LIKE '%\_signal'}), '', 'every table is for pg_dump, but those that are always empty');

# Every row of every table of the extension, without its physical place
my $contents = q{
	SELECT c.relname, query_to_xml(format('SELECT t.* FROM aiven_rbac.%I AS t ORDER BY t::text COLLATE "C"', c.relname), true, true, '')::text
	FROM pg_class AS c WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'r' ORDER BY 1};
my $rows_seen = join "\n", map {
	"BEGIN; SELECT '$_', rbac_set_principal(" . principal($_) . "); SET LOCAL ROLE application;"
	  . "SELECT place, count(*) FROM deployment GROUP BY 1 ORDER BY 1; SELECT place, count(*) FROM secret GROUP BY 1 ORDER BY 1; COMMIT;"
} 'ann', 'bob', 'carol', 'dave', 'erin', 'frank';
my $structure = q{
	SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
	WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'aiven_rbac'::regnamespace) AND NOT tgisinternal
	UNION ALL
	SELECT polrelid::regclass, polname, polcmd FROM pg_policy
	UNION ALL
	SELECT oid::regclass, relacl::text, relforcerowsecurity::text::"char" FROM pg_class
	WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind = 'r' OR relname IN ('deployment', 'secret')
	ORDER BY 1, 2};
my %source = (
	decisions => decisions($node, 'source'),
	contents => $node->safe_psql('source', $contents),
	rows => $node->safe_psql('source', $rows_seen),
	structure => $node->safe_psql('source', $structure));
like($source{decisions}, qr/^user\|Erin\|acme\.analytics\.data-warehouse\|.*\bpurger\b.*\btopic\.purge\b/m, 'a role of one\'s own counts');
unlike($source{decisions}, qr/^user\|Dave\|/m, 'and who is deactivated does not');

sub equals_source
{
	my ($database, $how, %but) = @_;

	same_decisions(decisions($node, $database), $source{decisions}, "$how: the same decisions");
	ok($node->safe_psql($database, $contents) eq $source{contents}, "$how: the same rows, none of them twice");
	is($node->safe_psql($database, $rows_seen), $source{rows}, "$how: the same rows of protected tables for everybody");
	is($node->safe_psql($database, $structure), $source{structure}, "$how: the same triggers, policies and privileges")
	  unless $but{structure};
}

# Run a program of PostgreSQL's and want it to say nothing.
sub silently
{
	my ($what, @command) = @_;
	my ($stdout, $stderr) = ('', '');

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run(\@command, '>', \$stdout, '2>', \$stderr);
	ok($ok && $stderr eq '', "$what without an error or warning") or diag($stderr);
}

my $directory = PostgreSQL::Test::Utils::tempdir();
sub fresh
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
}

# --- everything, as a script and as an archive -------------------------------------

silently('pg_dump as a script', 'pg_dump', '-f', "$directory/plain.sql", 'source');
unlike(slurp_file("$directory/plain.sql"), qr/service\.fork/, 'the built-in catalogue is not in the dump');
fresh('plain');
silently('psql', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$directory/plain.sql");
equals_source('plain', 'script');

silently('pg_dump as an archive', 'pg_dump', '-Fc', '-f', "$directory/archive", 'source');
fresh('archive');
silently('pg_restore', 'pg_restore', '--exit-on-error', '-d', 'archive', "$directory/archive");
equals_source('archive', 'archive');

# PostgreSQL's parallel restore does not make rows wait for the rows of an
# extension's table that they reference: those come first, one after the other.
fresh('jobs');
silently("pg_restore @$_", 'pg_restore', '--exit-on-error', @$_, '-d', 'jobs', "$directory/archive")
  for [ '--section=pre-data' ], [ '--section=data', '-n', 'aiven_rbac' ],
  [ '-j', '2', '--section=data', '-N', 'aiven_rbac' ], [ '-j', '2', '--section=post-data' ];
equals_source('jobs', 'in parallel');

# --- structure first, data later -----------------------------------------------------

# A session has cached that nobody holds anything when the data comes.
sub data_into
{
	my ($database, $how, @command) = @_;

	fresh($database);
	silently("$how: structure", 'pg_restore', '--exit-on-error', '--schema-only', '-d', $database, "$directory/archive");
	my $erin = $node->safe_psql('source', 'SELECT ' . principal('erin'));
	my $question = "SELECT rbac_has_permission('$erin', 'acme.analytics.data-warehouse', 'read_only'), rbac_has_permission('$erin', 'bolt.bolt-prod', 'admin')";
	my $open = $node->background_psql($database);
	is($open->query_safe($question), 'f|f', "$how: nothing is held before");
	silently("$how: data", @command);
	is($open->query_safe($question), 'f|t', "$how: an open session knows what came");
	$open->quit;
}

data_into('later', 'data with triggers', 'pg_restore', '--exit-on-error', '--data-only', '-d', 'later', "$directory/archive");
equals_source('later', 'data with triggers');

data_into('untriggered', 'data without triggers',
	'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', 'untriggered', "$directory/archive");

# PostgreSQL enables all triggers alike afterwards.
equals_source('untriggered', 'data without triggers', structure => 1);

silently('pg_dump of data', 'pg_dump', '--data-only', '-f', "$directory/data.sql", 'source');
data_into('script', 'data as a script', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'script', '-f', "$directory/data.sql");
equals_source('script', 'data as a script');

# The restored database is alive: rules still hold there.
my ($stdout, $stderr);
$node->psql('archive', q{SELECT rbac_unit_create('acme.engineering', 'inside')}, stderr => \$stderr);
like($stderr, qr/ERROR: .*"acme.engineering"/, 'H1: what is refused before is refused after');
$node->psql('archive', q{DELETE FROM aiven_rbac.group_member WHERE account_owners}, stderr => \$stderr);
like($stderr, qr/without a super admin/, 'P5: on every write path');

$node->stop;
done_testing();
