# G5, G11: who hands something out and who takes away what it is handed out by
# meet at COMMIT.  Commits are held up where it hurts, after their locks and
# before their end: they wait for a standby that there is not.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('standing', init => { allows_streaming => 1 }, conf => "max_prepared_transactions = 2\n");
my $dave = principal('dave');

$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION aiven_rbac;
	CREATE ROLE dave LOGIN;
	DO $$ BEGIN
		PERFORM rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example'));
		PERFORM rbac_organization_create('globex', 'Globex', rbac_user('ann@acme.example'));
		PERFORM rbac_project_create('acme', 'dev'), rbac_project_create('globex', 'lab');
		PERFORM rbac_user_create(n || '@acme.example') FROM unnest('{dave,erin,frank}'::text[]) AS n;
		PERFORM rbac_invitation_accept(rbac_invitation_create(o::rbac_path, n || '@acme.example'))
		FROM unnest('{acme,globex}'::text[]) AS o, unnest('{dave,erin,frank}'::text[]) AS n;
		PERFORM rbac_grant(rbac_user(n || '@acme.example'), 'admin', p::rbac_path)
		FROM unnest('{dave,erin}'::text[]) AS n, unnest('{acme.dev,globex.lab}'::text[]) AS p;
		PERFORM rbac_database_role_map('dave', rbac_user('dave@acme.example'));
	END $$;
});

# Statements that hand something out to Frank, and that end what Dave has
sub give
{
	my ($who, $role, $place) = @_;

	return "BEGIN; SELECT rbac_set_principal(" . principal($who) . "); SELECT rbac_grant(" . principal('frank') . ", '$role', '$place'); COMMIT;";
}

sub end
{
	my ($place) = @_;

	return "SELECT rbac_revoke($dave, 'admin', '$place');";
}

sub has
{
	my ($who, $place) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(g.name, ' ' ORDER BY g.name) FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
		 WHERE a.principal = " . principal($who) . " AND a.resource = rbac_resource_id('$place')");
}

# A session of its own, that nobody waits for; its errors go to the reference.
my $started = 0;

sub start
{
	my ($sql, $errors) = @_;
	my $file = $node->basedir . '/' . ++$started . '.sql';

	append_to_file($file, $sql);
	return IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ],
		'>', \my $output, '2>', $errors);
}

# The same at once.  Its own commit waits for no standby.
sub run_now
{
	my ($sql) = @_;
	my ($status, $output, $errors) = $node->psql('postgres', "SET synchronous_commit = local; SET lock_timeout = '300ms'; \\set VERBOSITY verbose\n$sql");

	return $status == 0 ? 'ok' : $errors;
}

sub hold_commits_up
{
	my ($held) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = '" . ($held ? 'none_such' : '') . "'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = '" . ($held ? 'none_such' : '') . "'")
	  or die 'settings were not read';
}

sub wait_until
{
	my ($event) = @_;

	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = '$event'")
	  or die "nobody waits for $event";
}

# --- something is being handed out ---------------------------------------------------

hold_commits_up(1);
my $giver = start(give('dave', 'developer', 'acme.dev'), \my $giver_errors);
wait_until('SyncRep');
my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'");

my $refusal = run_now(end('acme.dev'));
like($refusal, qr/55P03: could not commit while access of the same organization is changing/,
	'G5: whoever takes access away does not commit while it is being handed on');
like($refusal, qr/In the way: process $pid\./, 'G11: the error names the session in the way');
is(run_now(give('erin', 'operator', 'acme.dev')), 'ok', 'who hands out does not wait for others who do');
is(run_now(end('globex.lab')), 'ok', 'nor does anybody wait for another organization');

hold_commits_up(0);
$giver->finish;
is($giver_errors, '', 'what was first is committed');
is(run_now(end('acme.dev')), 'ok', 'G11: then access ends at once');
is(has('frank', 'acme.dev'), 'developer operator', 'and what was handed on before is there to be seen');

# --- access is being taken away ------------------------------------------------------

$node->safe_psql('postgres', "SELECT rbac_grant($dave, 'admin', 'acme.dev')");
hold_commits_up(1);
my $ender = start(end('acme.dev'), \my $ender_errors);
wait_until('SyncRep');
like(run_now(give('dave', 'read_only', 'acme.dev')), qr/55P03: could not commit while access/,
	'G5: nobody hands out what is just being taken away');
is(run_now("SELECT rbac_revoke(" . principal('erin') . ", 'admin', 'acme.dev')"), 'ok', 'who takes away does not wait for others who do');
my $late = start("SET synchronous_commit = local;\n" . give('dave', 'read_only', 'acme.dev'), \my $late_errors);
wait_until('advisory');
hold_commits_up(0);
$ender->finish;
$late->finish;
is($ender_errors, '', 'G5: what was first is committed');
like($late_errors, qr/permission denied to commit what is handed out on "acme\.dev"/, 'G5: whoever waited for it commits nothing');
unlike(has('frank', 'acme.dev'), qr/read_only/, 'and nothing is there');

