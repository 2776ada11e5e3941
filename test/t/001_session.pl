# The session's principal in new connections and parallel workers: nothing that
# can be left behind for a connection to start with makes it somebody (S1), and
# what was set reaches the workers (S2).

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('session');
acme($node, 'postgres');

my $carol = $node->safe_psql('postgres', 'SELECT ' . principal('carol'));
my $forged = "$carol t password";
$node->safe_psql(
	'postgres', qq{
	CREATE ROLE plain LOGIN;
	GRANT CREATE ON SCHEMA public TO plain;
	CREATE ROLE mapped LOGIN;
	GRANT SELECT ON deployment TO plain, mapped;
	GRANT mapped TO plain;
	SELECT rbac_database_role_map('mapped', '$carol');
});

# In a new connection, run SQL and return what it wrote.
sub fresh
{
	my ($user, $sql, %options) = @_;
	my ($stdout, $stderr) = ('', '');

	local $ENV{PGOPTIONS} = $options{options} // '';
	$node->psql($options{database} // 'postgres', $sql, stdout => \$stdout, stderr => \$stderr,
		extra_params => [ '-U', $user ], on_error_stop => 0);
	return wantarray ? ($stdout, $stderr) : $stdout;
}

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $whole = q{SELECT coalesce(rbac_current_principal()::text, 'nobody'), (SELECT count(*) FROM deployment WHERE rbac_has_permission(place, 'project:services:read'))};
my $nobody = 'nobody|0';

# --- placeholders and start-up -------------------------------------------------

for my $user ('plain', $superuser)
{
	for my $load (
		[ '', 'the first function called' ],
		[ "LOAD 'aiven_rbac';", 'LOAD' ])
	{
		# Only a superuser may LOAD from anywhere.
		next if $user eq 'plain' && $load->[0];
		my ($out, $err) = fresh($user, "SET aiven_rbac.principal = '$forged'; $load->[0] $whole");
		is($out, $nobody, "S1: a placeholder set before $load->[1], as $user");
		like($err, qr/WARNING: +parameter "aiven_rbac.principal" cannot be set directly/, "S1: it is thrown away with a warning ($user, $load->[1])");
	}
	is(fresh($user, "BEGIN; SET LOCAL aiven_rbac.principal = '$forged'; $whole; COMMIT; $whole"),
		"$nobody\n$nobody", "S1: a local placeholder, as $user");
	is(fresh($user, "BEGIN; SET aiven_rbac.principal = '$forged'; SAVEPOINT a; SET LOCAL aiven_rbac.principal = '$forged'; $whole; ROLLBACK TO a; $whole; COMMIT; $whole"),
		"$nobody\n$nobody\n$nobody", "S1: placeholders in layers, as $user");
	is(fresh($user, qq{SET "Aiven_RBAC.PRINCIPAL" = '$forged'; $whole}), $nobody, "S1: a placeholder of another spelling, as $user");
	is(fresh($user, $whole, options => "-c aiven_rbac.principal=" . ($forged =~ s/ /\\ /gr)), $nobody, "S1: an option of the connection, as $user");
	is(fresh($user, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET aiven_rbac.principal = '$forged'; $whole"), $nobody,
		"S1: a placeholder in a read-only session, as $user");
}

# With a placeholder, or before the library is there, PostgreSQL lets a
# superuser store a value; using it is another matter.
fresh($superuser, "ALTER ROLE plain SET aiven_rbac.principal = '$forged'");
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_db_role_setting WHERE setconfig::text LIKE \'%aiven_rbac.principal=%\''),
	1, 'a value could be stored for the role by a session without the library');
my ($out, $err) = fresh('plain', $whole);
is($out, $nobody, 'S1: ALTER ROLE … SET');
like($err, qr/WARNING: +parameter "aiven_rbac.principal" cannot be set directly/, 'S1: says that it was thrown away');
$node->safe_psql('postgres', 'DELETE FROM pg_db_role_setting');

$node->safe_psql('postgres', "INSERT INTO pg_db_role_setting VALUES (0, 'plain'::regrole, ARRAY['aiven_rbac.principal=$forged'])");
is(fresh('plain', $whole), $nobody, 'S1: a row written into pg_db_role_setting');
$node->safe_psql('postgres', "DELETE FROM pg_db_role_setting");

