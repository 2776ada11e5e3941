# G11: whoever is to lose access cannot hold it up.  A call that ends access meets
# a transaction that is left open: where it acts for the loser it is ended, and
# the call takes effect; where somebody else holds the lock, the call fails at the
# bound and names them; and whoever may not make the call ends nobody's session.

use strict;
use warnings;

use RbacTest;
use Session;
use Test::More;
use Time::HiRes qw(usleep);

my $node = server('ending', conf => "aiven_rbac.lock_wait = '600ms'\nmax_prepared_transactions = 2\nstatement_timeout = '60s'\n");

$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION aiven_rbac;
	CREATE TABLE known (name text PRIMARY KEY, id text);
	CREATE ROLE plain;
	CREATE ROLE mapped;
	DO $$ BEGIN
		PERFORM rbac_user_create(n || '@acme.example', n) FROM unnest('{ann,art,sue,grace,cat,uli,frank,eve}'::text[]) AS n;
		PERFORM rbac_user_create('mia@managed.example', 'mia');
		PERFORM rbac_organization_create(o, o, rbac_user('ann@acme.example')) FROM unnest('{acme,globex,void}'::text[]) AS o;
		PERFORM rbac_invitation_accept(rbac_invitation_create(o::rbac_path, p.email))
		FROM unnest('{acme,globex,void}'::text[]) AS o, aiven_rbac.principal AS p WHERE p.name IN ('art', 'sue');
		PERFORM rbac_super_admin_add(o::rbac_path, rbac_user(n || '@acme.example'))
		FROM unnest('{acme,void}'::text[]) AS o, unnest('{art,sue}'::text[]) AS n;
		PERFORM rbac_invitation_accept(rbac_invitation_create('acme', p.email))
		FROM aiven_rbac.principal AS p WHERE p.name IN ('grace', 'cat', 'uli', 'frank', 'mia');
		PERFORM rbac_domain_verify('acme', 'managed.example', rbac_domain_add('acme', 'managed.example'));
		PERFORM rbac_unit_create('acme', u) FROM unnest('{u,v,empty}'::text[]) AS u;
		PERFORM rbac_project_create('acme.u', 'dev'), rbac_project_create('acme.u', 'bare');
		PERFORM rbac_service_create('acme.u.dev', 'pg', 'pg'), rbac_service_user_create('acme.u.dev.pg', 'app');
		PERFORM rbac_role_create('acme', 'boss', '{permission.grant,service.fork,project_tag.add,project_tag.edit}', '{project}');
		PERFORM rbac_grant(rbac_user('grace@acme.example'), 'role:organization:admin', 'acme');
		PERFORM rbac_grant(rbac_user('mia@managed.example'), 'role:organization:admin', 'acme');
		PERFORM rbac_grant(rbac_user('uli@acme.example'), 'role:organization:admin', 'acme.u');
		PERFORM rbac_grant(rbac_user('cat@acme.example'), 'boss', 'acme.u.dev');
		PERFORM rbac_database_role_map('mapped', rbac_user('mia@managed.example'));
		PERFORM rbac_group_create('acme', 'team'), rbac_application_user_create('acme', 'robot');
		PERFORM rbac_grant(rbac_group('acme', 'team'), 'operator', 'acme.u.dev');
		PERFORM rbac_group_member_add(rbac_group('acme', 'team'), rbac_user('grace@acme.example'));
		PERFORM rbac_grant(rbac_application_user('acme', 'robot'), 'admin', 'acme.u.dev');
		INSERT INTO known SELECT name, id FROM aiven_rbac.principal WHERE name <> 'account owners';
		INSERT INTO known VALUES ('acme', rbac_resource_id('acme')), ('billing', rbac_billing_group_create('globex', 'main')),
								 ('invitation', rbac_invitation_create('acme', 'eve@acme.example')),
								 ('secret', rbac_token_create(rbac_application_user('acme', 'robot'), 'deploys'));
		INSERT INTO known SELECT 'token', left(id, 17) FROM known WHERE name = 'secret';
	END $$;
});

my $monitor = Session->new($node, 'postgres');
my %known = map { @$_ } $monitor->rows('SELECT name, id FROM known');

sub fill_in
{
	my ($sql) = @_;
	return $sql =~ s/\$(\w+)/"'" . ($known{$1} \/\/ die "nothing is called $1 in: $sql") . "'"/ger;
}