# --- several in the way, and waits that end otherwise ----------------------------------

$node->safe_psql('postgres', "SELECT rbac_grant($dave, 'admin', 'globex.lab')");
hold_commits_up(1);
my @givers = map { start(give($_->[0], $_->[1], 'globex.lab'), $_->[2]) } ([ 'dave', 'developer', \my $dave_errors ], [ 'erin', 'operator', \my $erin_errors ]);
$node->poll_query_until('postgres', "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event = 'SyncRep'") or die 'nobody waits for SyncRep';
like(run_now(end('globex.lab')), qr/In the way: process \d+, process \d+\./, 'G11: the error names every session in the way');
hold_commits_up(0);
$_->finish for @givers;
is("$dave_errors$erin_errors", '', 'what was first is committed');

hold_commits_up(1);
$ender = start(end('globex.lab'), \$ender_errors);
wait_until('SyncRep');
my $cancelled = start("SET synchronous_commit = local;\n" . give('dave', 'read_only', 'globex.lab'), \my $cancelled_errors);
wait_until('advisory');
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory'");
$cancelled->finish;
like($cancelled_errors, qr/canceling statement due to user request/, 'whoever waits to commit can be cancelled, and is told so');
hold_commits_up(0);
$ender->finish;
is($ender_errors, '', 'what was first is committed');
is(has('frank', 'globex.lab'), 'developer operator', 'and nothing of what was cancelled is there');

# --- a database role that is a principal no longer -----------------------------------

my $by_role = $node->connstr('postgres') . ' user=dave';
my ($in, $out, $errors) = ('', '', '');
$node->safe_psql('postgres', "SELECT rbac_grant($dave, 'admin', 'acme.dev')");
foreach my $ends (0, 1)
{
	($in, $out, $errors) = ('', '', '');
	my $mapped = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $by_role ], '<', \$in, '>', \$out, '2>', \$errors);
	$in .= "BEGIN; SELECT 'given', rbac_grant(rbac_user('frank\@acme.example'), 'read_only', 'acme.dev');\n";
	$mapped->pump until $out =~ /given/ || $errors;
	$node->safe_psql('postgres', "DELETE FROM aiven_rbac.database_role") if $ends;
	$in .= "COMMIT;\n";
	$mapped->finish;
	if ($ends)
	{
		like($errors, qr/permission denied to commit/, 'G5: nor does a role whose mapping has ended');
	}
	else
	{
		is($errors, '', 'a mapped role hands out');
		$node->safe_psql('postgres', "SELECT rbac_revoke(" . principal('frank') . ", 'read_only', 'acme.dev')");
	}
}

# --- very many at once ---------------------------------------------------------------

# More organizations and principals than a transaction locks one by one: it
# meets everybody.
$node->safe_psql(
	'postgres', q{
	DO $$ BEGIN
		PERFORM rbac_organization_create('many' || i, 'Many', rbac_user('ann@acme.example')) FROM generate_series(1, 70) AS i;
		PERFORM rbac_invitation_accept(rbac_invitation_create(('many' || i)::rbac_path, 'frank@acme.example')) FROM generate_series(1, 70) AS i;
		PERFORM rbac_group_create('many7', 'team');
	END $$;
});
$node->safe_psql('postgres', "BEGIN; SELECT rbac_user_create('u' || i || '\@many.example') FROM generate_series(1, 100) AS i; DELETE FROM aiven_rbac.principal WHERE email LIKE '%many.example'; PREPARE TRANSACTION 'everybody'");
like(run_now(give('erin', 'read_only', 'globex.lab')), qr/In the way: a prepared transaction\./, 'G5: who takes away from very many meets everybody');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'everybody'");
is(run_now(give('erin', 'read_only', 'globex.lab')), 'ok', 'and lets go of them');

hold_commits_up(1);
my $all = start(
	"BEGIN; SELECT rbac_set_principal(rbac_user('ann\@acme.example')); SELECT count(rbac_grant(" . principal('frank') . ", 'read_only', ('many' || i)::rbac_path)) FROM generate_series(1, 70) AS i;COMMIT;",
	\my $all_errors);
wait_until('SyncRep');
like(run_now("SELECT rbac_group_delete(rbac_group('many7', 'team'))"), qr/55P03/, 'G5: what is handed out in many places is met in each');
hold_commits_up(0);
$all->finish;
is($all_errors, '', 'and committed');

done_testing();
