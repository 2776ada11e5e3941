# Two application users with thousands of grants each, who don't fit into a small
# cache together: a statement that asks about them in turn loads them again and
# again.  Which projects each of them operates is kept here.
package Wide;

use strict;
use warnings;

use Session;
use Test::More;

my $projects = 300;

# Make them, in a database of their own
sub new
{
	my ($class, $world) = @_;
	return $world->{wide} if $world->{wide};

	my $node = $world->{node};
	$node->safe_psql('postgres', 'CREATE DATABASE wide');
	my $session = Session->new($node, 'wide');
	$session->rows($_) for
	  'CREATE EXTENSION aiven_rbac',
	  q{SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@home.example', 'Ann'))},
	  q{SELECT rbac_role_create('acme', 'own', '{service.fork}', '{project}')},
	  q{SELECT rbac_unit_create('acme', 'u')},
	  "SELECT rbac_project_create('acme.u', 'm' || i) FROM generate_series(1, $projects) AS i",
	  q{SELECT rbac_application_user_create('acme', n) FROM unnest('{wide,broad,other}'::text[]) AS n},
	  # Ten of the grants that don't give what is asked for
	  q{INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
		SELECT p.id, r.id, g.id, r.organization, r.kind
		FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r,
			 (SELECT o.grantable AS id FROM aiven_rbac.grantable_on AS o
			  WHERE o.resource_kind = 'project'
				AND NOT EXISTS (SELECT FROM aiven_rbac.allowed_action AS l JOIN aiven_rbac.action AS a ON a.number = l.action
								WHERE l.grantable = o.grantable AND l.granted_on = 'project' AND a.name = 'service.power')
			  LIMIT 10) AS g
		WHERE p.name IN ('wide', 'broad') AND r.kind = 'project'},
	  'ANALYZE';
	my $self = bless { node => $node, operates => { wide => {}, broad => {} } }, $class;
	$self->{id} = { map { $_->[0] => $_->[1] } $session->rows(q{SELECT name, id FROM aiven_rbac.principal WHERE kind = 'application_user'}) };
	$self->{session} = $session;
	$self->change for 1 .. 40;
	return $world->{wide} = $self;
}

# Grant or revoke something of both, acknowledged
sub change
{
	my ($self) = @_;

	for my $who (sort keys %{ $self->{operates} })
	{
		my $operates = $self->{operates}{$who};
		my $place = 'm' . (1 + int rand $projects);
		my $do = $operates->{$place} ? 'revoke' : 'grant';

		my ($done) = $self->{session}->rows("SELECT rbac_$do('$self->{id}{$who}', 'operator', 'acme.u.$place')");
		die "$do: $done->[0]" if $done->[0] ne 't';
		if ($operates->{$place}) { delete $operates->{$place} }
		else { $operates->{$place} = 1 }
	}
	return;
}

# A question, and its right answer: how many projects each operates
sub count_all
{
	my ($self) = @_;
	my @who = sort keys %{ $self->{operates} };

	return (
		'SELECT ' . join(', ', map { "(SELECT count(*) FROM aiven_rbac.resource WHERE kind = 'project'
			AND rbac_has_permission('$self->{id}{$_}'::uuid, path, 'service.power'))" } @who),
		join ',', map { scalar keys %{ $self->{operates}{$_} } } @who);
}

# The same for both in turn, some times, about one project: little else than loads
sub load_in_turn
{
	my ($self, $times) = @_;
	my ($id, $operates, $place) = (@{$self}{qw(id operates)}, 'm' . (1 + int rand $projects));

	return (
		"SELECT count(*) FROM generate_series(1, 2 * $times) AS i
		 WHERE rbac_has_permission(CASE i % 2 WHEN 0 THEN '$id->{wide}'::uuid ELSE '$id->{broad}' END, 'acme.u.$place'::rbac_path, 'service.power')",
		$times * grep { $operates->{$_}{$place} } qw(wide broad));
}

# Does a session answer rightly, and has it forgotten what is old?  What a failed
# statement still held would stay in its cache, or in memory outside of it.
sub wrong_answers
{
	my ($self, $session) = @_;
	my @wrong;

	for my $round ('after it', 'after a change')
	{
		my ($query, $right) = $self->count_all;
		my ($row) = $session->rows($query);
		push @wrong, "$round: @$row, not $right" if join(',', @$row) ne $right;
		$self->change;
	}
	$self->{session}->rows("UPDATE aiven_rbac.principal SET name = name WHERE id = '$self->{id}{other}'");
	my ($cached) = $session->rows('SELECT entries FROM rbac_cache_stats()');
	my ($left) = $session->rows(
		q{SELECT count(*) FILTER (WHERE name = 'rbac principal'), count(*) FILTER (WHERE name = 'rbac catalogue')
		  FROM pg_backend_memory_contexts});
	push @wrong, "$cached->[0] principals in the cache, $left->[0] in memory, $left->[1] catalogues"
	  if $cached->[0] || $left->[0] || $left->[1] > 1;
	return @wrong;
}

1;
