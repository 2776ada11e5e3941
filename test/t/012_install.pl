# CREATE EXTENSION by a superuser, in a database of somebody else's: nothing that
# the owner of the database has made is called, then or later.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('install', conf => 'max_locks_per_transaction = 1024');
my ($stdout, $stderr);
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE planted OWNER mallory');
$node->safe_psql('planted', 'GRANT CREATE ON SCHEMA public TO mallory');

# --- operators and functions ------------------------------------------------------------

$node->safe_psql('planted', 'SET ROLE mallory;' . plants('public'));
$node->psql('planted', q{SELECT 'a'::name ~~ 'b'}, stderr => \$stderr);
like($stderr, qr/a planted object was called/, 'what is planted is called where nothing prevents it');
is($node->psql('planted', 'CREATE EXTENSION aiven_rbac', stderr => \$stderr), 0, 'S5: not by CREATE EXTENSION');
is($stderr, '', 'which is made without a word');

# The extension at work, by names that are qualified where they could be shadowed
$node->safe_psql(
	'planted', q{
	SET search_path = pg_catalog, public;
	SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example'));
	SELECT rbac_unit_create('acme', 'eng');
	SELECT rbac_project_create('acme.eng', 'dev');
	SELECT rbac_service_create('acme.eng.dev', 'pg', 'pg');
	SELECT rbac_tag_set('acme.eng.dev', 'a', 'b');
	SELECT rbac_invitation_accept(rbac_invitation_create('acme', (SELECT 'bob@acme.example' FROM rbac_user_create('bob@acme.example'))));
	SELECT rbac_grant(rbac_user('bob@acme.example'), 'admin', 'acme.eng');
	SELECT rbac_authentication_policy_set('acme', false, '{password,saml}', true);
	SELECT rbac_token_create(rbac_application_user_create('acme', 'robot'), 'a token', '1 day', '{203.0.113.0/24}');
	SELECT rbac_domain_add('acme', 'acme.example');
	SELECT rbac_plan_list_set('acme', '{small,large}');
	SELECT count(*) FROM rbac_check_protection();
	SELECT rbac_tree('acme');
});
pass('S5: nor by its functions');

# Nothing of the extension depends on anything of mallory's.
is($node->psql('planted', 'DROP OWNED BY mallory', stderr => \$stderr), 0,
	'S5: no constraint, policy, view or index has kept a planted operator');
is($node->safe_psql('planted', q{SELECT rbac_has_permission(rbac_user('bob@acme.example'), 'acme.eng.dev', 'admin')}),
	't', 'and all goes on without them');

# --- the names of schemas -----------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE renamed OWNER mallory');
$node->safe_psql('renamed', 'CREATE SCHEMA ext AUTHORIZATION mallory; CREATE EXTENSION aiven_rbac SCHEMA ext');
for my $attempt (
	[ 'ext', 'ALTER SCHEMA ext RENAME TO other', 'by a superuser' ],
	[ 'ext', 'SET ROLE mallory; ALTER SCHEMA ext RENAME TO other', 'by its owner' ],
	[ 'ext', 'SET session_replication_role = replica; ALTER SCHEMA ext RENAME TO other', 'in another replication role' ],
	[ 'aiven_rbac', 'ALTER SCHEMA aiven_rbac RENAME TO other', 'by a superuser' ])
{
	my ($schema, $sql, $who) = @$attempt;

	$node->psql('renamed', $sql, stderr => \$stderr);
	like($stderr, qr/schema of the extension aiven_rbac cannot be renamed/, "S5: schema $schema is not renamed $who");
}
$node->safe_psql('renamed', 'CREATE SCHEMA mine; ALTER SCHEMA mine RENAME TO ours; ALTER SCHEMA ext OWNER TO postgres');
pass('other schemas are, and the extension\'s change their owner');
$node->safe_psql('renamed', 'DROP EXTENSION aiven_rbac; ALTER SCHEMA ext RENAME TO other');
pass('without the extension, nothing is in the way');

$node->stop;
done_testing();