fresh($superuser, "ALTER DATABASE postgres SET aiven_rbac.principal = '$forged'");
is(fresh('plain', $whole), $nobody, 'S1: ALTER DATABASE … SET');
$node->safe_psql('postgres', "ALTER DATABASE postgres RESET ALL");

fresh($superuser, "SET aiven_rbac.principal = 'x'; ALTER SYSTEM SET aiven_rbac.principal = '$forged'");
$node->reload;
is(fresh('plain', $whole), $nobody, 'S1: ALTER SYSTEM');
$node->append_conf('postgresql.conf', "include_if_exists = 'forged.conf'");
$node->append_conf('forged.conf', "aiven_rbac.principal = '$forged'");
$node->reload;
is(fresh('plain', $whole), $nobody, 'S1: the configuration file');
my $open = $node->background_psql('postgres', extra_params => [ '-U', 'plain' ], on_error_stop => 0);
is($open->query($whole), $nobody, 'S1: also with the library loaded,');
$node->append_conf('forged.conf', "aiven_rbac.principal = '$forged '");
$node->reload;
is($open->query($whole), $nobody, 'S1: when the file changes');
$open->quit;
unlink $node->data_dir . '/forged.conf';
$node->safe_psql('postgres', 'SELECT 1');
unlink $node->data_dir . '/postgresql.auto.conf';
append_to_file($node->data_dir . '/postgresql.auto.conf', '');
$node->reload;

# A function with a SET clause, made where the library was not loaded
fresh($superuser, qq{
	CREATE FUNCTION trojan() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET aiven_rbac.principal = '$forged'
		AS 'BEGIN RETURN rbac_current_principal(); END';
	SET aiven_rbac.principal = '$forged';
	CREATE FUNCTION trojan_of_current() RETURNS text LANGUAGE plpgsql SET aiven_rbac.principal FROM CURRENT
		AS 'BEGIN RETURN rbac_current_principal(); END';
});
for my $function ('trojan()', 'trojan_of_current()')
{
	($out, $err) = fresh('plain', "SELECT coalesce($function, 'nobody'); $whole");
	is($out, "nobody\n$nobody", "S1: a SET clause of $function that loads the library");
	($out, $err) = fresh('plain', "$whole; SELECT coalesce($function, 'nobody'); $whole");
	is($out, "$nobody\n$nobody", "S1: a SET clause of $function after that");
	like($err, qr/ERROR: +parameter "aiven_rbac.principal" cannot be set directly/, "S1: is an error ($function)");
}

# Preloaded, the setting is known from the start.
is(fresh('plain', $whole, options => '-c session_preload_libraries=aiven_rbac'), '', 'an ordinary role cannot preload');
$node->safe_psql('postgres', "ALTER ROLE plain SET session_preload_libraries = 'aiven_rbac'");
is(fresh('plain', $whole, options => "-c aiven_rbac.principal=" . ($forged =~ s/ /\\ /gr)), $nobody, 'S1: an option of the connection, with session_preload_libraries');
is(fresh('plain', "SET aiven_rbac.principal = '$forged'; $whole"), $nobody, 'S1: SET, with session_preload_libraries');
$node->safe_psql('postgres', "ALTER ROLE plain RESET ALL");

# --- logging in ------------------------------------------------------------------

is(fresh('mapped', $whole), "$carol|250", 'S1: a mapped role that logs in is its principal');
is(fresh('plain', "SET ROLE mapped; $whole"), $nobody, 'S1: one that SET ROLE chose is not');
is(fresh('plain', $whole, options => '-c role=mapped'), $nobody, 'S1: nor one that an option of the connection chose');
($out, $err) = fresh('plain', 'SET SESSION AUTHORIZATION mapped');
like($err, qr/permission denied to set session authorization/, 'S1: SET SESSION AUTHORIZATION takes a superuser');
($out, $err) = fresh('plain', "SET SESSION AUTHORIZATION $superuser");
like($err, qr/permission denied to set session authorization/, 'S1: nor is the bootstrap operator to be had');

# --- autovacuum --------------------------------------------------------------------

