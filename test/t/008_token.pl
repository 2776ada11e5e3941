# Tokens beyond one session (P8): what logs and dumps show of them, and logging
# in on a standby.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

for my $library ('auto_explain', 'libpqwalreceiver')
{
	plan skip_all => "this server has no $library" unless server_has($library);
}

my $primary = server('primary', init => { allows_streaming => 1 });
acme($primary, 'postgres');

my $terraform = q{rbac_application_user('acme', 'terraform')};
my $token = $primary->safe_psql('postgres', "SELECT rbac_token_create($terraform, 'test')");
my $prefix = substr($token, 0, 17);
my $secret = substr($token, 18);
my $reversed = reverse $secret;
my $wrong = "${prefix}_$reversed";

# --- logs ---------------------------------------------------------------------------

# As much as the server can be made to log of errors and of what functions do
# inside; not the client's own statements with their parameters, which are the
# server's administrator's to switch off.
$primary->append_conf(
	'postgresql.conf', q{
	session_preload_libraries = 'auto_explain'
	auto_explain.log_min_duration = 0
	auto_explain.log_nested_statements = on
	auto_explain.log_analyze = on
	log_statement = none
	log_error_verbosity = verbose
	log_min_messages = debug1
});
# From PostgreSQL 16 on, it logs the statement's parameters unless told not to.
$primary->append_conf('postgresql.conf', 'auto_explain.log_parameter_max_length = 0')
  if $primary->safe_psql('postgres', 'SHOW server_version_num') >= 160000;
$primary->reload;
my $offset = -s $primary->logfile;

# pgbench sends its variables as parameters.
my $script = $primary->basedir . '/login.sql';
append_to_file($script, "SELECT rbac_authenticate(:token);\n");
my @login = ('pgbench', '-n', '-t', '1', '-M', 'extended', '-f', $script, '-h', $primary->host, '-p', $primary->port);
ok(run_log([ @login, '-D', "token=$token", 'postgres' ]), 'P8: a token is a bind parameter');
ok(!run_log([ @login, '-D', "token=$wrong", 'postgres' ]), 'P8: a wrong one is refused');
$primary->safe_psql('postgres', "UPDATE aiven_rbac.token SET expires_at = now(), max_age = '1 day' WHERE prefix = '$prefix'");
ok(!run_log([ @login, '-D', "token=$token", 'postgres' ]), 'P8: an expired one, too');
$primary->safe_psql('postgres', "UPDATE aiven_rbac.token SET expires_at = NULL, max_age = NULL");

my $log = substr(slurp_file($primary->logfile), $offset);
like($log, qr/record_token_use/, 'what functions do inside was logged');
like($log, qr/authentication failed/, 'errors were logged');
like($log, qr/Token "$prefix" has expired/, 'P8: the log tells the reason of a refusal whose secret was right');
like($log, qr/There is no such token\./, 'P8: and that one was wrong');
unlike($log, qr/$secret/, 'P8: no log has the secret');
unlike($log, qr/$reversed/, 'P8: nor what was tried');

# --- where the client is ------------------------------------------------------------

# Nothing that the client says counts: the address is the connection's, and there is
# none by a Unix socket.
$primary->safe_psql('postgres', q{
	CREATE ROLE plain LOGIN;
	CREATE TABLE public.token (networks text, token text);
	INSERT INTO public.token
	SELECT n, rbac_token_create(rbac_application_user('acme', 'terraform'), 'limited', NULL, n::cidr[])
	FROM unnest(ARRAY[NULL, '{127.0.0.0/8}', '{10.0.0.0/8}']) AS n;
	GRANT SELECT ON public.token TO plain;
	CREATE SCHEMA forged AUTHORIZATION plain;
	CREATE FUNCTION forged.inet_client_addr() RETURNS inet LANGUAGE sql RETURN '10.0.0.1'::inet;
});
$primary->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$primary->append_conf('pg_hba.conf', 'host postgres plain 127.0.0.1/32 trust');
$primary->restart;
foreach my $case (
	[ '127.0.0.1', undef, 1 ], [ '127.0.0.1', '{127.0.0.0/8}', 1 ], [ '127.0.0.1', '{10.0.0.0/8}', 0 ],
	[ $primary->host, undef, 1 ], [ $primary->host, '{127.0.0.0/8}', 0 ], [ $primary->host, '{10.0.0.0/8}', 0 ])
{
	my ($host, $networks, $expected) = @$case;
	my $which = defined $networks ? "networks = '$networks'" : 'networks IS NULL';
	my ($status, $out, $error) = $primary->psql('postgres',
		"SET search_path = forged, public, pg_catalog; BEGIN; SELECT rbac_authenticate_here(token) = rbac_current_principal() FROM public.token WHERE $which",
		connstr => sprintf('host=%s port=%s dbname=postgres user=plain', $host, $primary->port));
	my $where = $host eq '127.0.0.1' ? 'by TCP' : 'by a Unix socket';
	is($out . ($error =~ /authentication failed/ ? 'refused' : ''), $expected ? 't' : 'refused',
		"P8: $where, networks " . ($networks // 'any') . ': the address is the connection\'s');
}

# --- dump ---------------------------------------------------------------------------

my $dump = $primary->basedir . '/dump.sql';
$primary->command_ok([ 'pg_dump', '-f', $dump, '-d', $primary->connstr('postgres') ], 'dumped');
unlike(slurp_file($dump), qr/$secret/, 'P8: no dump has the secret');
$primary->safe_psql('postgres', 'CREATE DATABASE restored');
$primary->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $primary->connstr('restored') ], 'restored');
is($primary->safe_psql('restored', "SELECT rbac_authenticate('$token') = $terraform"), 't', 'P8: tokens work in what was restored');

# --- standby ------------------------------------------------------------------------

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', "UPDATE aiven_rbac.token_use SET last_used_at = '2000-01-01'");
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "BEGIN; SELECT rbac_authenticate('$token') = rbac_current_principal(); SELECT last_used_at::date FROM aiven_rbac.token_use WHERE prefix = '$prefix'; COMMIT"),
	"t\n2000-01-01", 'P8: login works on a standby, which notes no use');
$primary->safe_psql('postgres', "SELECT rbac_token_revoke('$prefix')");
$primary->wait_for_catchup($standby);
my ($status, $out, $error) = $standby->psql('postgres', "SELECT rbac_authenticate('$token')");
like($error, qr/authentication failed/, 'C5: a token that was revoked is refused there after replay');

done_testing();
