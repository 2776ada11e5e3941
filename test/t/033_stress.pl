# A change that was acknowledged is never missed (C5), in a short run of
# test/stress; and that driver notices if one is.  "make stress" runs longer.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('main', conf => "max_prepared_transactions = 20\nmax_connections = 60\n");

sub stress
{
	my ($database, @options) = @_;
	my ($output, $errors);

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION aiven_rbac');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => $database);
	IPC::Run::run([ '/usr/bin/python3', 'test/stress/stress', @options ], '>', \$output, '2>', \$errors);
	note($output . $errors);
	return $output =~ /^acknowledged changes (\d+), settled answers (\d+), wrong (\d+)$/m ? ($1, $2, $3) : (0, 0, -1);
}

my ($changes, $answers, $wrong) = stress('told', '--seconds', 10);
cmp_ok($changes, '>', 100, 'changes were acknowledged');
cmp_ok($answers, '>', 100, 'and answers known');
is($wrong, 0, 'C5: none by what was before');

$node->safe_psql('postgres', 'DROP DATABASE told');
$node->safe_psql('postgres', 'DROP ROLE checker');
($changes, $answers, $wrong) = stress('untold', '--seconds', 3, '--without-signal');
cmp_ok($wrong, '>', 0, 'without the signal there are');

done_testing();
