# A mapping of a database role ends with the role: what another cluster restores is
# by name, and a role that comes to have the number of one that was dropped is
# nobody's principal.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

# The first roles of two clusters have the same numbers.
my $old = server('old');
$old->safe_psql('postgres', 'CREATE ROLE analyst LOGIN; CREATE ROLE account LOGIN; CREATE ROLE early LOGIN; CREATE ROLE early_account LOGIN');
my $new = server('new');
$new->safe_psql('postgres', 'CREATE ROLE intern LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE other; CREATE ROLE late_account LOGIN; CREATE ROLE late LOGIN');
is($new->safe_psql('postgres', q{SELECT 'intern'::regrole::oid}), $old->safe_psql('postgres', q{SELECT 'analyst'::regrole::oid}), 'two roles of the same number');

acme($old, 'postgres');
$old->safe_psql(
	'postgres', q{
	SELECT rbac_database_role_map('analyst', rbac_user('ann@acme.example'));
	SELECT rbac_database_role_map('early', rbac_user('bob@acme.example'));
	SELECT rbac_service_user_create('acme.finance-prod.postgresql', 'dropped', 'account');
	SELECT rbac_service_user_create('acme.finance-prod.postgresql', 'renamed', 'early_account');
	ALTER ROLE early RENAME TO late;
	ALTER ROLE early_account RENAME TO late_account;
	DROP ROLE analyst;
	DROP ROLE account;
});

my $file = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
command_ok([ 'pg_dump', '-f', $file, '-d', $old->connstr('postgres') ], 'pg_dump');
my ($rows) = slurp_file($file) =~ /^COPY aiven_rbac\.database_role [^\n]*\n(.*?)^\\\.$/ms;
is(join(' ', sort map { (split /\t/)[0] } split /\n/, $rows), 'late late_account', 'roles are dumped by name, and those that are gone are not');

$new->safe_psql('postgres', 'CREATE ROLE application; CREATE DATABASE restored');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $new->connstr('restored') ], 'restored in the other cluster');

sub principal_of
{
	my ($node, $database, $role) = @_;
	return $node->safe_psql($database, 'SELECT rbac_current_principal()', extra_params => [ '-U', $role ]);
}
my $bob = $new->safe_psql('restored', 'SELECT ' . principal('bob'));
is(principal_of($old, 'postgres', 'late'), $bob, 'a role that was renamed is the principal that it was');
is(principal_of($new, 'restored', 'late'), $bob, 'and so is the role of its name in the other cluster');
is(principal_of($new, 'restored', $_), '', "nobody is $_") for 'intern', 'stranger', 'late_account';
is($new->safe_psql('restored', q{
	SELECT u.username, d.role FROM aiven_rbac.service_user AS u LEFT JOIN aiven_rbac.database_role AS d USING (service, username) ORDER BY 1}),
	"dropped|\nrenamed|late_account", 'service users are there, with the roles that there are');

$old->stop;
$new->stop;
done_testing();
