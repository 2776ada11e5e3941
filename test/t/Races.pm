# The calls of administration that can meet (test/races/calls), and the worlds in
# which they do (test/races/world).
#
# The world is made once and copied, with a number in every id and label, so that
# hundreds stand beside each other in one database.  A number is five digits
# behind a mark that no random id has by chance.
package Races;

use strict;
use warnings;

use Exporter 'import';
use File::Basename 'dirname';
use List::Util 'any';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(read_calls meet case_mark fill_in plain $mark $uuid extension_tables make_world copy_world remove_worlds
  beginning bad_error);

our $mark = '7c0c7c0';
our $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

my $directory = dirname(__FILE__) . '/../races';
my @tables;    # the extension's
my %named;     # what the world's lines returned

# --- calls -------------------------------------------------------------------

# One for each who and call, with the things of all its lines
sub read_calls
{
	my (%calls, @calls);

	for my $line (grep { !/^\s*(#|$)/ } split /\n/, slurp_file("$directory/calls"))
	{
		my ($things, $who, $call) = map { s/^\s+|\s+$//gr } split /\|/, $line, 3;
		my $name = "$who: $call";

		push @calls, $calls{$name} = { name => $name, who => $who, call => $call } if !$calls{$name};
		$calls{$name}{things}{$_} = 1 for split ' ', $things;
	}
	return @calls;
}

# Have two calls a thing in common?
sub meet
{
	my ($x, $y) = @_;
	my ($xs, $ys) = map { $_->{things} } $x, $y;

	return $x == $y || $xs->{'*'} || $ys->{'*'}
	  || any { /^-(.*)/ ? $ys->{$1} : !/^(ends|hands)$/ && ($ys->{$_} || $ys->{"-$_"}) } keys %$xs;
}

sub case_mark
{
	my ($number) = @_;
	return sprintf '%s%05d', $mark, $number;
}

# A text of the tables for a case
sub fill_in
{
	my ($text, $number) = @_;

	$text =~ s/\$(\w+)/"'" . ($named{$1} \/\/ die "nothing is called $1 in: $text\n") . "'"/ge;
	return $text =~ s/~/case_mark($number)/ger;
}

# A text without what differs from case to case: the case's number, random
# values, and the time; what lies in a far future was given by the call.
sub plain
{
	my ($text, $number) = @_;
	my $case = case_mark($number);

	$text =~ s/$case/~/g;
	$text =~ s/\b$uuid\b/id/g;
	$text =~ s/rbac_\w{12}(_\w+)?/token/g;
	$text =~ s/\\\\x[0-9a-f]{64}/digest/g;
	$text =~ s/(verification=)[0-9a-f]{32}/$1/g;
	$text =~ s/\b20\d\d-\d\d-\d\d[ T][0-9:.]+\+[0-9:]+/time/g;
	return $text;
}

# --- worlds ------------------------------------------------------------------

# Note the rows that are not noted yet
sub note_rows
{
	my ($session, $kind) = @_;

	for my $table (@tables)
	{
		$session->rows(
			"INSERT INTO races.row (kind, relation, content, shown)
			 SELECT '$kind', '$table', t::text, to_jsonb(t)::text FROM aiven_rbac.$table AS t
			 WHERE NOT EXISTS (SELECT FROM races.row WHERE relation = '$table' AND content = t::text)");
	}
	return;
}

sub extension_tables { return @tables }

# Make the world in a database that has the extension, and leave nothing but its rows, as texts in which "~" is the
# case: its labels are so, and its ids get the case for their last part.
sub make_world
{
	my ($session) = @_;

	@tables = map { $_->[0] } $session->rows(
		"SELECT relname FROM pg_class WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind = 'r' AND relname !~ '^audit|^principal_use\$' ORDER BY 1");
	$session->rows(
		'CREATE SCHEMA races;
		 CREATE TABLE races.row (id serial, kind text, relation text, content text, shown text);
		 CREATE TABLE races.number (number int)');
	note_rows($session, 'before');
	for my $line (grep { !/^\s*(#|$)/ } split /\n/, slurp_file("$directory/world"))
	{
		my $who = $line =~ s/^as \$(\w+): // ? "SELECT rbac_set_principal('$named{$1}');" : '';
		my $name = $line =~ s/^(\w+) = // ? $1 : undef;
		my @rows = $session->rows("BEGIN; $who SELECT " . fill_in($line, 0) . '; COMMIT');
		$named{$name} = $rows[-1][0] if defined $name;
	}
	mark_tokens($session);
	note_rows($session, 'world');
	remove_worlds($session);

	my %before = map { $_ => 1 } map { $_->[0] =~ /$uuid/g }
	  $session->rows("SELECT content FROM races.row WHERE kind = 'before'");
	my $translate = sub {
		my ($text) = @_;
		$text =~ s/($uuid)/$before{$1} || $1 =~ m{^0{8}-} ? $1 : substr($1, 0, 24) . '~'/ge;
		return $text =~ s/${\ case_mark(0)}/~/gr;
	};
	for my $row ($session->rows("SELECT id, content, shown FROM races.row WHERE kind = 'world'"))
	{
		my ($id, $content, $shown) = map { $translate->($_) =~ s/'/''/gr } @$row;
		$session->rows("UPDATE races.row SET content = '$content', shown = '$shown' WHERE id = $id");
	}
	$_ = $translate->($_) for values %named;
	return;
}

# A token's prefix was drawn at random and is a key.
sub mark_tokens
{
	my ($session) = @_;
	my $count = 0;

	$session->rows('SET session_replication_role = replica');
	for my $old (map { $_->[0] } $session->rows('SELECT prefix FROM aiven_rbac.token ORDER BY principal'))
	{
		my $new = 'rac' . $count++ . '_' . case_mark(0);
		$session->rows("UPDATE aiven_rbac.$_ SET prefix = '$new' WHERE prefix = '$old'") for qw(token token_use);
		$_ = $new for grep { $_ eq $old } values %named;
	}
	$session->rows('RESET session_replication_role');
	return;
}

# Copy the world for cases that have these numbers.  Whatever the extension's
# triggers and foreign keys would find, they have found in the first.
sub copy_world
{
	my ($session, @numbers) = @_;

	$session->rows(
		'TRUNCATE races.number; INSERT INTO races.number SELECT unnest(ARRAY['
		  . join(',', @numbers)
		  . ']); ANALYZE races.number');
	$session->rows('SET session_replication_role = replica');
	for my $table (@tables)
	{
		my @columns = map { $_->[0] } $session->rows(
			"SELECT quote_ident(attname) FROM pg_attribute
			 WHERE attrelid = 'aiven_rbac.$table'::regclass
			   AND attnum > 0 AND NOT attisdropped AND attgenerated = ''") or next;
		my ($columns, $values) = (join(', ', @columns), join ', ', map { "(s.x).$_" } @columns);

		$session->rows(
			"INSERT INTO aiven_rbac.$table ($columns)
			 SELECT $values
			 FROM (SELECT replace(w.content, '~', '$mark' || lpad(n.number::text, 5, '0'))::aiven_rbac.$table AS x
				   FROM races.row AS w, races.number AS n
				   WHERE w.kind = 'world' AND w.relation = '$table' OFFSET 0) AS s");
	}
	$session->rows('RESET session_replication_role');
	return;
}

sub remove_worlds
{
	my ($session) = @_;

	$session->rows('SET session_replication_role = replica');
	for my $table (@tables)
	{
		$session->rows(
			"DELETE FROM aiven_rbac.$table AS t
			 WHERE NOT EXISTS (SELECT FROM races.row AS r
							   WHERE r.kind = 'before' AND r.relation = '$table' AND r.content = t::text)");
		$session->rows("VACUUM aiven_rbac.$table");
	}
	$session->rows('RESET session_replication_role');
	return;
}

# --- running -----------------------------------------------------------------

# The statement that begins a call's transaction, and takes its snapshot
sub beginning
{
	my ($call, $role, $number, $isolation) = @_;
	my $name = $call->{who} eq 'admin' ? ($role eq 'a' ? 'ann' : 'art') : $call->{who};

	return 'BEGIN ISOLATION LEVEL ' . ($isolation // 'READ COMMITTED') . '; SELECT '
	  . ($name eq 'operator' ? '1' : fill_in("rbac_set_principal(\$$name)", $number));
}

# What is never right, whatever else would be: what only the extension's author
# understands, and what nobody can do anything about
sub bad_error
{
	my ($answer) = @_;
	return $answer =~ /^(?:COMMIT: )?(?:XX|40P01|57014|P0|\w{5} .*\bconstraint\b)/;
}

1;