# A session that has begun a transaction, and acts for somebody
sub begin
{
	my ($who, $isolation) = @_;
	my $session = Session->new($node, 'postgres');

	$session->rows("SET application_name = '$who''s'");
	$session->rows('BEGIN ISOLATION LEVEL ' . ($isolation // 'READ COMMITTED'));
	$session->rows(fill_in("SELECT rbac_set_principal(\$$who)")) if $who ne 'operator';
	return $session;
}

# The same, which leaves it open after a call
sub leave_open
{
	my ($who, @calls) = @_;
	my $session = begin($who);

	$session->rows(fill_in("SELECT $_")) for @calls;
	return $session;
}

sub is_there
{
	my ($session) = @_;
	my ($count) = $monitor->rows('SELECT count(*) FROM pg_stat_activity WHERE pid = ' . $session->pid);

	return $count->[0];
}

# One that is ended is shown for a moment after its locks are free.
sub stays
{
	my ($session) = @_;

	for (1 .. 200)
	{
		return 0 unless is_there($session);
		usleep(50_000);
	}
	return 1;
}

# What ends whose access, by whom; by which open calls of the loser it could be
# held up; and a condition that says that it has taken effect
my @endings = (
	[ 'ann', "rbac_revoke(\$grace, 'role:organization:admin', 'acme')", 'grace',
		[ "rbac_revoke(\$grace, 'role:organization:admin', 'acme')", "rbac_member_leave('acme')" ],
		"NOT rbac_has_permission(\$grace, 'acme', 'permission.grant')" ],
	[ 'ann', "rbac_revoke(\$team, 'operator', 'acme.u.dev')", 'grace',
		[ "rbac_revoke(\$team, 'operator', 'acme.u.dev')", "rbac_project_edit('acme.u.dev', NULL, 'dev2')" ],
		"NOT rbac_has_permission(\$team, 'acme.u.dev', 'service.view')" ],
	[ 'ann', "rbac_revoke_all(\$grace, 'acme')", 'grace',
		[ "rbac_revoke(\$grace, 'role:organization:admin', 'acme')", "rbac_member_leave('acme')" ],
		"NOT rbac_has_permission(\$grace, 'acme', 'permission.grant')" ],
	[ 'ann', "rbac_member_remove('acme', \$grace)", 'grace',
		[ "rbac_member_leave('acme')", "rbac_user_edit(\$grace, 'G')", "rbac_revoke(\$grace, 'role:organization:admin', 'acme')" ],
		"NOT aiven_rbac.has_membership(\$grace, \$acme)" ],
	[ 'ann', "rbac_group_member_remove(\$team, \$grace)", 'grace',
		[ "rbac_group_member_remove(\$team, \$grace)", "rbac_group_rename(\$team, 'crew')", "rbac_member_leave('acme')" ],
		"NOT aiven_rbac.is_in_group(\$grace, \$team)" ],
	[ 'ann', "rbac_group_delete(\$team)", 'grace',
		[ "rbac_group_edit(\$team, 'x')", "rbac_grant(\$team, 'developer', 'acme.u.dev')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.principal WHERE id = \$team)" ],
	[ 'ann', "rbac_super_admin_remove('acme', \$sue)", 'sue',
		[ "rbac_organization_support_tier_set('acme', 'premium')", "rbac_member_leave('acme')", "rbac_super_admin_remove('acme', \$sue)" ],
		"NOT aiven_rbac.is_super_admin(\$sue, \$acme)" ],
	[ 'ann', "rbac_group_member_remove(aiven_rbac.account_owners(rbac_resource_id('acme')), \$sue)", 'sue',
		[ "rbac_super_admin_remove('acme', \$sue)" ],
		"NOT aiven_rbac.is_super_admin(\$sue, \$acme)" ],
	[ 'ann', "rbac_user_deactivate(\$mia)", 'mia', [ "rbac_user_edit(\$mia, 'M')", "rbac_user_delete(\$mia)" ],
		"NOT rbac_has_permission(\$mia, 'acme', 'permission.grant')" ],
	[ 'ann', "rbac_user_delete(\$mia)", 'mia', [ "rbac_token_create(\$mia, 'hers')", "rbac_member_leave('acme')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.principal WHERE id = \$mia)" ],
	[ 'ann', "rbac_user_edit(\$mia, NULL, 'maria\@managed.example')", 'mia', [ "rbac_user_edit(\$mia, 'M')" ],
		"EXISTS (SELECT FROM aiven_rbac.principal WHERE email = 'maria\@managed.example')" ],
	[ 'ann', "rbac_token_revoke(\$token)", 'robot', [ "rbac_token_revoke(\$token)" ],
		"EXISTS (SELECT FROM aiven_rbac.token WHERE prefix = \$token AND revoked_at IS NOT NULL)" ],
	[ 'ann', "rbac_application_user_delete(\$robot)", 'robot',
		[ "rbac_revoke(\$robot, 'admin', 'acme.u.dev')", "rbac_authenticate(\$secret)" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.principal WHERE id = \$robot)" ],
	[ 'ann', "rbac_role_edit('acme', 'boss', '{service.fork}')", 'cat',
		[ "rbac_revoke(\$cat, 'boss', 'acme.u.dev')", "rbac_grant(\$frank, 'boss', 'acme.u.dev')" ],
		"NOT rbac_has_permission(\$cat, 'acme.u.dev', 'permission.grant')" ],
	[ 'ann', "rbac_invitation_withdraw(\$invitation)", 'eve', [ "rbac_invitation_accept(\$invitation)" ],
		"EXISTS (SELECT FROM aiven_rbac.invitation WHERE id = \$invitation AND withdrawn_at IS NOT NULL)" ],
	[ 'operator', "rbac_database_role_map('mapped', NULL)", 'mia', [ "rbac_user_delete(\$mia)" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.database_role WHERE role = 'mapped'::regrole)" ],
	[ 'operator', "rbac_database_role_map('mapped', \$frank)", 'mia', [ "rbac_user_delete(\$mia)" ],
		"EXISTS (SELECT FROM aiven_rbac.database_role WHERE role = 'mapped'::regrole AND principal = \$frank)" ],
	[ 'ann', "rbac_domain_remove('acme', 'managed.example')", 'mia', [ "rbac_domain_remove('acme', 'managed.example')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.domain)" ],
	[ 'ann', "rbac_authentication_policy_set('acme', true, '{saml}', false)", 'grace',
		[ "rbac_authentication_policy_set('acme', false, NULL, true)" ],
		"EXISTS (SELECT FROM aiven_rbac.authentication_policy WHERE require_two_factor)" ],
	[ 'ann', "rbac_project_delete('acme.u.bare')", 'uli',
		[ "rbac_tag_set('acme.u.bare', 'a', 'b')", "rbac_project_edit('acme.u.bare', 'Bare')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.resource WHERE path = 'acme.u.bare')" ],
	[ 'ann', "rbac_service_delete('acme.u.dev.pg')", 'uli', [ "rbac_tag_set('acme.u.dev.pg', 'a', 'b')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.resource WHERE path = 'acme.u.dev.pg')" ],
	[ 'ann', "rbac_unit_delete('acme.empty')", 'grace', [ "rbac_unit_rename('acme.empty', 'E')", "rbac_project_create('acme.empty', 'late')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.resource WHERE path = 'acme.empty')" ],
	[ 'ann', "rbac_organization_delete('void')", 'sue', [ "rbac_organization_rename('void', 'V')", "rbac_group_create('void', 'late')" ],
		"NOT EXISTS (SELECT FROM aiven_rbac.resource WHERE path = 'void')" ],
	[ 'ann', "rbac_project_move('acme.u.dev', 'acme.v')", 'uli',
		[ "rbac_tag_set('acme.u.dev', 'a', 'b')", "rbac_service_create('acme.u.dev', 'late', 'pg')" ],
		"EXISTS (SELECT FROM aiven_rbac.resource WHERE path = 'acme.v.dev')" ],
	[ 'ann', "rbac_project_move('acme.u.dev', 'globex', \$billing)", 'cat',
		[ "rbac_tag_set('acme.u.dev', 'a', 'b')", "rbac_revoke(\$cat, 'boss', 'acme.u.dev')" ],
		"NOT rbac_has_permission(\$cat, 'globex.dev', 'permission.grant')" ],
	[ 'grace', "rbac_member_leave('acme')", 'grace', [ "rbac_revoke(\$grace, 'role:organization:admin', 'acme')" ],
		"NOT aiven_rbac.has_membership(\$grace, \$acme)" ],
	[ 'grace', "rbac_revoke(\$grace, 'role:organization:admin', 'acme')", 'grace', [ "rbac_member_leave('acme')" ],
		"NOT rbac_has_permission(\$grace, 'acme', 'permission.grant')" ],
);

# --- whoever loses access cannot hold it up ------------------------------------------

# Ann's policy is one that her session satisfies.
sub log_in
{
	my ($session, $who) = @_;
	$session->rows(fill_in("SELECT rbac_set_principal(\$$who, 'saml', true)")) if $who eq 'ann';
	return;
}

for my $isolation ('READ COMMITTED', 'REPEATABLE READ')
{
	for my $ending (@endings)
	{
		my ($who, $call, $loser, $opens, $effect) = @$ending;

		for my $open (@$opens)
		{
			# The snapshot is from before.
			my $ender = begin($who, $isolation);
			log_in($ender, $who);
			my $session = leave_open($loser, $open);
			my $result = $ender->run(fill_in("SELECT * FROM $call"));
			my ($took) = $result->{code} ? ['f'] : $ender->rows(fill_in("SELECT $effect"));

			is("$took->[0], " . ($result->{code} // 'no error') . ', ' . stays($session), 't, no error, 0',
				"G11: $isolation: $loser, who has called $open, does not hold up $call")
			  or diag explain $result;
			$ender->run('ROLLBACK');
		}
	}
}

# --- who may not make the call ends nobody's session ---------------------------------

for my $ending (@endings)
{
	my ($who, $call, $loser, $opens) = @$ending;
	next if $call =~ /leave/;
	my $session = leave_open($loser, $opens->[-1]);
	my $ender = begin('frank');
	my $result = $ender->run(fill_in("SELECT * FROM $call"));

	like(($result->{code} // 'no error') . ', ' . is_there($session), qr/^(?:42501|42704|55000), 1$/, "frank is refused by $call, and ends no session of $loser")
	  or diag explain $result;
	$session->rows('ROLLBACK');
}

# --- who loses nothing, or is somebody else ------------------------------------------

sub is_bystander
{
	my ($session, $who, $call, $why) = @_;
	my $ender = begin($who);
	my $result = $ender->run(fill_in("SELECT * FROM $call"));
	my $pid = $session->pid;

	is($result->{code} // 'no error', '55P03', "$why: fails at the bound") or diag explain $result;
	like($result->{detail} // '', qr/^In the way: process $pid of role "\w+" \(application "\w+'s"\)\.$/, "$why: it is named");
	is(is_there($session), 1, "$why: it stays");
	is($session->run('COMMIT')->{tag}, 'COMMIT', "$why: and commits");
	return;
}

is_bystander(leave_open('operator', "rbac_user_edit(\$grace, 'Gr')"), 'ann', "rbac_member_remove('acme', \$grace)", 'the operator');
is_bystander(leave_open('art', "rbac_grant(\$grace, 'admin', 'acme.u.dev')"), 'ann', "rbac_project_move('acme.u.dev', 'acme.v')",
	'a super admin, who keeps all by a move inside the organization');
is_bystander(leave_open('grace', "rbac_project_edit('acme.u.dev', 'Dev', 'dev2')"), 'ann', "rbac_revoke(\$cat, 'boss', 'acme.u.dev')", 'somebody who does not lose');
$node->safe_psql('postgres', "SELECT rbac_project_edit('acme.u.dev2', NULL, 'dev')");
is_bystander(leave_open('grace', "rbac_user_edit(\$grace, 'Grace')"), 'ann', "rbac_member_remove('globex', \$grace)", 'a member of another organization');
is_bystander(leave_open('grace', "rbac_project_edit('acme.u.dev', 'Dev', 'dev2')"), 'ann', "rbac_revoke(\$grace, 'developer', 'acme.u.dev')",
	'somebody who has nothing to lose there');
$node->safe_psql('postgres', "SELECT rbac_project_edit('acme.u.dev2', NULL, 'dev')");
is_bystander(leave_open('cat', "rbac_tag_set('acme.u.dev', 'c', 'd')"), 'ann', "rbac_project_delete('acme.u.dev')", 'a deletion that would be refused');
is_bystander(leave_open('grace', "rbac_authentication_policy_set('acme', false, NULL, true)"), 'ann', "rbac_authentication_policy_set('acme', false, NULL, true)",
	'a policy that demands no more');
is_bystander(leave_open('cat', "rbac_grant(\$frank, 'boss', 'acme.u.dev')"), 'ann',
	"rbac_role_edit('acme', 'boss', '{permission.grant,service.fork,project_tag.add,project_tag.edit,service.power}')", 'a role that gets more');

# --- many sessions, in a row and one behind the other --------------------------------

{
	my @sessions = leave_open('grace', "rbac_revoke(\$grace, 'role:organization:admin', 'acme')");
	for (1 .. 4)
	{
		my $next = begin('grace');
		$next->rows("SET LOCAL aiven_rbac.lock_wait = '1min'");
		$next->start(fill_in("SELECT rbac_revoke(\$grace, 'role:organization:admin', 'acme')"));
		push @sessions, $next;
		my $pid = $next->pid;
		$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid");
	}
	my $other = leave_open('grace', "rbac_user_edit(\$grace, 'Grace')");
	my $ender = begin('ann');
	my $result = $ender->run(fill_in("SELECT rbac_member_remove('acme', \$grace)"));

	is($result->{code} // 'no error', 'no error', 'all that the loser has open is no hindrance') or diag explain $result;
	is(stays($_), 0, 'each is ended') for @sessions, $other;
	$ender->rows('COMMIT');
	my ($member) = $monitor->rows(fill_in("SELECT aiven_rbac.has_membership(\$grace, \$acme)"));
	is($member->[0], 'f', 'and access has ended');
	$node->safe_psql('postgres', fill_in("SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'grace\@acme.example')); SELECT rbac_grant(\$grace, 'role:organization:admin', 'acme')"));
}

# --- the bound -----------------------------------------------------------------------

{
	my $open = leave_open('operator', "rbac_user_edit(\$grace, 'Gr')");
	my $ender = begin('ann');
	$ender->rows("SET LOCAL lock_timeout = '60ms'");
	like($ender->run(fill_in("SELECT rbac_member_remove('acme', \$grace)"))->{message}, qr/within 60 ms/, 'a shorter lock_timeout counts');
	$ender->rows('ROLLBACK');
	$ender->rows('SET ROLE plain');
	is($ender->run("SET aiven_rbac.lock_wait = '1h'")->{code}, '42501', 'nobody but a superuser sets the bound');
	$ender->rows('RESET ROLE');

	# What the call leaves is as it was.
	$ender->rows("SET lock_timeout = '7s'");
	$ender->rows(fill_in("SELECT rbac_revoke(\$team, 'operator', 'acme.u.dev')"));
	my ($timeout) = $ender->rows('SHOW lock_timeout');
	is($timeout->[0], '7s', 'the session keeps its lock_timeout');
	$node->safe_psql('postgres', fill_in("SELECT rbac_grant(\$team, 'operator', 'acme.u.dev')"));
	$open->rows('ROLLBACK');
}

# --- marks ---------------------------------------------------------------------------

{
	my $open = begin('grace');
	my $marks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1467 AND pid = " . $open->pid;

	$open->rows('SAVEPOINT s');
	$open->rows("SELECT rbac_tag_set('acme.u.dev', 'e', 'f')");
	is(($monitor->rows($marks))[0][0], 1, 'a session that administers for a principal is marked');
	is($open->run("SELECT pg_advisory_unlock_all()")->{code}, undef, 'which SQL does not take away');
	is(($monitor->rows($marks))[0][0], 1, 'at all');
	$open->rows('ROLLBACK TO s');
	is(($monitor->rows($marks))[0][0], 0, 'until what it has locked is released');
	$open->rows('ROLLBACK');

	$open->rows('BEGIN');
	$open->rows(fill_in("SELECT rbac_set_principal(\$grace)"));
	$open->rows(fill_in("SELECT rbac_revoke(\$grace, 'role:organization:admin', 'acme')"));
	my $result = $open->run("PREPARE TRANSACTION 'for good'");
	is("$result->{code} $result->{message}", '0A000 cannot PREPARE a transaction in which a principal has administered', 'G11: nothing is prepared that nobody could end');

	$open->rows('BEGIN');
	$open->rows(fill_in("SELECT rbac_revoke(\$grace, 'role:organization:admin', 'acme')"));
	$open->rows("PREPARE TRANSACTION 'operator''s'");
	my $ender = begin('ann');
	like($ender->run(fill_in("SELECT rbac_member_remove('acme', \$grace)"))->{detail}, qr/^In the way: a prepared transaction\.$/, 'one of the operator is named');
	$open->rows("ROLLBACK PREPARED 'operator''s'");
}

# --- none is forgotten ---------------------------------------------------------------

my $called = join "\n", map { $_->[1] } @endings;
my @functions = map { $_->[0] } $monitor->rows("SELECT proname FROM pg_proc WHERE prosrc IN ('rbac_ending', 'rbac_deleting') AND probin IS NOT NULL");
is_deeply([ sort grep { $called !~ /\b$_\(/ } @functions ], [qw(rbac_role_delete rbac_service_user_delete rbac_user_email_set)],
	'every call that ends access is tried, but those that end no principal\'s, or that no principal makes');

done_testing();
