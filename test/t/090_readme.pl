# README.md: every example in SQL runs and shows what it says, in order and in
# one fresh database; and what repeats the extension's own words is current.
#
# A block of "sql" may be followed by one of "text", with which its output must
# end (without the counts of rows).  If that is an error, the block must fail,
# and otherwise it must not.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
delete $ENV{PGUSER};

open(my $file, '<', 'README.md') or die "README.md: $!";
my (@examples, $language, $first_line, $block);
while (my $line = <$file>)
{
	if ($line =~ /^```(\w*)$/)
	{
		if (!defined $language)
		{
			($language, $first_line, $block) = ($1, $. + 1, '');
			next;
		}
		push @examples, { line => $first_line, sql => $block } if $language eq 'sql';
		$examples[-1]{output} = $block if $language eq 'text';
		undef $language;
	}
	elsif (defined $language)
	{
		$block .= $line;
	}
}
close $file;

# All in one session: principals, roles and transactions go from one to the next.
my $script = '';
foreach my $example (@examples)
{
	$example->{fails} = ($example->{output} // '') =~ /^ERROR/;
	$script .= '\set ON_ERROR_STOP ' . ($example->{fails} ? 'off' : 'on') . "\n";
	$script .= "\\echo \@\@ $example->{line}\n$example->{sql}";
}
$script .= "\\echo \@\@ end\n";
my $script_file = "$ENV{TESTDIR}/readme.sql";
open($file, '>', $script_file) or die "$script_file: $!";
print $file $script;
close $file;
my $output = qx(psql -Xq -P footer=off -v SHOW_CONTEXT=never < "$script_file" 2>&1);

sub normal
{
	my ($text) = @_;

	$text =~ s/ +$//mg;
	$text =~ s/^-\[ RECORD.*\n//mg;
	$text =~ s/\n+\z/\n/;
	return $text;
}

my %outputs;
$outputs{$1} = $2 while $output =~ /^\@\@ (\w+)\n(.*?)(?=^\@\@ |\z)/msg;
foreach my $example (@examples)
{
	my $got = normal($outputs{ $example->{line} } // '(did not run)');
	my $expected = normal($example->{output} // '');
	my $errors = () = $got =~ /^ERROR:/mg;

	$got = substr($got, -length $expected) if length $got > length $expected && $expected ne '';
	if ($errors != ($example->{fails} ? 1 : 0) || $got eq '(did not run)')
	{
		fail("the example at line $example->{line} runs");
		diag($outputs{ $example->{line} } // 'not reached');
	}
	elsif (defined $example->{output})
	{
		is($got, $expected, "the example at line $example->{line} shows what it says");
	}
	else
	{
		pass("the example at line $example->{line} runs");
	}
}
ok(exists $outputs{end}, 'all of it ran');

is(qx(tools/docs-sections --check docs/reference.md docs/catalogue.md 2>&1), '',
	'the reference and the catalogue are what the extension says');

$node->stop;
done_testing();
