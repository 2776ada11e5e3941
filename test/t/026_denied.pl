# Calls that are refused stand in the server's log, if that is asked for, also
# where the caller catches the error; and nobody fills it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('denied');
acme($node, 'postgres');
$node->safe_psql('postgres', 'CREATE ROLE plain');

# The lines that a session leaves that runs something as Frank, who may do little
sub lines_of
{
	my ($sql, %session) = @_;
	my $before = length slurp_file($node->logfile);

	$node->psql('postgres', 'SET aiven_rbac.log_denied = ' . ($session{setting} // 'on') . ';'
		  . "SELECT rbac_set_principal(rbac_user('frank\@acme.example'), is_local => false); SET ROLE plain; $sql", on_error_stop => 0);
	return grep { /LOG:  refused/ } split /\n/, substr(slurp_file($node->logfile), $before);
}

my $frank = $node->safe_psql('postgres', q{SELECT rbac_user('frank@acme.example')});
my @lines = lines_of(q{SELECT rbac_unit_create('acme', 'x')});
is(@lines, 1, 'a refused call is one line');
like($lines[0], qr/refused rbac_unit_create\(\): permission denied for organization "acme"$/, 'which says what was refused');
like(slurp_file($node->logfile), qr/DETAIL:  Session's principal: $frank\. Database role: \w+\. It requires the action "unit\.create"/, 'to whom, and why');

is(lines_of(q{SELECT rbac_unit_create('acme', 'x')}, setting => 'off'), 0, 'it is off unless asked for');
is(lines_of(q{SELECT rbac_organization_delete('acme')}), 1, 'a call that would end access');
is(lines_of(q{SELECT rbac_audit_log('acme')}), 1, 'one that reads');
is(lines_of(q{SELECT rbac_unit_create('nowhere', 'x'); SELECT rbac_unit_create('', 'x'); SELECT 1 / 0; TABLE aiven_rbac.token}), 0,
	'other errors are none, nor are other refusals');

# Errors that are caught
is(lines_of(q{DO 'BEGIN PERFORM rbac_unit_create(''acme'', ''x''); EXCEPTION WHEN OTHERS THEN END'}), 1, 'who catches the error is seen all the same');
my $loop = q{DO 'BEGIN FOR i IN 1..500 LOOP BEGIN PERFORM rbac_unit_create(''acme'', ''x''); EXCEPTION WHEN OTHERS THEN END; END LOOP; END'};
@lines = lines_of("$loop; SELECT pg_sleep(1.1); SELECT rbac_unit_create('acme', 'last')");
cmp_ok(scalar @lines, '<', 100, 'a loop does not fill the log');
my ($omitted) = slurp_file($node->logfile) =~ /.*Refusals of this session that were left out before: (\d+)\./s;
cmp_ok($omitted, '>', 400, 'which says how much it left out');

# What stands in it
unlike(slurp_file($node->logfile), qr/LOG:  refused.*\n.*DETAIL.*\n.*STATEMENT/, 'no statement, which could have a secret in it');
my ($code, $out, $error) = $node->psql('postgres', 'LOAD \'aiven_rbac\'; SET ROLE plain; SET aiven_rbac.log_denied = on');
like($error, qr/permission denied to set parameter "aiven_rbac.log_denied"/, 'superusers alone set it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM aiven_rbac.audit WHERE event ~ 'denied|refused'}), '0', 'no row is written');

$node->stop;
done_testing();
