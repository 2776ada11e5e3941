# The session's principal where a server is watched: pg_stat_activity, and the
# server's log, which the client is not told of.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('show', conf => "aiven_rbac.show_principal = on\nlog_error_verbosity = default");
acme($node, 'postgres');
my $bob = $node->safe_psql('postgres', 'SELECT ' . principal('bob'));
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

sub shown
{
	return $node->safe_psql('postgres', "SELECT application_name FROM pg_stat_activity WHERE pid = $pid");
}

$session->query_safe("SET application_name = 'shop'");
is(shown(), 'shop', 'nobody is shown as nobody');
$session->query_safe("BEGIN; SELECT rbac_set_principal('$bob')");
is(shown(), "shop $bob", 'the principal follows the application name');
is($session->query('SHOW application_name'), 'shop', 'which stays as it is');
$session->query_safe('SAVEPOINT s; SELECT rbac_reset_principal()');
is(shown(), 'shop', 'reset');
$session->query_safe('ROLLBACK TO s');
is(shown(), "shop $bob", 'set again by a rollback');
$session->query_safe('COMMIT');
is(shown(), 'shop', 'and nobody after COMMIT');
$session->query_safe("SET application_name = '" . 'x' x 60 . "'; BEGIN; SELECT rbac_set_principal('$bob')");
like(shown(), qr/^x+ $bob$/, 'a long name makes room');
$session->query_safe('ROLLBACK');
like(shown(), qr/^x{60}$/, 'and comes back');

# The log
my ($code, $out, $error) = $node->psql('postgres', "BEGIN; SELECT rbac_set_principal('$bob'); SELECT 1 / 0;");
unlike($error, qr/DETAIL/, 'the client is told nothing more');
like(slurp_file($node->logfile), qr/ERROR:  division by zero\n.*DETAIL:  Session's principal: $bob\./, 'the log is');
$node->psql('postgres', "BEGIN; SELECT rbac_set_principal('$bob'); SELECT rbac_unit_create('acme', 'x');");
like(slurp_file($node->logfile), qr/ERROR:  permission denied for organization "acme"\n.*DETAIL:  It requires the action "unit\.create"[^\n]* Session's principal: $bob\./, 'behind what else is told');
my $size = length slurp_file($node->logfile);
$node->psql('postgres', 'SELECT 1 / 0');
unlike(substr(slurp_file($node->logfile), $size), qr/Session's principal/, 'nothing is told of nobody');

# Who asks for it
$node->safe_psql('postgres', 'CREATE ROLE plain');
($code, $out, $error) = $node->psql('postgres', "LOAD 'aiven_rbac'; SET ROLE plain; SET aiven_rbac.show_principal = off");
like($error, qr/permission denied to set parameter "aiven_rbac.show_principal"/, 'superusers alone set it');
$session->query_safe("SET application_name = 'shop'; SELECT rbac_set_principal('$bob', is_local => false); SET aiven_rbac.show_principal = off");
is(shown(), 'shop', 'off, it shows nobody');
$session->quit;

$node->stop;
done_testing();
