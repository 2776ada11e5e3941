# Random queries (sqlsmith) over an application's protected tables, the extension's
# views and all functions that a role may call, as a role that is mapped to a member
# and as an operator.  Whatever they come to, no server process may crash, and no
# internal error may be raised by the extension's own C code.
#
# QUERIES and QUERIES_SEED make a longer or another run.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $queries = $ENV{QUERIES} || 200;
my $seed    = $ENV{QUERIES_SEED} || 1;

plan skip_all => 'sqlsmith is not here' if system('command -v sqlsmith >/dev/null') != 0;

my $node = server('main', conf => q{
	log_error_verbosity = verbose
	log_statement = none
	statement_timeout = 2s
	idle_in_transaction_session_timeout = 10s
	temp_file_limit = 100MB
	restart_after_crash = off
});

acme($node, 'postgres');
$node->safe_psql(
	'postgres', q{
	CREATE ROLE analyst LOGIN;
	CREATE ROLE operator LOGIN;
	GRANT SELECT, INSERT, UPDATE, DELETE ON deployment, secret TO analyst, operator;
	GRANT EXECUTE ON FUNCTION rbac_operate TO operator;
	} . 'SELECT rbac_database_role_map(\'analyst\', ' . principal('bob') . ');');

# The messages of C code of the extension's that say that something cannot happen
sub internal_errors
{
	my @found;
	my ($message, $sqlstate) = ('', '');

	for my $line (split /\n/, slurp_file($node->logfile))
	{
		($sqlstate, $message) = ($1, $line) if $line =~ /(?:ERROR|FATAL|PANIC):  (\w{5}): /;
		push @found, "$message ($1)" if $sqlstate eq 'XX000' && $line =~ m{LOCATION:  .*\b((?:rbac|path)_\w+\.c:\d+|aiven_rbac\.c:\d+)};
	}
	return @found;
}

for my $role ('analyst', 'operator')
{
	my ($output, $errors) = ('', '');

	IPC::Run::run(
		[
			'sqlsmith', '--verbose', "--max-queries=$queries", "--seed=$seed",
			'--target=host=' . $node->host . ' port=' . $node->port . " dbname=postgres user=$role"
		],
		'>', \$output, '2>', \$errors);
	my ($asked) = $errors =~ /.*^queries: (\d+)/ms;

	cmp_ok($asked // 0, '>=', $queries * 0.9, "$role asks")
	  or diag(substr($errors, -2000));
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "$role: the server stays up");
}
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC:|TRAP:|runtime error:/, 'no process crashes');
is(join("\n", internal_errors()), '', 'no internal error of the extension');

# One that is raised on purpose is seen, and one that is somebody else's is not.
$node->psql('postgres', q{DO $$ BEGIN RAISE EXCEPTION 'not ours' USING ERRCODE = 'internal_error'; END $$});
$node->psql('postgres', 'SELECT aiven_rbac.signal_change()');
like(join("\n", internal_errors()), qr/^[^\n]*signal_change was not called as a trigger \(rbac_signal\.c:\d+\)$/, 'one would be noticed');

done_testing();
