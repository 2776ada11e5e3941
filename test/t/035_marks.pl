# A mark that is taken on the primary, before COMMIT or after it, is reached on a
# replica when the change is there, and not before; a server that was promoted
# without the change never reaches it.  Waiting does not hinder replay.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

plan skip_all => 'this server has no libpqwalreceiver' unless server_has('libpqwalreceiver');

# Replay waits for snapshots that are in its way as long as it takes.
my $settings = "max_standby_streaming_delay = -1\nmax_prepared_transactions = 5\nautovacuum = off\nwal_keep_size = 512MB\n";
my $primary = server('primary', init => { allows_streaming => 1 }, conf => $settings);
acme($primary, 'postgres');
$primary->safe_psql('postgres', 'CREATE TABLE removed AS SELECT generate_series(1, 1000) AS i');
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$standby->backup('backup');
my $cascade = PostgreSQL::Test::Cluster->new('cascade');
$cascade->init_from_backup($standby, 'backup', has_streaming => 1);
$cascade->append_conf('postgresql.conf', "recovery_target_timeline = 'latest'");
$cascade->start;
my @replicas = ($standby, $cascade);

my $erin = $primary->safe_psql('postgres', 'SELECT ' . principal('erin'));
my $question = "SELECT rbac_has_permission('$erin', 'acme.finance-prod', 'operator')";
my $change = "SELECT rbac_grant('$erin', 'operator', 'acme.finance-prod')";
my $undo = "SELECT rbac_revoke('$erin', 'operator', 'acme.finance-prod')";

# Run statements; the mark is what the one that takes it shows.
sub mark_of
{
	my ($node, $sql) = @_;

	return (grep { /^\d+-\d+-/ } split /\n/, $node->safe_psql('postgres', $sql))[0];
}

# Has a server come to a mark?
sub reached
{
	my ($node, $mark, $timeout) = @_;

	return $node->safe_psql('postgres', "SELECT rbac_wait_for('$mark', '$timeout')");
}

# Without a mark of its own, since the tests are about those.
sub catch_up
{
	my ($node) = @_;
	my $place = $node->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');

	$_->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$place'") foreach @replicas;
}

sub pause { $_->safe_psql('postgres', 'SELECT pg_wal_replay_pause()') foreach @replicas; }
sub resume { $_->safe_psql('postgres', 'SELECT pg_wal_replay_resume()') foreach @replicas; }

# --- where and when a mark can be taken ------------------------------------------------

my $overflow = join ' ', map { "SAVEPOINT s$_; INSERT INTO removed VALUES ($_);" } 1 .. 80;
my %ways = (
	'after the change' => "BEGIN; $change; SELECT rbac_mark(); COMMIT",
	'before it' => "BEGIN; SELECT rbac_mark(); $change; COMMIT",
	'in one statement with it' => "SELECT rbac_mark(), rbac_grant('$erin', 'operator', 'acme.finance-prod')",
	'after COMMIT' => "$change; SELECT rbac_mark()",
	'after COMMIT, READ ONLY' => "$change; BEGIN READ ONLY; SELECT rbac_mark(); COMMIT",
	'in a savepoint' => "BEGIN; SAVEPOINT s; SELECT rbac_mark(); RELEASE s; $change; COMMIT",
	'in a savepoint that is rolled back' => "BEGIN; $change; SAVEPOINT s; SELECT rbac_mark(); ROLLBACK TO s; COMMIT",
	'beside many savepoints' => "BEGIN; $overflow SELECT rbac_mark(); $change; COMMIT",
	'without waiting for the disk' => "SET synchronous_commit = off; BEGIN; $change; SELECT rbac_mark(); COMMIT");
foreach my $way (sort keys %ways)
{
	catch_up($primary);
	pause();
	my $mark = mark_of($primary, $ways{$way});
	$mark =~ s/\|.*//;
	is(reached($primary, $mark, '0'), 't', "the primary is there at once ($way)");
	is(reached($_, $mark, '0'), 'f', $_->name . " is not ($way)") foreach @replicas;
	is($_->safe_psql('postgres', $question), 'f', $_->name . " answers by what it has ($way)") foreach @replicas;
	resume();
	foreach my $replica (@replicas)
	{
		# One session, which has to hear of the change after it has waited
		is($replica->safe_psql('postgres', "$question; SELECT rbac_wait_for('$mark', '1 hour'); $question") =~ s/^.\n//r,
			"t\nt", $replica->name . " waits, and knows the change ($way)");
	}
	$primary->safe_psql('postgres', $undo);
}
catch_up($primary);

