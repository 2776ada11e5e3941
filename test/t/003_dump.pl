# What pg_dump takes and pg_restore brings back decides exactly the same.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('dumped');
$node->safe_psql('postgres', 'CREATE DATABASE source');
acme($node, 'source');

# A history: a move, a group that changed, periods, somebody deactivated, an
# invitation that is still open, a mapped role; and a catalogue of one's own.
$node->safe_psql(
	'source', q{
	SELECT rbac_unit_create('acme', 'archive', 'Old things');
	SELECT rbac_project_move('acme.engineering.backend-prod', 'acme.archive');
	SELECT rbac_project_move('acme.finance-prod', 'acme.engineering');
	SELECT rbac_organization_create('bolt', 'Bolt', rbac_user('erin@acme.example'));
	SELECT rbac_project_create('bolt', 'bolt-prod');
	SELECT rbac_grant(rbac_user('frank@acme.example'), 'operator', 'acme.engineering', valid_until => now() + interval '1 year');
	SELECT rbac_grant(rbac_user('erin@acme.example'), 'operator', 'acme.archive', valid_from => now() + interval '1 year');
	SELECT rbac_invitation_create('acme', 'zoe@acme.example');
	CREATE ROLE mapped;
	SELECT rbac_database_role_map('mapped', rbac_user('bob@acme.example'));
	SELECT rbac_grant(rbac_user('dave@acme.example'), 'admin', 'acme.archive.backend-prod');
	UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE email = 'dave@acme.example';

	INSERT INTO aiven_rbac.action (number, name, resource_kind, description)
	VALUES (250, 'topic.purge', 'service', 'Remove all messages of a topic');
	INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
	SELECT '00000000-0000-0000-0000-0000000000f0', id, 'purger', 'role', 'Purger' FROM aiven_rbac.resource WHERE path = 'acme';
	INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
	SELECT '00000000-0000-0000-0000-0000000000f0', id, 'project' FROM aiven_rbac.resource WHERE path = 'acme';
	INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
	VALUES ('00000000-0000-0000-0000-0000000000f0', 'project', 250);
	SELECT rbac_grant(rbac_user('erin@acme.example'), 'purger', 'acme.analytics.data-warehouse');

	INSERT INTO aiven_rbac.billing_address (id, organization, company_name, city, country_code)
	SELECT '00000000-0000-0000-0000-0000000000b1', id, 'Acme', 'Helsinki', 'FI' FROM aiven_rbac.organization
	WHERE id = rbac_resource_id('acme');
	INSERT INTO aiven_rbac.payment_method (id, organization, provider, provider_reference, last_four)
	VALUES ('00000000-0000-0000-0000-0000000000b2', rbac_resource_id('acme'), 'stripe', 'pm_1', '4242');
	INSERT INTO aiven_rbac.billing_group (id, organization, name, currency, billing_address, payment_method)
	VALUES ('00000000-0000-0000-0000-0000000000b3', rbac_resource_id('acme'), 'main', 'EUR',
			'00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000b2');
	UPDATE aiven_rbac.project SET billing_group = '00000000-0000-0000-0000-0000000000b3'
	WHERE id = rbac_resource_id('acme.archive.backend-prod');
	INSERT INTO aiven_rbac.domain (organization, name, verification, verified_at)
	VALUES (rbac_resource_id('bolt'), 'bolt.example', 'x', now());
	INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor, allowed_methods)
	VALUES (rbac_resource_id('bolt'), true, '{saml}');
	INSERT INTO aiven_rbac.plan_list (resource, kind, organization, plans)
	VALUES (rbac_resource_id('acme'), 'organization', rbac_resource_id('acme'), '{startup-4,business-4}');
	INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
	VALUES (rbac_resource_id('acme.archive.backend-prod'), 'project', rbac_resource_id('acme'), 'env', 'prod');
	CREATE ROLE account;
	SELECT rbac_service_user_create('acme.archive.backend-prod.redis', 'default', 'account');
	SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'nightly', max_age => interval '30 days');

	REVOKE EXECUTE ON FUNCTION aiven_rbac.declare_key FROM PUBLIC;
	GRANT EXECUTE ON FUNCTION aiven_rbac.declare_key TO account;

	-- Parents come after what is inside them, as rows lie in the table.
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'project';
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'unit';
	UPDATE aiven_rbac.resource SET name = name WHERE kind = 'organization';
	UPDATE aiven_rbac.membership SET joined_at = joined_at;
});
is($node->safe_psql('source', q{SELECT bool_and(r.ctid < p.ctid) FROM aiven_rbac.resource AS r JOIN aiven_rbac.resource AS p ON p.id = r.parent}),
	't', 'parents lie after what is inside them');

