# The product against a model of its rules, in some short runs of
# test/differential, and that a rule that is not kept is noticed.  "make
# differential" runs longer.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('main', conf => "max_connections = 60\nmax_worker_processes = 20\n");

sub differential
{
	my (@options) = @_;
	my ($output, $errors);

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	IPC::Run::run([ '/usr/bin/python3', '-B', 'test/differential/differential', '--workers', 2, @options ],
		'>', \$output, '2>', \$errors);
	note($output . $errors);
	my ($decisions) = $output =~ /, (\d+) decisions,/;
	return ($decisions // 0, $? == 0);
}

# The second seed is a new one each time; the output says which.
for my $seed ([ '--seed', 1 ], [])
{
	my ($decisions, $alike) = differential(@$seed, '--runs', 2, '--steps', 500);
	cmp_ok($decisions, '>', 10_000, 'decisions were compared');
	ok($alike, 'they, rows and verdicts are what the rules say');
}

# A catalogue in which nothing lets anybody view services
my $catalogue = $node->basedir . '/catalogue';
mkdir $catalogue;
for my $file (qw(actions grantables allowed_actions))
{
	my $rows = slurp_file("sql/catalogue/$file.csv");
	$rows =~ s/^\S+,service\.view\n//mg;
	append_to_file("$catalogue/$file.csv", $rows);
}
my ($decisions, $alike) = differential('--seed', 1, '--steps', 200, '--catalogue', $catalogue, '--seconds-to-shrink', 1);
ok(!$alike, 'another rule would be noticed');

done_testing();
