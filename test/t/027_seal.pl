# The log under load: many change and some seal, all at once.  Each row is sealed
# once, in its turn, and no fault is found that is none.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('sealed');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION aiven_rbac;
	SELECT rbac_organization_create('org' || i, 'Organization', rbac_user_create('user' || i || '@org.example')) FROM generate_series(1, 3) AS i;
	SELECT rbac_project_create(('org' || i)::rbac_path, 'project' || i) FROM generate_series(1, 3) AS i;
	-- Somebody verifies while others seal: faults are kept
	CREATE TABLE fault AS SELECT * FROM rbac_audit_verify() WITH NO DATA});

my $directory = PostgreSQL::Test::Utils::tempdir();
my $tag = q{SELECT rbac_tag_set(('org' || :org || '.project' || :org)::rbac_path, 'k' || :client_id, :tag::text);};

# Transactions that overlap, whose numbers come in another order than their ends,
# and that are undone as a whole or in part
append_to_file(
	"$directory/change", qq{
	\\set org random(1, 3)
	\\set tag random(1, 2000000000)
	\\set pause random(0, 5000)
	\\set undone random(1, 5)
	BEGIN;
	$tag
	\\sleep :pause us
	SAVEPOINT s;
	SELECT rbac_unit_create(('org' || :org)::rbac_path, 'u' || :client_id || '-' || :tag);
	\\if :undone = 1
	ROLLBACK;
	\\else
	\\if :undone = 2
	ROLLBACK TO s;
	\\endif
	\\set tag :tag + 1
	$tag
	COMMIT;
	\\endif
});
append_to_file("$directory/seal", "SELECT rbac_audit_seal();\nINSERT INTO fault SELECT * FROM rbac_audit_verify();\n");

my ($stdout, $stderr);
ok(IPC::Run::run(
		[ 'pgbench', '-n', '-c', '8', '-j', '2', '-T', '8', '-f', "$directory/change\@9", '-f', "$directory/seal\@1", '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$stdout, '2>', \$stderr), 'many change and seal') or diag($stderr);

ok($node->poll_query_until('postgres', 'SELECT rbac_audit_seal() >= 0 AND (SELECT sum(cardinality(s.transactions)) FROM aiven_rbac.audit_seal AS s) = (SELECT count(*) FROM aiven_rbac.audit)'),
	'all is sealed in the end');
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT sealed_at) FROM aiven_rbac.audit_horizon'), '>', 10, 'it was sealed often');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM aiven_rbac.audit'), '>', 500, 'of much');
is($node->safe_psql('postgres', 'SELECT * FROM fault LIMIT 3'), '', 'nothing was wrong at any time');
is($node->safe_psql('postgres', 'SELECT * FROM rbac_audit_verify() LIMIT 3'), '', 'nor is it now');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) FROM aiven_rbac.audit AS a
					  FULL JOIN (SELECT s.organization, u.* FROM aiven_rbac.audit_seal AS s, unnest(s.transactions, s.times) AS u (transaction, at)) AS l
					  ON l.transaction = a.transaction AND l.at = a.at WHERE a.at IS NULL OR l.at IS NULL}),
	'0', 'each row is sealed once');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) FROM (SELECT s.organization, u.transaction, lag(u.transaction) OVER (PARTITION BY s.organization ORDER BY s.first, u.place) AS before
					  FROM aiven_rbac.audit_seal AS s, unnest(s.transactions) WITH ORDINALITY AS u (transaction, place)) AS x WHERE x.before > x.transaction}),
	'0', 'in the order of their transactions');

$node->stop;
done_testing();
