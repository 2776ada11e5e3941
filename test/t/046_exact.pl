# Functions of the extension's call each other by names in a schema in which others may
# create, too.  Whoever can plants there functions of the same names that fit better:
# other types, or no VARIADIC.  None is called (S5), since each call that the extension
# makes has exactly the types of its own function.
#
# What a body calls is told by plpgsql_check for PL/pgSQL, and by the catalog for SQL:
# a copy with a body that is parsed at once depends on what it calls.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('exact', conf => 'max_locks_per_transaction = 1024');
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE DATABASE before; CREATE DATABASE after');
$node->safe_psql($_, 'GRANT CREATE ON SCHEMA public TO mallory') foreach qw(before after);
$node->safe_psql('after', 'CREATE EXTENSION aiven_rbac');

# Signatures that fit better than an extension's function for somebody who is not
# careful: one parameter of another type, with and without those that have defaults, or each number
# of arguments for VARIADIC
my $better = q{
	WITH own AS (
		SELECT p.proname, p.proargtypes::oid[] AS types, p.provariadic, p.pronargs::int AS n, (p.pronargs - p.pronargdefaults)::int AS least, pg_get_function_result(p.oid) AS result
		FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
		WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
	), alike (type, other) AS (
		VALUES ('text', 'name'), ('text', 'varchar'), ('text', 'uuid'), ('text', 'rbac_path'), ('text[]', 'text'), ('text[]', 'name[]'), ('text[]', 'varchar[]'),
		       ('uuid', 'text'), ('uuid', 'rbac_path'), ('uuid[]', 'text'), ('bigint', 'int'), ('bigint', 'text'), ('int', 'smallint'), ('int', 'bigint'), ('int', 'text'),
		       ('boolean', 'text'), ('jsonb', 'text'), ('jsonb', 'json'), ('timestamptz', 'text'), ('timestamptz', 'timestamp'), ('timestamptz', 'date'),
		       ('interval', 'text'), ('regclass', 'oid'), ('regclass', 'text'), ('regrole', 'oid'), ('regrole', 'name'), ('name', 'text'), ('name', 'varchar'),
		       ('inet', 'cidr'), ('inet', 'text'), ('cidr[]', 'inet[]'), ('cidr[]', 'text'),
		       ('rbac_resource', 'text'), ('rbac_resource', 'varchar'), ('rbac_resource', 'uuid'), ('rbac_resource', 'rbac_path'),
		       ('rbac_path', 'text'), ('rbac_path', 'uuid'), ('rbac_path', 'varchar'), ('rbac_path', 'name')
	), planted AS (
		SELECT o.proname, o.result, o.types[0:i - 2] || to_regtype(a.other)::oid || o.types[i:k - 1] AS types
		FROM own AS o, generate_series(o.least, o.n) AS k, generate_series(1, k) AS i JOIN alike AS a ON true
		WHERE to_regtype(a.type) = o.types[i - 1] AND to_regtype(a.other) IS NOT NULL
		UNION
		SELECT o.proname, o.result, o.types[0:o.n - 2] || array_fill(o.provariadic, ARRAY[k])
		FROM own AS o, generate_series(1, 12) AS k WHERE o.provariadic <> 0
	)
	SELECT DISTINCT ON (p.proname, p.types)
	       format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''planted''''; END''', p.proname,
	              (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY n) FROM unnest(p.types) WITH ORDINALITY AS u (t, n)), p.result)
	FROM planted AS p WHERE NOT EXISTS (SELECT FROM own AS o WHERE o.proname = p.proname AND o.types[0:o.n - 1] = p.types)
	ORDER BY p.proname, p.types};
my @planted = split /\n/, $node->safe_psql('after', $better);
cmp_ok(scalar @planted, '>', 300, 'many signatures fit better somewhere');

my $is_planted = q{(SELECT p.oid FROM pg_proc AS p WHERE p.proowner = 'mallory'::regrole)};

# Views and defaults are parsed when the extension is made.
$node->safe_psql('before', join(";\n", 'SET ROLE mallory', grep { !/rbac_(path|resource)\b/ } @planted));
$node->safe_psql('before', 'CREATE EXTENSION aiven_rbac');
is($node->safe_psql('before', "SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend AS d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid IN $is_planted"),
	'', 'S5: what is made with the extension calls nothing that was planted before');

# Bodies are parsed when they are called.
$node->safe_psql('after', join(";\n", 'SET ROLE mallory', @planted));
$node->safe_psql('after', q{
	CREATE SCHEMA copied;
	DO $$
	DECLARE
		f record;
	BEGIN
		FOR f IN SELECT p.* FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		         JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
		         JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'sql' WHERE p.prosrc <> ''
		LOOP
			PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
			EXECUTE format('CREATE FUNCTION copied.%I(%s) RETURNS %s LANGUAGE sql BEGIN ATOMIC %s; END',
			               f.proname, pg_get_function_arguments(f.oid), pg_get_function_result(f.oid), rtrim(f.prosrc, E' \n;'));
		END LOOP;
	END $$});
cmp_ok($node->safe_psql('after', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'copied'::regnamespace}), '>', 100, 'many functions are in SQL');
is($node->safe_psql('after', "SELECT pg_describe_object(d.classid, d.objid, 0) || ' calls ' || d.refobjid::regprocedure
		FROM pg_depend AS d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid IN $is_planted ORDER BY 1"),
	'', 'S5: functions in SQL call nothing that is planted');

SKIP:
{
	skip 'plpgsql_check is not installed', 2 unless server_has('plpgsql_check');
	$node->safe_psql('after', 'CREATE SCHEMA checked; CREATE EXTENSION plpgsql_check SCHEMA checked');
	my $called = q{
		WITH own AS MATERIALIZED (
			SELECT p.oid, coalesce(t.tgrelid, 0)::regclass AS relation
			FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
			JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
			JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
			LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid
			WHERE p.prorettype <> 'event_trigger'::regtype
		)
		SELECT DISTINCT o.oid::regprocedure || ' calls ' || x.oid::regprocedure
		FROM own AS o CROSS JOIN LATERAL checked.plpgsql_show_dependency_tb(o.oid, o.relation) AS x
		WHERE x.type = 'FUNCTION' AND %s ORDER BY 1};
	cmp_ok(scalar(split /\n/, $node->safe_psql('after', sprintf($called, q{x.schema = 'public' AND x.name = 'rbac_has_permission'}))), '>', 3,
		'what PL/pgSQL calls is found');
	is($node->safe_psql('after', sprintf($called, "x.oid IN $is_planted")), '', 'S5: functions in PL/pgSQL call nothing that is planted');
}

$node->stop;
done_testing();