is($node->safe_psql('source', q{
	SELECT c.relname FROM pg_class AS c, pg_extension AS e
	WHERE e.extname = 'aiven_rbac' AND c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'p', 'S')
	  AND (NOT c.relispartition OR c.relname = 'audit_rest')
	  AND c.oid <> ALL (e.extconfig) AND c.relname NOT LIKE '%\_signal'}), 'authority',
	'every table is for pg_dump, but those that are always empty, and what says that this database publishes: a restored one does not');

# The log is sealed, but for what comes after.
$node->safe_psql('source', 'SELECT rbac_audit_seal()');
$node->safe_psql('source', q{SELECT rbac_unit_create('acme', 'unsealed')});
my $anchor = $node->safe_psql('source', q{SELECT rbac_audit_anchor('acme')});
isnt((split /:/, $anchor)[3], '0', 'something is sealed');

# Every row of every table of the extension, without its physical place, but for
# what a dump says of itself
my $rows_of = q{
	CREATE FUNCTION pg_temp.rows_of(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		result text;
	BEGIN
		EXECUTE format('SELECT string_agg(to_jsonb(t)::text, E''\n'' ORDER BY t::text COLLATE "C") FROM (%s) AS t', query) INTO result;
		RETURN result;
	END
	$$;
};
my $contents = $rows_of . q{
	SELECT c.relname, pg_temp.rows_of(format('TABLE aiven_rbac.%I', c.relname))
	FROM pg_class AS c WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'r' AND c.relname <> 'dumped_table' ORDER BY 1};
my $rows_seen = join "\n", map {
	"BEGIN; SELECT '$_', rbac_set_principal(" . principal($_) . "); SET LOCAL ROLE application;"
	  . "SELECT place, count(*) FROM deployment GROUP BY 1 ORDER BY 1; SELECT place, count(*) FROM secret GROUP BY 1 ORDER BY 1; COMMIT;"
} 'ann', 'bob', 'carol', 'dave', 'erin', 'frank';
my $structure = q{
	SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger
	WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'aiven_rbac'::regnamespace) AND NOT tgisinternal
	UNION ALL
	SELECT polrelid::regclass::text, polname, polcmd FROM pg_policy
	UNION ALL
	SELECT oid::regclass::text, relacl::text, relforcerowsecurity::text::"char" FROM pg_class
	WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind = 'r' OR relname IN ('deployment', 'secret')
	ORDER BY 1, 2;
	SELECT oid::regprocedure, proacl FROM pg_proc WHERE proname IN ('declare_key', 'rbac_set_principal') ORDER BY 1};

# The lint, but for what it takes for a notice, and for other databases' roles
# What a new database lets PUBLIC do, before 15, is no matter of a restore's.
my $findings = q{SELECT object || ': ' || finding FROM rbac_check_protection()
	WHERE severity <> 'notice' AND object !~ '^role' AND object <> 'schema "public"' ORDER BY 1};
# Whoever is set leaves that it was there: that comes before the contents.
my %source = (
	decisions => decisions($node, 'source'),
	rows => $node->safe_psql('source', $rows_seen),
	contents => $node->safe_psql('source', $contents),
	structure => $node->safe_psql('source', $structure));
like($source{decisions}, qr/^user\|Erin\|acme\.analytics\.data-warehouse\|.*\bpurger\b.*\btopic\.purge\b/m, 'a role of one\'s own counts');
unlike($source{decisions}, qr/^user\|Dave\|/m, 'and who is deactivated does not');

sub equals_source
{
	my ($database, $how, %but) = @_;

	same_decisions(decisions($node, $database), $source{decisions}, "$how: the same decisions");
	ok($node->safe_psql($database, $contents) eq $source{contents}, "$how: the same rows, none of them twice");
	is($node->safe_psql($database, $rows_seen), $source{rows}, "$how: the same rows of protected tables for everybody");
	is($node->safe_psql($database, $structure), $source{structure}, "$how: the same triggers, policies and privileges")
	  unless $but{structure};
}

# Run a program of PostgreSQL's and want it to say nothing.
sub silently
{
	my ($what, @command) = @_;
	my ($stdout, $stderr) = ('', '');

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run(\@command, '>', \$stdout, '2>', \$stderr);
	ok($ok && $stderr eq '', "$what without an error or warning") or diag($stderr);
}

my $directory = PostgreSQL::Test::Utils::tempdir();
sub fresh
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
}

# --- everything, as a script and as an archive -------------------------------------

