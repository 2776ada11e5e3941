# The pages for people: every example in SQL runs and shows what it says, links
# lead somewhere, and what repeats the extension's own words is current.
#
# The examples of a page run in order, in one session, in a database of the
# page's own.  It is empty, unless the page has a line
#
#     <!-- database: examples/acme.sql … -->
#
# Then it has the extension, and these files have been loaded, in this order.
#
# A block of "sql" may be followed by one of "text", with nothing between them:
# its output must end with that (without the counts of rows).  If that is an
# error, the block must fail, and otherwise it must not.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use RbacTest;

my @pages = ('README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', sort glob 'docs/*.md');

my $node = server('docs');
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
delete $ENV{PGUSER};

# A page's examples, each with the line that it begins at, its SQL and what it
# shows, and the files that its database begins with.
sub examples
{
	my ($text) = @_;
	my ($language, $first_line, $block, @examples);
	my $number = 0;
	my $is_next = 0;

	foreach my $line (split /^/, $text)
	{
		$number++;
		if ($line =~ /^```(\w*)$/)
		{
			if (!defined $language)
			{
				($language, $first_line, $block) = ($1, $number + 1, '');
				next;
			}
			if ($language eq 'sql')
			{
				push @examples, { line => $first_line, sql => $block };
			}
			elsif ($language eq 'text' && $is_next)
			{
				$examples[-1]{output} = $block;
			}
			$is_next = $language eq 'sql';
			undef $language;
		}
		elsif (defined $language)
		{
			$block .= $line;
		}
		elsif ($line =~ /\S/)
		{
			$is_next = 0;
		}
	}
	my @begin_with = $text =~ /^<!-- database: (.*) -->$/m ? split(/ /, $1) : ();
	return (\@begin_with, @examples);
}

sub normal
{
	my ($text) = @_;

	$text =~ s/ +$//mg;
	$text =~ s/^-\[ RECORD.*\n//mg;
	$text =~ s/\n+\z/\n/;
	return $text;
}

# What psql wrote for each example, by its line.
sub outputs
{
	my ($database, @examples) = @_;
	my $script = '';

	foreach my $example (@examples)
	{
		$example->{fails} = ($example->{output} // '') =~ /^ERROR/;
		$script .= '\set ON_ERROR_STOP ' . ($example->{fails} ? 'off' : 'on') . "\n";
		$script .= "\\echo \@\@ $example->{line}\n$example->{sql}";
	}
	my $script_file = "$ENV{TESTDIR}/$database.sql";
	open(my $file, '>', $script_file) or die "$script_file: $!";
	print $file "$script\\echo \@\@ end\n";
	close $file;
	my $output = qx(psql -Xq -d $database -P footer=off -v SHOW_CONTEXT=never < "$script_file" 2>&1);
	my %outputs;
	$outputs{$1} = $2 while $output =~ /^\@\@ (\w+)\n(.*?)(?=^\@\@ |\z)/msg;
	return %outputs;
}

sub examples_run
{
	my ($page, $database, @examples) = @_;
	my %outputs = outputs($database, @examples);

	foreach my $example (@examples)
	{
		my $name = "$page: the example at line $example->{line}";
		my $got = normal($outputs{ $example->{line} } // '(did not run)');
		my $expected = normal($example->{output} // '');
		my $errors = () = $got =~ /^ERROR:/mg;

		$got = substr($got, -length $expected) if length $got > length $expected && $expected ne '';
		if ($errors != ($example->{fails} ? 1 : 0) || $got eq '(did not run)')
		{
			fail("$name runs");
			diag($outputs{ $example->{line} } // 'not reached');
		}
		elsif (defined $example->{output})
		{
			is($got, $expected, "$name shows what it says");
		}
		else
		{
			pass("$name runs");
		}
	}
	ok(exists $outputs{end}, "$page: all of it ran");
}

# As GitHub makes them from headings
sub anchors
{
	my ($text) = @_;

	$text =~ s/^```.*?^```$//msg;
	return map {
		my $anchor = lc;

		$anchor =~ s/[^\w\- ]//g;
		$anchor =~ s/ /-/g;
		$anchor => 1
	} $text =~ /^#+ (.*)$/mg;
}

sub links_lead_somewhere
{
	my ($page, $text) = @_;
	my @lost;

	$text =~ s/^```.*?^```$//msg;
	foreach my $link ($text =~ /\]\(([^)]+)\)/g)
	{
		my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
		my $file = $path eq '' ? $page : dirname($page) . "/$path";

		next if $link =~ /^https?:/;
		push @lost, $link and next unless -e $file;
		next unless defined $anchor;
		my %anchors = anchors(slurp_file($file));
		push @lost, $link unless $anchors{$anchor};
	}
	is("@lost", '', "$page: links lead somewhere");
}

# Files and functions that a page names in passing.
my $source = join '', map { slurp_file($_) } glob 'src/*.[ch] sql/*/*.sql sql/*.sql';
sub what_is_named_exists
{
	my ($page, $text) = @_;
	my @lost;

	foreach my $name ($text =~ /`([^`\n]+)`/g)
	{
		push @lost, $name
		  if ($name =~ m{^(?:src|sql|test|tools|docs|examples|bench|expected)/[\w./*-]*$} && !(my @files = glob $name))
		  || ($name =~ /^(\w+)\(/ && $source !~ /\b$1\b/)
		  || ($name =~ /^(\w+\.c)$/ && !-e "src/$1");
	}
	is("@lost", '', "$page: files and functions that it names exist");
}

foreach my $page (@pages)
{
	my $text = slurp_file($page);
	my ($begin_with, @examples) = examples($text);

	links_lead_somewhere($page, $text);
	what_is_named_exists($page, $text);
	next unless @examples;

	(my $database = lc basename($page)) =~ s/\.md$//;
	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, 'CREATE EXTENSION aiven_rbac') if @$begin_with;
	$node->safe_psql($database, slurp_file($_)) foreach @$begin_with;
	examples_run($page, $database, @examples);

	# Roles are the whole server's.
	$node->safe_psql('postgres', qq{DROP DATABASE "$database" WITH (FORCE)});
	$node->safe_psql('postgres', $_)
	  foreach split /\n/, $node->safe_psql('postgres', q{SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384});
}

my $front = slurp_file('README.md');
is(join(' ', grep { $front !~ /\(\Q$_\E\)/ } grep { /^docs/ } @pages), '', 'README.md: names every page of docs/');
is(join("\n", grep { length > 120 } split /\n/, $front), '', 'README.md: no line is too long to read');

# What is said about speed: in how many cells of the benchmark's first two
# tables the ratio is bold, and in how many rounds they were measured.
my $results = slurp_file('bench/results.md');
my ($rounds) = $results =~ /in (\d+) round/;
my @shares = map {
	my ($table) = $results =~ /^\| $_ \|.*?\n\|[-:|]+\n(.*?)\n\n/ms;
	my $bold = () = $table =~ /\| \*\*[0-9.]+\*\*/g;
	my $all = () = $table =~ /\| (?:\*\*)?[0-9.]+/g;

	"$bold of $all \l$_"
} ('Prepared', 'Plain');
foreach my $page ('README.md', 'docs/performance.md')
{
	(my $text = slurp_file($page)) =~ s/\s+/ /g;
	like($text, qr/\Q$shares[0]\E and \Q$shares[1]\E/, "$page: says how often it was slower than without row-level security");
	like($text, $rounds == 1 ? qr/\bone round\b/i : qr/\b$rounds rounds\b/, "$page: says how many rounds were measured");
}

$node->safe_psql('postgres', 'CREATE EXTENSION aiven_rbac');
{
	local $ENV{PGDATABASE} = 'postgres';
	is(qx(tools/docs-sections --check docs/reference.md docs/catalogue.md docs/audit.md docs/operations.md 2>&1), '',
		'the reference and the catalogue are what the extension says');
}

$node->stop;
done_testing();
