# A transaction pooler hands one connection from client to client: what one of
# them is must never be what the next one is (S2).

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my ($bouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'pgbouncer is not installed' unless $bouncer;

my $node = server('pooled', conf => 'max_prepared_transactions = 2');
acme($node, 'postgres');
my $bob = $node->safe_psql('postgres', 'SELECT ' . principal('bob'));
my $carol = $node->safe_psql('postgres', 'SELECT ' . principal('carol'));
my @running;

# Start a pooler with one connection to the server, and return where it listens.
sub pooler
{
	my (@settings) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	my $server = 'host=' . $node->host . ' port=' . $node->port . ' dbname=postgres';

	append_to_file("$directory/users", qq{"application" ""\n});
	append_to_file("$directory/pgbouncer.ini", join("\n",
		'[databases]',
		"transaction = $server pool_mode=transaction",
		"session = $server pool_mode=session",
		'[pgbouncer]',
		"unix_socket_dir = $directory",
		'listen_port = 6432',
		'auth_type = trust',
		"auth_file = $directory/users",
		'default_pool_size = 1',
		'server_reset_query = DISCARD ALL',
		@settings, ''));
	push @running, IPC::Run::start([ $bouncer, '-q', "$directory/pgbouncer.ini" ], '<', \undef, '>', "$directory/log", '2>&1');
	for (1 .. 100)
	{
		return $directory if -S "$directory/.s.PGSQL.6432";
		select(undef, undef, undef, 0.1);
	}
	die 'pgbouncer did not start: ' . slurp_file("$directory/log");
}

END
{
	my $status = $?;
	$_->signal('KILL'), $_->finish for @running;
	$? = $status;
}

sub client
{
	my ($directory, $database) = @_;

	return $node->background_psql('postgres', on_error_stop => 0,
		extra_params => [ '-d', "host=$directory port=6432 dbname=$database user=application" ]);
}

my $who = q{SELECT coalesce(rbac_current_principal()::text, 'nobody'), (SELECT count(*) FROM deployment)};
my $pid = 'SELECT pg_backend_pid()';
my $nobody = 'nobody|0';
my $seen_by_bob = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION application; BEGIN; SELECT rbac_set_principal('$bob') \\gset\nSELECT count(*) FROM deployment");
my $seen_by_carol = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION application; BEGIN; SELECT rbac_set_principal('$carol') \\gset\nSELECT count(*) FROM deployment");
isnt($seen_by_bob, 0, 'Bob sees something');

# --- transaction pooling --------------------------------------------------------

my $at = pooler();
my $first = client($at, 'transaction');
my $second = client($at, 'transaction');
is($first->query($pid), $second->query($pid), 'two clients share one connection');

$first->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
is($first->query($who), "$bob|$seen_by_bob", 'S2: one client in its transaction');
$first->query_safe('COMMIT');
is($second->query($who), $nobody, 'S2: another after its COMMIT');
$first->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
$first->query_safe('ROLLBACK');
is($second->query($who), $nobody, 'S2: after its ROLLBACK');
$first->query_safe("SELECT rbac_set_principal('$bob')");
is($second->query($who), $nobody, 'S2: after a statement of its own');
$first->query("BEGIN; SELECT rbac_set_principal('$bob'); SELECT 1/0; COMMIT");
like($first->{stderr}, qr/division by zero/, 'a statement fails');
$first->{stderr} = '';
is($second->query($who), $nobody, 'S2: after a transaction that failed');
$first->query_safe("BEGIN; SAVEPOINT a; SELECT rbac_set_principal('$bob'); RELEASE a; PREPARE TRANSACTION 'pooled'");
is($second->query($who), $nobody, 'S2: after PREPARE TRANSACTION');
$second->query_safe("COMMIT PREPARED 'pooled'");
is($second->query($who), $nobody, 'S2: after COMMIT PREPARED');

for (1 .. 5)
{
	$first->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
	my $one = $first->query($who);
	$first->query_safe('COMMIT');
	$second->query_safe("BEGIN; SELECT rbac_set_principal('$carol')");
	my $other = $second->query($who);
	$second->query_safe('COMMIT');
	is("$one $other", "$bob|$seen_by_bob $carol|$seen_by_carol", 'S2: two clients in turn, each as itself');
}

$first->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
$first->quit;
is($second->query($who), $nobody, 'S2: a client that goes away in its transaction leaves nothing');

# What is set for the session belongs to the connection, not to the client.
# The pooler does not reset it between transactions unless it is told to.
my $third = client($at, 'transaction');
$second->query_safe("SELECT rbac_set_principal('$carol', is_local => false)");
is($third->query($who), "$carol|$seen_by_carol", 'S2: a principal set for the session is the next client\'s, so that is not for transaction pooling');
$third->query_safe('SELECT rbac_reset_principal()');
is($second->query($who), $nobody, 'S2: rbac_reset_principal() ends it for all of them');
$_->quit for $second, $third;

# --- session pooling --------------------------------------------------------------

$first = client($at, 'session');
$first->query_safe("SELECT rbac_set_principal('$bob', is_local => false)");
is($first->query($who), "$bob|$seen_by_bob", 'S2: a principal for the session, in session pooling');
my $backend = $first->query($pid);
$first->quit;
$second = client($at, 'session');
is($second->query($pid), $backend, 'the next client has the same connection');
is($second->query($who), $nobody, 'S2: after DISCARD ALL, which makes it nobody\'s');
$second->quit;

# --- transaction pooling with a reset each time -------------------------------------

$at = pooler('server_reset_query_always = 1');
$first = client($at, 'transaction');
$second = client($at, 'transaction');
is($first->query($pid), $second->query($pid), 'two clients share one connection');
$first->query_safe("SELECT rbac_set_principal('$bob', is_local => false)");
is($second->query($who), $nobody, 'S2: with server_reset_query_always, one for the session does not get across');
is($first->query($who), $nobody, 'S2: and does not come back');
$_->quit for $first, $second;

$node->stop;
done_testing();
