# What a session remembers stays within aiven_rbac.cache_size; what a scan holds
# is right even after it was forgotten; a cancelled scan leaves nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('memory');
acme($node, 'postgres');

# Application users number 1 to 3000: the odd ones operate finance-prod.
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION numbered(int) RETURNS uuid LANGUAGE sql IMMUTABLE
		AS $$ SELECT lpad(to_hex($1), 32, '0')::uuid $$;
	BEGIN;
	INSERT INTO aiven_rbac.principal (id, kind, organization, name)
	SELECT numbered(i), 'application_user', rbac_resource_id('acme'), 'robot-' || i FROM generate_series(1, 3000) AS i;
	INSERT INTO aiven_rbac.membership (principal, organization, kind)
	SELECT numbered(i), rbac_resource_id('acme'), 'application_user' FROM generate_series(1, 3000) AS i;
	INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
	SELECT numbered(i), rbac_resource_id('acme.finance-prod'), g.id, rbac_resource_id('acme'), 'project'
	FROM generate_series(1, 3000, 2) AS i, aiven_rbac.grantable AS g WHERE g.name = 'operator';
	COMMIT;
	ANALYZE;
});

# All memory of the principals' entries and of resources, in kB; the catalogue is
# one for all and not part of the bound.
my $used = q{SELECT coalesce(sum(total_bytes), 0) / 1024 FROM pg_backend_memory_contexts
	WHERE name IN ('rbac principal', 'rbac verdicts', 'rbac hierarchy')};
my $entries = q{SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'rbac principal'};
my $all = q{SELECT count(*) FILTER (WHERE rbac_has_permission(numbered(i), 'acme.finance-prod', 'operator') = (i % 2 = 1)) FROM generate_series(1, 3000) AS i};

my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe($all);
my $unbounded = $session->query_safe($used);
cmp_ok($session->query_safe($entries), '>=', 1000, 'with room for them, many principals are remembered');
$session->quit;

for my $size (64, 512)
{
	$session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe("SET aiven_rbac.cache_size = '${size}kB'");
	for my $round (1 .. 3)
	{
		is($session->query_safe($all), 3000, "$size kB, round $round: 3000 principals get the right answers");
		cmp_ok($session->query_safe($used), '<=', $size + 32, "$size kB, round $round: and the bound is kept");
	}
	cmp_ok($session->query_safe($entries), '>=', 2, "$size kB: it is used");
	cmp_ok($unbounded, '>', 2 * $size, "$size kB: it is less than all would take");

	# One principal and many resources, some of which exist
	$session->query_safe(q{CREATE TEMP TABLE place AS SELECT numbered(i) AS id, ('acme.p-' || i)::rbac_path AS path FROM generate_series(1, 100000) AS i
		UNION ALL SELECT id, path FROM aiven_rbac.resource});
	for my $column ('id', 'path')
	{
		is($session->query_safe("SELECT count(*) FROM place WHERE rbac_has_permission(numbered(1), $column, 'operator')"), 2, "$size kB: one principal and 100,000 resources by $column");
		cmp_ok($session->query_safe($used), '<=', $size + 512, "$size kB: the bound is kept to a step of the memo ($column)");
	}
	$session->quit;
}

# --- what a scan holds -----------------------------------------------------------------

$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe("SET aiven_rbac.cache_size = '64kB'");
$session->query_safe('BEGIN');
my @cursors = (1 .. 40);
for my $i (@cursors)
{
	$session->query_safe("DECLARE c$i CURSOR FOR SELECT rbac_has_permission(numbered($i), p, 'operator') FROM (VALUES (1, 'acme.finance-prod'::rbac_path), (2, 'acme.finance-prod.postgresql'), (3, 'acme.engineering')) AS v (n, p) ORDER BY n; FETCH c$i");
}
is($session->query_safe($all), 3000, 'others are asked about while cursors are open');
my $right = 0;
for my $i (@cursors)
{
	my $expected = $i % 2 ? "t\nf" : "f\nf";
	$right++ if $session->query_safe("FETCH ALL FROM c$i") eq $expected;
}
is($right, scalar @cursors, 'what the cursors held is right after it was forgotten');
cmp_ok($session->query_safe($entries), '>=', scalar @cursors, 'open cursors hold what they use');
$session->query_safe('COMMIT');
is($session->query_safe($all), 3000, 'after them');
cmp_ok($session->query_safe($used), '<=', 64 + 32, 'and let go of it at their end');

# --- interruption -----------------------------------------------------------------------

my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $endless = q{SELECT count(*) FROM generate_series(1, 1000000000) AS i WHERE rbac_has_permission(numbered(i % 3000 + 1), 'acme.finance-prod', 'operator')};
for my $round (1 .. 3)
{
	$session->query_until(qr/started/, "\\echo started\n$endless;\n");
	ok($node->poll_query_until('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $pid AND state = 'active' AND query LIKE '%1000000000%' AND clock_timestamp() > query_start + interval '50 ms'"),
		"a long scan is cancelled ($round)");
	is($session->query($all), 3000, 'the session goes on');
	like($session->{stderr}, qr/canceling statement due to user request/, 'after an error');
	$session->{stderr} = '';
	cmp_ok($session->query_safe($used), '<=', 64 + 32, 'with what it may remember');
}
for my $timeout (1 .. 20)
{
	$session->query("SET statement_timeout = $timeout; SELECT count(*) FROM generate_series(1, 10000000) AS i WHERE rbac_has_permission(numbered(i % 3000 + 1), 'acme.finance-prod', 'operator')");
}
like($session->{stderr}, qr/canceling statement due to statement timeout/, 'interrupted after 1 to 20 ms');
$session->{stderr} = '';
$session->query_safe('RESET statement_timeout');
is($session->query_safe($all), 3000, 'the answers are right after that');
cmp_ok($session->query_safe($used), '<=', 64 + 32, 'and the bound is kept');
is($session->query_safe(q{SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'rbac catalogue'}), 1, 'one catalogue is left');
$session->query_safe('SELECT rbac_project_create(\'acme\', \'some-project\')');
is($session->query_safe($all), 3000, 'after a change');
cmp_ok($session->query_safe($entries), '<=', 40, 'no entry that was held by a cancelled scan stays');
$session->quit;

$node->stop;
done_testing();