# --- transactions that are open --------------------------------------------------------

my $open = $primary->background_psql('postgres');
$open->query_safe("BEGIN; $change");
my $mark = $open->query_safe('SELECT rbac_mark()');
$primary->safe_psql('postgres', 'INSERT INTO removed VALUES (0)');
catch_up($primary);
is(reached($_, $mark, '0'), 'f', $_->name . ' is not at the mark of an open transaction') foreach @replicas;
is(reached($_, $mark, '50 ms'), 'f', $_->name . ' waits no longer than it is told') foreach @replicas;
is($open->query_safe("SELECT rbac_wait_for('$mark')"), 't', 'its own session is');
$open->query_safe('COMMIT');
is(reached($_, $mark, '1 hour'), 't', $_->name . ' is when it has ended') foreach @replicas;

$mark = mark_of($primary, "BEGIN; $undo; SELECT rbac_mark(); ROLLBACK");
is(reached($_, $mark, '1 hour'), 't', $_->name . ' is where a transaction was rolled back') foreach @replicas;
$mark = $standby->safe_psql('postgres', 'SELECT rbac_mark()');
is(reached($_, $mark, '1 hour'), 't', $_->name . ' is at the mark that a standby has taken') foreach @replicas;

# --- marks that nobody has taken -------------------------------------------------------

catch_up($primary);
my ($timeline, $transaction, $place, $system) = split /-/, mark_of($primary, 'SELECT rbac_mark()');
my %invented = (
	'a transaction of the future' => [ 1, $transaction + 1000, $place ],
	'one of another epoch' => [ 1, 2**32 + $transaction - 1, $place ],
	'the last one that there can be' => [ 1, '18446744073709551615', $place ],
	'a place in the future' => [ 1, $transaction, 'FFFFFFFF/0' ],
	'a timeline of the future' => [ 2, $transaction, $place ],
	'the last timeline' => [ 4294967295, 0, $place ]);
foreach my $node ($primary, @replicas)
{
	foreach my $what (sort keys %invented)
	{
		my $forged = join '-', @{ $invented{$what} }, $system;

		is($node->safe_psql('postgres', "SET ROLE application; SELECT rbac_wait_for('$forged', '20 ms')"), 'f',
			$node->name . " is not at an invented mark: $what");
	}
	foreach my $forged ("1-2-$place-$system", "0-0-$place-$system", "1-0-0/0-$system", "1- 0-$place-$system", "1-+0-$place-$system",
		"1-99999999999999999999-$place-$system", "4294967297-0-$place-$system", "1-0-$place-$system ", "1-0-$place-$system-1")
	{
		my ($stdout, $stderr);

		$node->psql('postgres', "SELECT rbac_wait_for('$forged')", stderr => \$stderr);
		like($stderr, qr/ERROR:  invalid mark: "\Q$forged\E"/, $node->name . " takes no such mark: $forged");
	}
}

# --- a principal that is not set before ------------------------------------------------

catch_up($primary);
pause();
$mark = mark_of($primary, "BEGIN; $undo; SELECT rbac_mark(); COMMIT");
my ($stdout, $stderr);
my $set = "SELECT rbac_set_principal('$erin', is_local => false, after => '$mark')";
$standby->psql('postgres', "SET SESSION AUTHORIZATION application; \\set VERBOSITY verbose\n$set;\nSELECT rbac_current_principal() IS NULL",
	stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
like($stderr, qr/ERROR:  55000: this server has not come to the mark\nDETAIL:  .*No principal has been set\.\nHINT:  Ask the primary/,
	'a principal is not set before the mark is reached');
is($stdout, 't', 'and nobody else is');

my $waiting = $standby->background_psql('postgres');
$waiting->query_safe("SET application_name = 'waiting'");
$waiting->{stdin} .= "SELECT 'waited ' || rbac_wait_for('$mark', '1 hour')::text;\n";
$waiting->{run}->pump_nb;
ok($standby->poll_query_until('postgres', "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE application_name = 'waiting'"),
	'a session waits');
$standby->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waiting'");
ok($standby->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'waiting' AND state = 'active')"),
	'which can be cancelled');
$waiting->{run}->finish;
$standby->psql('postgres', "SET statement_timeout = '100ms'; SELECT rbac_wait_for('$mark', '1 hour')", stderr => \$stderr);
like($stderr, qr/canceling statement due to statement timeout/, 'or ends by a limit of the statement');
resume();
is($standby->safe_psql('postgres', "BEGIN; $set; SELECT rbac_current_principal() = '$erin'; $question"),
	"\nt\nf", 'it is set when the mark is reached');

