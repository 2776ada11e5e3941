# The report in a browser: a value of a user runs nothing and is shown as it is;
# the search hides what does not match.  Skipped where there is no Chromium.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my ($browser) = grep { -x } map { my $directory = $_; map { "$directory/$_" } qw(chromium chromium-browser google-chrome) }
  split /:/, $ENV{PATH};
plan skip_all => 'no Chromium is installed' unless $browser;

my $node = server('report');
acme($node, 'postgres');
$node->safe_psql('postgres', <<'END');
UPDATE aiven_rbac.principal SET name = '<img src=x onerror="document.title=''forged''"><script>document.title="forged"</script>'
WHERE email = 'bob@acme.example';
END

my $directory = PostgreSQL::Test::Utils::tempdir();
my $file = "$directory/report.html";
open my $out, '>', $file or die "$file: $!";
print $out $node->safe_psql('postgres', q{SELECT rbac_report_html('acme')});
close $out;

# The page as it is once its scripts have run
sub shown
{
	my ($address) = @_;
	my ($stdout, $stderr);

	IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', "--user-data-dir=$directory/profile",
		'--virtual-time-budget=2000', '--dump-dom', $address ], '>', \$stdout, '2>', \$stderr,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $stdout;
}

my $page = shown("file://$file");
like($page, qr{<title>Access in Acme Corporation</title>}, 'a name runs nothing');
like($page, qr{<bdi>&lt;img src=x onerror=}, 'and is shown as it is');
unlike($page, qr/<tr hidden/, 'without a search everything is shown');

# A page that lets a value through: what the browser would not run all the same
my $leaky = slurp_file($file);
$leaky =~ s/&lt;/</g;
$leaky =~ s/&gt;/>/g;
$leaky =~ s/&#39;/'/g;
$leaky =~ s/&quot;/"/g;
open $out, '>', "$directory/leaky.html" or die "leaky.html: $!";
print $out $leaky;
close $out;
$page = shown("file://$directory/leaky.html");
like($page, qr/<bdi><img src="x" onerror=/, 'where a value is not escaped');
like($page, qr{<title>Access in Acme Corporation</title>}, 'the policy of the page forbids its script');

$page = shown("file://$file#q=carol");
my @hidden = $page =~ /<tr hidden="">/g;
my @rows = $page =~ /<tbody>.*?<\/tbody>/gs;
cmp_ok(scalar @hidden, '>', 30, 'a search hides rows');
unlike(join('', @rows), qr/<tr><td>(?:(?!<\/tr>).)*bob\@acme\.example(?:(?!<\/tr>|carol).)*<\/tr>/s, 'of others');
like(join('', @rows), qr/<tr><td><bdi>Carol/, 'and shows what matches');

$node->stop;
done_testing();