# Its worker is a superuser's session in which functions of a table's owner run.
$node->safe_psql(
	'postgres', q{
	SET SESSION AUTHORIZATION plain;
	CREATE TABLE seen (outcome text);
	CREATE TABLE trap (n int) WITH (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0);
	CREATE FUNCTION tell(outcome text) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.seen VALUES (outcome) $$;
	CREATE FUNCTION spring(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN
			PERFORM public.rbac_unit_create('acme', 'trapped');
			PERFORM public.tell('done');
			RETURN $1;
		EXCEPTION WHEN OTHERS THEN
			PERFORM public.tell(SQLERRM);
			RETURN $1;
		END $$;
	CREATE INDEX ON trap (spring(n));
	RESET SESSION AUTHORIZATION;
	INSERT INTO trap VALUES (1);
	TRUNCATE seen;
	ALTER SYSTEM SET autovacuum_naptime = 1;
	ALTER SYSTEM SET autovacuum = on;
	SELECT pg_reload_conf();
});
ok($node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM seen'), 'autovacuum ran the owner\'s function');
is($node->safe_psql('postgres', 'SELECT DISTINCT outcome FROM seen'), 'cannot administer within security-restricted operation',
	'S1: which got nothing from it');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET ALL');
$node->reload;

# --- parallel workers -----------------------------------------------------------------

$node->safe_psql(
	'postgres', q{
	CREATE TABLE big (id int, place rbac_path NOT NULL);
	INSERT INTO big SELECT i, p.path FROM generate_series(1, 40000) AS i
		JOIN (SELECT path, row_number() OVER (ORDER BY path) - 1 AS n FROM aiven_rbac.resource WHERE kind = 'project') AS p ON p.n = i % 4;
	ANALYZE big;
	SELECT rbac_protect_table('big', 'place', read => 'project:services:read');
	GRANT SELECT ON big TO application, plain;
	CREATE FUNCTION ask(rbac_path) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
		AS $$ BEGIN RETURN rbac_has_permission($1, 'project:services:read'); END $$;
	CREATE FUNCTION worker_principal(int) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE
		AS $$ BEGIN RETURN coalesce(rbac_current_principal()::text, 'nobody'); END $$;
});
my $parallel = q{
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 2; SET enable_indexscan = off; SET enable_bitmapscan = off;
	SET enable_indexonlyscan = off;
};
my $digest = q{SELECT count(*), md5(string_agg(id::text, ',' ORDER BY id)) FROM big};
my $forced = fresh('application', "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
for my $person ('ann', 'bob', 'carol', 'dave', 'erin')
{
	my $as = 'BEGIN; SELECT rbac_set_principal(' . principal($person) . ') \gset' . "\n";
	my $serial = fresh('application', "SET max_parallel_workers_per_gather = 0;\n$as $digest");
	is(fresh('application', "$parallel\n$as $digest"), $serial, "S2: $person sees the same rows with parallel workers: " . (split /\|/, $serial)[0]);
	is(fresh('application', "$parallel SET parallel_leader_participation = off;\n$as $digest"), $serial, "S2: $person, in workers alone");
	is(fresh('application', "SET $forced = regress;\n$as $digest"), $serial, "S2: $person, with $forced = regress");
}
like(fresh('application', "$parallel\nBEGIN; SELECT rbac_set_principal(" . principal('bob') . ") \\gset\nEXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $digest"),
	qr/Workers Launched: [12]/, 'these were parallel scans');
is(fresh('application', "$parallel SET parallel_leader_participation = off;\nBEGIN; SELECT rbac_set_principal('$carol') \\gset\nSELECT DISTINCT worker_principal(id) FROM big"),
	$carol, 'S2: a worker that meets the principal only inside a function has it');
is(fresh('mapped', "$parallel SET parallel_leader_participation = off;\nSELECT DISTINCT worker_principal(n) FROM generate_series(1, 3) AS n; SELECT DISTINCT worker_principal(oid::int) FROM pg_class"),
	"$carol\n$carol", 'S2: a mapped role has its principal there, too');

# The leader has a placeholder and never loads the library; the workers do.
for my $user ('plain', $superuser)
{
	is(fresh($user, "$parallel SET parallel_leader_participation = off; SET aiven_rbac.principal = '$forged'; SELECT DISTINCT worker_principal(oid::int) FROM pg_class"),
		'nobody', "S1: no principal comes to a worker out of a placeholder ($user)");
}

$node->stop;
done_testing();
