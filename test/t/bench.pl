# The benchmark works: a small data set, every style of policy, one short round.
# That all styles show the same rows is a check of its own, by tables that were
# written without the extension (G2, G3); figures of such a run mean nothing.

use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use Test::More;

chomp(my $share = `$ENV{PG_CONFIG} --sharedir`);
plan skip_all => 'this server has no ltree, which is measured, too' unless -e "$share/extension/ltree.control";

my $out = tempdir(CLEANUP => 1);

sub contents
{
	my ($file) = @_;

	open(my $in, '<:encoding(UTF-8)', "$out/$file") or return '';
	local $/;
	return <$in>;
}

# On the server of the test run.  Two principals do: one narrow, one that none
# of the sessions has been.
my $log = do
{
	local %ENV = (
		%ENV,
		QUICK      => 1,
		SERVER     => 1,
				PARTS      => 'main rows grants',
		PRINCIPALS => 'A,cold',
		QUERIES    => 'top 50,key,update,point',
		OUT        => $out);
	qx(bench/run 2>&1);
};
is($?, 0, 'bench/run succeeds') or diag($log);

my $results = contents('results.md');
foreach my $title (
	'aiven_rbac against no row-level security', 'All styles', 'A row by its primary key',
	'A check for each row',                      'Writing grants')
{
	like($results, qr/^##+ \Q$title\E$/m, "results: $title");
}

my ($by_key) = $results =~ /^### A row by its primary key\n(.*?)\n##/ms;
my @measured = ($by_key // '') =~ /^\| [^|]+ \| [0-9.]+ (?:µs|ms|s) \|/mg;
is(scalar @measured, 11, 'every style was measured') or diag($by_key);

my $picture = contents('results.svg');
like($picture, qr{\A<svg .*</svg>\n\z}s, 'a picture');
unlike($picture . $results, qr/nan|inf\b/i, 'no impossible figures');

# Roles and database are the whole server's.
my $roles = qx(psql -X -At -d postgres -c "SELECT string_agg(rolname, ', ') FROM pg_roles WHERE rolname ^@ 'bench_'");
chomp $roles;
is(system("psql -X -q -d postgres -c 'DROP DATABASE bench' -c 'DROP ROLE $roles'"), 0, 'nothing is left');

done_testing();
