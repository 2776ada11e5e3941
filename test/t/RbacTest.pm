# What the TAP scripts share.
package RbacTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(server server_has acme decisions same_decisions principal publish_facts plants);

# In some minor versions what a background session's query gives ends with a newline.
if (eval { require PostgreSQL::Test::BackgroundPsql })
{
	my $query = \&PostgreSQL::Test::BackgroundPsql::query;

	no warnings 'redefine';
	*PostgreSQL::Test::BackgroundPsql::query = sub {
		my @result = wantarray ? $query->(@_) : scalar $query->(@_);

		chomp $result[0] if defined $result[0];
		return wantarray ? @result : $result[0];
	};
}

# A server of its own, started.
sub server
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $options{init} // {} }, extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', $options{conf} // '');
	$node->start;
	return $node;
}

# Does the server have a library, which can be built or packaged apart?
sub server_has
{
	my ($library) = @_;

	chomp(my $directory = `$ENV{PG_CONFIG} --pkglibdir`);
	return -e "$directory/$library.so";
}

# The extension with the example organization, and the application's table
# "deployment" protected by path and "secret" protected by id.
sub acme
{
	my ($node, $database) = @_;

	$node->safe_psql($database, 'CREATE EXTENSION aiven_rbac');
	$node->safe_psql($database, slurp_file('examples/acme.sql'));
	$node->safe_psql(
		$database, q{
		CREATE TABLE deployment (
			id int PRIMARY KEY,
			place rbac_path NOT NULL REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
		CREATE TABLE secret (
			id int PRIMARY KEY,
			place uuid NOT NULL REFERENCES aiven_rbac.resource (id));
		INSERT INTO deployment
		SELECT i, p.path
		FROM generate_series(1, 1000) AS i
		JOIN (SELECT path, row_number() OVER (ORDER BY path) - 1 AS n
			  FROM aiven_rbac.resource WHERE kind = 'project') AS p ON p.n = i % 4;
		INSERT INTO secret SELECT d.id, r.id FROM deployment AS d JOIN aiven_rbac.resource AS r ON r.path = d.place;
		ANALYZE;
		SELECT rbac_protect_table('deployment', 'place', read => 'project:services:read', write => 'project:services:write');
		SELECT rbac_protect_table('secret', 'place', read => 'project:services:read', write => 'project:services:write');
		CREATE ROLE application LOGIN;
		GRANT SELECT, INSERT, UPDATE, DELETE ON deployment, secret TO application;
		GRANT EXECUTE ON FUNCTION rbac_set_principal TO application;
	});
}

# SQL for the id of one of Acme's people.
sub principal
{
	my ($name) = @_;

	return "rbac_user('$name\@acme.example')";
}

# Publications of what decisions read.  Rows of the built-in catalogue are on both
# sides already.
sub publish_facts
{
	my ($node, $database) = @_;

	$node->safe_psql(
		$database, q{
		CREATE PUBLICATION facts FOR TABLE aiven_rbac.resource, aiven_rbac.organization, aiven_rbac.project, aiven_rbac.service,
			aiven_rbac.principal, aiven_rbac.membership, aiven_rbac.invitation, aiven_rbac.group_member, aiven_rbac.access_grant;
		CREATE PUBLICATION catalogue FOR TABLE aiven_rbac.action WHERE (NOT built_in), aiven_rbac.grantable WHERE (NOT built_in),
			aiven_rbac.grantable_on WHERE (NOT built_in), aiven_rbac.allowed_action WHERE (NOT built_in) WITH (publish = 'insert');
	});
	return;
}

# Everything that anybody holds anywhere, as text.
sub decisions
{
	my ($node, $database) = @_;

	return $node->safe_psql(
		$database, q{
		SELECT p.kind, p.name, r.path, string_agg(n.name, ' ' ORDER BY n.name COLLATE "C")
		FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r,
			 (SELECT name FROM aiven_rbac.action UNION ALL SELECT name FROM aiven_rbac.grantable) AS n
		WHERE rbac_has_permission(p.id, r.id, n.name)
		GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
		SELECT p.name, r.path, e.permission, e.granted_on, e.via
		FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r, rbac_effective_permissions(p.id, r.path) AS e
		ORDER BY p.kind, p.name, r.path, e.permission;
	});
}

# Compare two of those; tell only where they part.
sub same_decisions
{
	my ($got, $expected, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;

	ok(@expected > 100 && $got eq $expected, $name);
	if ($got ne $expected)
	{
		for my $i (0 .. $#expected)
		{
			next if ($got[$i] // '') eq $expected[$i];
			diag('got:      ' . ($got[$i] // '(end)'));
			diag("expected: $expected[$i]");
			last;
		}
	}
}

# Objects that whoever may create in a schema could plant: operators and functions
# that fit what a script of the extension calls better than those of pg_catalog,
# for every pair of types that scripts use.  Each raises an error when it is called.
sub plants
{
	my ($schema) = @_;

	return qq{
		CREATE FUNCTION $schema.planted() RETURNS boolean LANGUAGE plpgsql
			AS 'BEGIN RAISE EXCEPTION ''a planted object was called''; END';
		SET search_path = pg_catalog;
		DO \$plant\$
		DECLARE
			l text;
			r text;
			o text;
			f record;
			types text[] := ARRAY['name', 'text', 'oid', 'regclass', 'regnamespace', 'uuid', 'boolean', '"char"', 'int2', 'int4',
				'timestamptz', 'aclitem', 'name[]', 'text[]', 'cidr[]'];
		BEGIN
			FOREACH l IN ARRAY types LOOP
				FOREACH r IN ARRAY types LOOP
					EXECUTE format('CREATE FUNCTION $schema.planted(%s, %s) RETURNS boolean LANGUAGE sql AS ''SELECT $schema.planted()''', l, r);
					FOREACH o IN ARRAY '{=,<>,<,>,~,~~,||}'::text[] LOOP
						EXECUTE format('CREATE OPERATOR $schema.%s (FUNCTION = $schema.planted, LEFTARG = %s, RIGHTARG = %s)', o, l, r);
					END LOOP;
				END LOOP;
			END LOOP;
			-- Functions of pg_catalog by the same name and number of parameters, for other types
			FOR f IN SELECT DISTINCT p.proname FROM pg_proc AS p
					 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
					   AND p.proname IN ('format', 'current_setting', 'set_config', 'string_to_array', 'array_position', 'length',
										 'lower', 'replace', 'split_part', 'left', 'quote_ident', 'now', 'md5', 'unnest',
										 'to_regnamespace', 'aclexplode', 'obj_description', 'pg_extension_config_dump',
										 'array_to_string', 'cardinality', 'gen_random_uuid', 'nullif', 'concat_ws') LOOP
				FOREACH l IN ARRAY types LOOP
					BEGIN
						EXECUTE format('CREATE FUNCTION $schema.%I(%s) RETURNS text LANGUAGE sql AS ''SELECT $schema.planted()::text''', f.proname, l);
					EXCEPTION WHEN OTHERS THEN NULL;
					END;
					FOREACH r IN ARRAY types LOOP
						BEGIN
							EXECUTE format('CREATE FUNCTION $schema.%I(%s, %s) RETURNS text LANGUAGE sql AS ''SELECT $schema.planted()::text''', f.proname, l, r);
						EXCEPTION WHEN OTHERS THEN NULL;
						END;
					END LOOP;
				END LOOP;
			END LOOP;
		END
		\$plant\$;
		RESET search_path;
	};
}

1;
