# What the TAP scripts share.
package RbacTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(server acme decisions same_decisions principal);

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

1;
