# What was acknowledged, and what follows from it, kept and found out without the
# extension's functions.
#
# A fact is a line of text: "grant u0-1 operator p0".  What the tables hold is
# read as facts, and a change that a client has made is a list of facts that came
# ("+...") and went ("-...").  So what ought to be there after a fault is a sum.
#
# What follows from the tables, who holds what where, is found out by joins that
# say what the rules say, and compared with what the decision functions answer
# to every question that can be asked.
package Books;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(facts_in add_up differences wrong_decisions);

my %fact_query = (
	grant => q{SELECT p.name || ' ' || n.name || ' ' || r.label
			   FROM aiven_rbac.access_grant AS g JOIN called AS p ON p.id = g.principal
			   JOIN aiven_rbac.grantable AS n ON n.id = g.grantable JOIN places AS r ON r.id = g.resource},
	in => q{SELECT p.name || ' ' || g.name
			FROM aiven_rbac.group_member AS m JOIN called AS p ON p.id = m.member JOIN called AS g ON g.id = m.group_id},
	member => q{SELECT p.name FROM aiven_rbac.membership AS m JOIN called AS p ON p.id = m.principal},
	off => q{SELECT name FROM called WHERE deactivated_at IS NOT NULL},
	place => q{SELECT path FROM places},
	role => q{SELECT n.name || ' ' || string_agg(DISTINCT a.name, ',' ORDER BY a.name)
			  FROM aiven_rbac.grantable AS n JOIN aiven_rbac.allowed_action AS l ON l.grantable = n.id
			  JOIN aiven_rbac.action AS a ON a.number = l.action
			  WHERE n.owner IS NOT NULL GROUP BY n.id},
	row => q{SELECT id || ' ' || place FROM deployment},
	tag => q{SELECT r.label || ' ' || t.key || ' ' || t.value FROM aiven_rbac.tag AS t JOIN places AS r ON r.id = t.resource});

