# The JSON Schema of documents has the keys that documents have.

use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('document');
$node->safe_psql('postgres', 'CREATE EXTENSION aiven_rbac');
my $schema = decode_json(slurp_file('docs/document.schema.json'));
my @found;

sub type_of
{
	my ($value) = @_;

	return 'strings' if $value->{type} eq 'array' && $value->{items}{type} eq 'string';
	return 'texts' if $value->{type} eq 'object' && ref $value->{additionalProperties} eq 'HASH';
	return $value->{type};
}

# Every object of the schema refuses other keys.
sub walk
{
	my ($place, $object) = @_;
	my %required = map { $_ => 1 } @{ $object->{required} // [] };

	is(JSON::PP::is_bool($object->{additionalProperties}) && !$object->{additionalProperties}, 1, "no other keys at the place '$place'");
	foreach my $key (sort keys %{ $object->{properties} })
	{
		my $value = $object->{properties}{$key};
		my $type = type_of($value);

		push @found, join '|', $place, $key, $type, $required{$key} ? 't' : 'f';
		walk($place eq '' ? $key : "$place.$key", $type eq 'array' ? $value->{items} : $value) if $type eq 'object' || $type eq 'array';
	}
	return;
}

walk('', $schema);
is(join("\n", sort @found), join("\n", sort split /\n/, $node->safe_psql('postgres', 'SELECT * FROM aiven_rbac.document_keys()')),
	'the schema has the keys that a document may have');

$node->stop;
done_testing();