silently('pg_dump as a script', 'pg_dump', '-f', "$directory/plain.sql", 'source');
unlike(slurp_file("$directory/plain.sql"), qr/service\.fork/, 'the built-in catalogue is not in the dump');
fresh('plain');
silently('psql', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$directory/plain.sql");
equals_source('plain', 'script');

silently('pg_dump as an archive', 'pg_dump', '-Fc', '-f', "$directory/archive", 'source');
fresh('archive');
silently('pg_restore', 'pg_restore', '--exit-on-error', '-d', 'archive', "$directory/archive");
equals_source('archive', 'archive');

# What a restored database says of its tables is its own, also in its next dump.
silently('pg_dump of what was restored', 'pg_dump', '-Fc', '-f', "$directory/second", 'archive');
fresh('again');
silently('pg_restore of it', 'pg_restore', '--exit-on-error', '-d', 'again', "$directory/second");
equals_source('again', 'second generation');
is($node->safe_psql('again', q{SELECT count(DISTINCT installation) FROM aiven_rbac.dumped_table}), '2', 'second generation: one dump has told of itself');
is($node->safe_psql('again', $findings), '', 'second generation: nothing is missing');

# --- many jobs at a time, as docs/upgrading.md says -----------------------------------

my ($documented) = slurp_file('docs/upgrading.md') =~ /^((?: {4}pg_restore .*\n)+)/m;
fresh('jobs');
foreach my $command (split /\n/, $documented)
{
	$command =~ s/^ +//;
	$command =~ s{acme\.dump}{$directory/archive};
	$command =~ s/-d restored/-d jobs/ or die "\"$command\" has no database";
	silently($command, split / /, $command);
}
like($documented, qr/ -j 4 /, 'many jobs are documented');
equals_source('jobs', 'in parallel');
is($node->safe_psql('jobs', $findings), '', 'in parallel: nothing is missing');

# The log goes on where it was.
sub verify
{
	return $node->safe_psql('jobs', "SELECT * FROM rbac_audit_verify(); SELECT * FROM rbac_audit_verify('acme', '$anchor')");
}
is(verify(), '', 'the log of a restored database is what it was');
cmp_ok($node->safe_psql('jobs', 'SELECT rbac_audit_seal()'), '>', 0, 'what was not sealed in the dump is sealed');
is(verify(), '', 'and continues what was');
$node->safe_psql('jobs', q{SELECT rbac_unit_create('acme', 'later'); SELECT rbac_audit_seal()});
is($node->safe_psql('jobs', q{SELECT count(*) FROM aiven_rbac.audit AS a, aiven_rbac.audit_seal AS s WHERE a.path = 'acme.later' AND a.transaction = ANY (s.transactions)}),
	'1', 'as does what is written here');
is(verify(), '', 'all is well');
my $month = $node->safe_psql('jobs', q{SELECT tableoid::regclass FROM aiven_rbac.audit WHERE path = 'acme.unsealed'});
$node->safe_psql('jobs', qq{ALTER TABLE $month DISABLE TRIGGER audit_refuse; UPDATE $month SET actor_name = 'mallory' WHERE path = 'acme.unsealed'});
like(verify(), qr/^changed\|acme\|.*\|unit\.created\|.*\nchanged/, 'and what somebody changes is found');

my ($save, $load) = slurp_file('docs/upgrading.md') =~ /^ {4}(pg_dump -e .*) -f rights\.sql acme\n {4}(psql .*) -d copy -f rights\.sql$/m;
silently($save, split(/ /, $save), '-f', "$directory/rights.sql", 'source');
fresh('alone');
silently($load, split(/ /, $load), '-d', 'alone', '-f', "$directory/rights.sql");
same_decisions(decisions($node, 'alone'), $source{decisions}, 'the extension alone: the same decisions');
is($node->safe_psql('alone', q{SELECT to_regclass('public.deployment')}), '', 'the extension alone: and nothing else');

# --- wrong ways are loud ------------------------------------------------------------------

sub wrongly
{
	my ($database, @options) = @_;
	my ($stdout, $stderr);

	fresh($database);
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $ok = IPC::Run::run([ 'pg_restore', '-d', $database, @options, "$directory/archive" ], '>', \$stdout, '2>', \$stderr);
	return ($ok, $node->safe_psql($database, $findings));
}

# Tables that have rows there, and none here
sub lost
{
	my ($database) = @_;
	my $filled = $rows_of . q{
		SELECT c.relname FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (id, condition), pg_class AS c
		WHERE e.extname = 'aiven_rbac' AND c.oid = x.id AND c.relname <> 'dumped_table'
		  AND pg_temp.rows_of(format('SELECT 1 FROM aiven_rbac.%I %s LIMIT 1', c.relname, x.condition)) IS NOT NULL
		ORDER BY 1};
	my %here = map { $_ => 1 } split /\n/, $node->safe_psql($database, $filled);
	return grep { !$here{$_} } split /\n/, $node->safe_psql('source', $filled);
}
sub tells_of_lost
{
	my ($database, $told, $what) = @_;

	is_deeply([ $told =~ /^aiven_rbac\.(\w+): it had rows in the dump that was restored, and has none$/mg ], [ lost($database) ], $what);
}

# The worst order that jobs could come to
silently('pg_restore -l', 'pg_restore', '-l', '-f', "$directory/list", "$directory/archive");
my $list = slurp_file("$directory/list");
my @data = grep { / TABLE DATA aiven_rbac / } split /^/, $list;
my $reversed = join '', map { / TABLE DATA aiven_rbac / ? pop @data : $_ } split /^/, $list;
append_to_file("$directory/reversed", $reversed);
my ($ok, $told) = wrongly('reversed', '-L', "$directory/reversed");
ok(!$ok, 'in the worst order: pg_restore fails');
cmp_ok(scalar lost('reversed'), '>', 10, 'in the worst order: much is lost');
tells_of_lost('reversed', $told, 'in the worst order: each table that has lost its rows is found');

($ok, $told) = wrongly('careless', '-j', '4');
is($ok, $told eq '', 'all at once: pg_restore fails when something is missing');
tells_of_lost('careless', $told, 'all at once: and what is missing is found');

($ok, $told) = wrongly('cut', '--section=pre-data', '--section=data');
my @months = grep { /^audit_\d/ } split /\n/, $node->safe_psql('source', q{SELECT c.relname FROM pg_class AS c WHERE c.relispartition ORDER BY 1});
is($told, join("\n", (map { ("aiven_rbac.$_: rows of the log can be changed: its trigger \"audit_refuse\" is missing, or does not run in every replication role",
		"aiven_rbac.$_: who reads the log reads all of it: indexes are missing") } @months),
	'public.deployment: row-level security is not enabled, but column "place" says which resource a row belongs to',
	'public.secret: row-level security is forced, but not enabled, as when the end of a restore is missing'), 'without its end: every table that was protected is found, and the log');

# A part of the rows, with the rules off
fresh('part');
silently('structure of a part', 'pg_restore', '--exit-on-error', '--schema-only', '-d', 'part', "$directory/archive");
silently('data of a part', 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', (map { ('-t', $_) } 'access_grant', 'dumped_table'),
	'-d', 'part', "$directory/archive");
$told = $node->safe_psql('part', $findings);
like($told, qr/^aiven_rbac\.access_grant: rows that by "$_" reference what does not exist: \d+$/m, "a part: $_")
  for 'access_grant_membership_fkey', 'access_grant_resource_fkey', 'access_grant_grantable_on_fkey';
tells_of_lost('part', $told, 'a part: what is left out is found');

# --- structure first, data later -----------------------------------------------------

# A session has cached that nobody holds anything when the data comes.
sub data_into
{
	my ($database, $how, @command) = @_;

	fresh($database);
	silently("$how: structure", 'pg_restore', '--exit-on-error', '--schema-only', '-d', $database, "$directory/archive");
	my $erin = $node->safe_psql('source', 'SELECT ' . principal('erin'));
	my $question = "SELECT rbac_has_permission('$erin', 'acme.analytics.data-warehouse', 'read_only'), rbac_has_permission('$erin', 'bolt.bolt-prod', 'admin')";
	my $open = $node->background_psql($database);
	is($open->query_safe($question), 'f|f', "$how: nothing is held before");
	silently("$how: data", @command);
	is($open->query_safe($question), 'f|t', "$how: an open session knows what came");
	$open->quit;
}

data_into('later', 'data with triggers', 'pg_restore', '--exit-on-error', '--data-only', '-d', 'later', "$directory/archive");
equals_source('later', 'data with triggers');

data_into('untriggered', 'data without triggers',
	'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', 'untriggered', "$directory/archive");

# PostgreSQL enables all triggers alike afterwards.
equals_source('untriggered', 'data without triggers', structure => 1);

silently('pg_dump of data', 'pg_dump', '--data-only', '-f', "$directory/data.sql", 'source');
data_into('script', 'data as a script', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'script', '-f', "$directory/data.sql");
equals_source('script', 'data as a script');

# The restored database is alive: rules still hold there.
my $stderr;
$node->psql('archive', q{SELECT rbac_unit_create('acme.engineering', 'inside')}, stderr => \$stderr);
like($stderr, qr/ERROR: .*"acme.engineering"/, 'H1: what is refused before is refused after');
$node->psql('archive', q{DELETE FROM aiven_rbac.group_member WHERE account_owners}, stderr => \$stderr);
like($stderr, qr/without a super admin/, 'P5: on every write path');

$node->stop;
done_testing();