# The facts of some kinds (all) that the tables hold, as a hash
sub facts_in
{
	my ($session, @kinds) = @_;
	my $union = join ' UNION ALL ', map { "SELECT '$_ ' || x FROM ($fact_query{$_}) AS q (x)" } @kinds ? @kinds : sort keys %fact_query;

	return { map { $_->[0] => 1 } $session->rows(
			"WITH called AS (SELECT id, coalesce(split_part(email, '\@', 1), name) AS name, deactivated_at FROM aiven_rbac.principal),
				  places AS (SELECT id, path::text, regexp_replace(path::text, '^.*[.]', '') AS label FROM aiven_rbac.resource)
			 $union") };
}

# Facts after changes
sub add_up
{
	my ($facts, @changes) = @_;
	my %sum = %$facts;

	for my $change (@changes)
	{
		my ($sign, $fact) = $change =~ /^([+-])(.*)/s or die "not a change: $change";
		if ($sign eq '+') { $sum{$fact} = 1 }
		else { delete $sum{$fact} }
	}
	return \%sum;
}

# What is there and ought not to be ("+"), and the other way round ("-")
sub differences
{
	my ($expected, $got) = @_;

	return (
		(map { "+$_" } grep { !$expected->{$_} } sort keys %$got),
		map { "-$_" } grep { !$got->{$_} } sort keys %$expected);
}

# Everything that everybody ought to hold everywhere (G2, G3, G7, P4 to P7)
my $just = q{
	WITH RECURSIVE above (place, at) AS (
		SELECT id, id FROM aiven_rbac.resource
		UNION ALL
		SELECT a.place, r.parent FROM above AS a JOIN aiven_rbac.resource AS r ON r.id = a.at WHERE r.parent IS NOT NULL),
	given AS (
		SELECT principal, resource, resource_kind, organization, grantable, valid_from, valid_until FROM aiven_rbac.access_grant
		UNION ALL
		SELECT m.member, g.resource, g.resource_kind, g.organization, g.grantable, g.valid_from, g.valid_until
		FROM aiven_rbac.group_member AS m
		JOIN aiven_rbac.access_grant AS g ON g.principal = m.group_id AND g.organization = m.organization
		UNION ALL
		SELECT m.member, m.organization, 'organization', m.organization, n.id, NULL, NULL
		FROM aiven_rbac.group_member AS m JOIN aiven_rbac.grantable AS n ON n.type = 'built-in'
		WHERE m.account_owners),
	held AS MATERIALIZED (
		SELECT DISTINCT g.principal, a.place, l.action
		FROM given AS g
		JOIN aiven_rbac.principal AS p ON p.id = g.principal AND p.deactivated_at IS NULL
		JOIN aiven_rbac.membership AS m ON m.principal = g.principal AND m.organization = g.organization
		JOIN aiven_rbac.allowed_action AS l ON l.grantable = g.grantable AND l.granted_on = g.resource_kind
		JOIN above AS a ON a.at = g.resource
		WHERE coalesce(g.valid_from, '-infinity') <= now() AND now() < coalesce(g.valid_until, 'infinity')
		%1$s),
	kind (kind, depth) AS (VALUES ('organization', 0), ('unit', 1), ('project', 2), ('service', 3)),
	-- A role or permission is what it allows where it is granted or, where it
	-- cannot be granted, on the nearest kind above.
	allows AS MATERIALIZED (SELECT DISTINCT l.grantable, k.* FROM aiven_rbac.allowed_action AS l JOIN kind AS k ON k.kind = l.granted_on),
	required AS MATERIALIZED (
		SELECT a.name, k.kind, NULL::uuid AS organization, a.number AS action FROM aiven_rbac.action AS a, kind AS k
		UNION ALL
		SELECT n.name, k.kind, n.owner, l.action
		FROM aiven_rbac.grantable AS n CROSS JOIN kind AS k
		CROSS JOIN LATERAL (SELECT o.kind FROM allows AS o WHERE o.grantable = n.id AND o.depth <= k.depth ORDER BY o.depth DESC LIMIT 1) AS nearest
		JOIN aiven_rbac.allowed_action AS l ON l.grantable = n.id AND l.granted_on = nearest.kind),
	needed AS MATERIALIZED (SELECT name, kind, organization, count(*) AS number FROM required GROUP BY 1, 2, 3),
	just AS MATERIALIZED (
		SELECT h.principal, h.place, n.name
		FROM held AS h
		JOIN aiven_rbac.resource AS r ON r.id = h.place
		JOIN required AS q ON q.action = h.action AND q.kind = r.kind AND coalesce(q.organization, r.organization) = r.organization
		JOIN needed AS n ON n.name = q.name AND n.kind = q.kind AND n.organization IS NOT DISTINCT FROM q.organization
		GROUP BY h.principal, h.place, n.name, n.number HAVING count(*) = n.number)
	SELECT principal, place, name FROM just};

sub array_of { return "'{" . join(',', map { qq("$_") } @_) . "}'" }

# How much is held, and lines of what the decision functions say otherwise in a
# session.  Another one, whose snapshot is new, can do the looking.  With
# "planted", as if somebody held nothing who does.
sub wrong_decisions
{
	my ($session, $look, $planted) = @_;
	$look //= $session;

	my %people = map { @$_ } $look->rows('SELECT id, name FROM aiven_rbac.principal');
	my %places = map { @$_ } $look->rows('SELECT id, path FROM aiven_rbac.resource');
	my @names = map { $_->[0] } $look->rows('SELECT name FROM aiven_rbac.action UNION ALL SELECT name FROM aiven_rbac.grantable');
	my @just = $look->rows(sprintf $just, $planted ? "AND p.name <> 'Ann'" : '');
	my ($people, $places, $names) = (array_of(sort keys %people), array_of(sort keys %places), array_of(@names));
	my @said = $session->rows(
		"SELECT p, r, n FROM unnest($people\::uuid[]) AS p, unnest($places\::uuid[]) AS r, unnest($names\::text[]) AS n
		 WHERE rbac_has_permission(p, r, n)");
	my ($expected, $got) = map { { map { ("$people{$_->[0]} $places{$_->[1]} $_->[2]" => 1) } @$_ } } \@just, \@said;

	return (scalar @just, differences($expected, $got));
}

1;