# --- replay is not held up -------------------------------------------------------------

foreach my $wait ("SELECT rbac_wait_for(%s, '1 hour')", "SELECT rbac_wait_for(concat(%s), '1 hour')",
	"SELECT rbac_set_principal('$erin', after => %s)")
{
	catch_up($primary);
	pause();
	$primary->safe_psql('postgres', 'DELETE FROM removed');
	$primary->safe_psql('postgres', 'VACUUM removed');
	$mark = mark_of($primary, 'INSERT INTO removed SELECT generate_series(1, 1000); SELECT rbac_mark()');
	my $sql = sprintf $wait, "'$mark'";
	my $session = $standby->background_psql('postgres');
	$session->query_safe("SET application_name = 'waiting'");
	$session->{stdin} .= "BEGIN; $sql; SELECT count(*) FROM removed; COMMIT;\\echo it ends\n";
	$session->{run}->pump_nb;
	ok($standby->poll_query_until('postgres', "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE application_name = 'waiting'"),
		"a session waits: $wait");
	is($standby->safe_psql('postgres', "SELECT backend_xmin IS NULL FROM pg_stat_activity WHERE application_name = 'waiting'"),
		't', 'without a snapshot');
	resume();
	$session->{run}->pump until $session->{stdout} =~ /it ends/;
	like($session->{stdout}, qr/^1000$/m, 'replay is not in its way, and the next statement sees what was waited for');
	$session->quit;
}

# --- promotion -------------------------------------------------------------------------

my %marks;
$marks{kept} = mark_of($primary, "BEGIN; $change; SELECT rbac_mark(); COMMIT");
$marks{prepared} = mark_of($primary, "BEGIN; INSERT INTO removed VALUES (1); SELECT rbac_mark(); PREPARE TRANSACTION 'kept'");
$open->query_safe("BEGIN; $undo");
$marks{open} = $open->query_safe('SELECT rbac_mark()');
$primary->safe_psql('postgres', 'INSERT INTO removed VALUES (0)');
catch_up($primary);
$cascade->stop;
$standby->stop;
$open->query_safe('COMMIT');
$open->quit;
$marks{unsent} = mark_of($primary, "BEGIN; $change; SELECT rbac_mark(); COMMIT");
$primary->stop('immediate');
$standby->start;
$standby->promote;
$cascade->start;

# Numbers of transactions that were lost come to be those of others.
$standby->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 1 .. 20 LOOP INSERT INTO removed VALUES (i); COMMIT; END LOOP; END $$');
my $new = mark_of($standby, "BEGIN; $undo; SELECT rbac_mark(); COMMIT");
my ($number) = $marks{unsent} =~ /^\d+-(\d+)-/;
is($standby->safe_psql('postgres', "SELECT pg_xact_status('$number')"), 'committed', 'a number is used once more');
like($new, qr/^2-/, 'the new primary is on a timeline of its own');
foreach my $node (@replicas)
{
	is(reached($node, $new, '1 hour'), 't', $node->name . ' comes to marks of the new primary');
	is(reached($node, $marks{kept}, '1 hour'), 't', $node->name . ' is at the mark of what was replicated');
	is(reached($node, $marks{unsent}, '1 hour'), 'f', $node->name . ' lacks what was not');
	is(reached($node, $marks{prepared}, '0'), 'f', $node->name . ' is not at the mark of a prepared transaction');
}
is($standby->safe_psql('postgres', "SELECT rbac_wait_for('$marks{open}', '1 hour')"), 'f', 'what was open is lost');
is($cascade->safe_psql('postgres', "SELECT rbac_wait_for('$marks{open}', '0')"), 'f', 'and does not come to a replica of the new primary');
$standby->psql('postgres', "SELECT rbac_set_principal('$erin', after => '$marks{unsent}')", stderr => \$stderr);
like($stderr, qr/this server has not come to the mark/, 'a principal is not set where a change was lost');
$standby->safe_psql('postgres', "COMMIT PREPARED 'kept'");
is(reached($_, $marks{prepared}, '1 hour'), 't', $_->name . ' is at that mark once it is committed') foreach @replicas;

# A replica finds out what was lost from the next list of what runs.
$standby->safe_psql('postgres', 'CHECKPOINT');
is(reached($cascade, $marks{open}, '1 hour'), 'f', 'a replica of the new primary knows of the loss, too');

$cascade->stop;
$standby->stop;
done_testing();
