# Upgrades.  An upgrade script is made of migrations and of the whole of sql/code.
# Here is a version that never was, which differs from the current one in every
# way that an upgrade can mend: upgraded, it is what a new installation is.

use strict;
use warnings;

use File::Temp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $old = '0.0.1';
my ($version) = slurp_file('aiven_rbac.control') =~ /^default_version = '(.*)'/m;
my $share = qx($ENV{PG_CONFIG} --sharedir);
chomp $share;
my $scripts = "$share/extension";
plan skip_all => "$scripts is not for us to write" unless -w $scripts;

# --- the version that never was -------------------------------------------------------

# A checkout of its own, since a migration is added to it
my $checkout = File::Temp->newdir;
system("cp -R aiven_rbac.control sql tools $checkout") == 0 or die 'cp failed';

sub write_file
{
	my ($file, $text) = @_;

	open(my $out, '>', $file) or die "$file: $!";
	print $out $text;
	close $out;
}

write_file(
	"$checkout/sql/migrations/$old--$version.sql", q{
-- A column, a constraint, a function that is gone, one with another result
ALTER TABLE aiven_rbac.retired_id ADD COLUMN retired_at timestamptz NOT NULL DEFAULT pg_catalog.now();
ALTER TABLE aiven_rbac.tag DROP CONSTRAINT tag_value_length,
    ADD CONSTRAINT tag_value_length CHECK (pg_catalog.length(value) <= 256);
COMMENT ON CONSTRAINT tag_value_length ON aiven_rbac.tag IS 'A tag''s value has at most 256 characters.';
DROP FUNCTION aiven_rbac.gone();
DROP FUNCTION @extschema@.rbac_operate();
});

my $script = qx($checkout/tools/extension-sql);
sub older
{
	my ($pattern, $replacement) = @_;

	$script =~ s/$pattern/$replacement/s or die "the script has no $pattern";
}
older(qr/,\s+retired_at timestamptz NOT NULL DEFAULT pg_catalog.now\(\)/, '');
older(qr/pg_catalog.length\(value\) <= 256/, 'pg_catalog.length(value) <= 10');
older(qr/A tag''s value has at most 256 characters/, q{A tag''s value is short});
older(qr/CREATE FUNCTION \@extschema\@\.rbac_operate\(\) RETURNS boolean/,
	"CREATE FUNCTION aiven_rbac.gone() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
	  . 'CREATE FUNCTION @extschema@.rbac_operate() RETURNS bool[]');
older(qr/CREATE FUNCTION \@extschema\@\.rbac_member_leave.*?COMMENT ON FUNCTION \@extschema\@\.rbac_member_leave.*?;/s, '');
older(qr/SELECT r\.id AS resource, r\.kind, t\.key, t\.value\n/, "SELECT r.id AS resource, r.kind, t.key\n");
older(qr/CREATE TRIGGER keep_catalogue BEFORE TRUNCATE ON aiven_rbac.action\s.*?;/s, '');
older(qr{(?<=visible_tag IS\n    )'tags; .*?'}, "'tags'");
older(qr/END\n\$\$;\n(?=REVOKE ALL ON FUNCTION aiven_rbac.require\()/, "RAISE EXCEPTION 'older';\nEND\n\$\$;\n");

write_file("$scripts/aiven_rbac--$old.sql", $script);
write_file("$scripts/aiven_rbac--$old--$version.sql", scalar qx($checkout/tools/extension-sql $old));

# --- what there is ----------------------------------------------------------------------

# All that an installation consists of, as text
sub installation
{
	my ($node, $database) = @_;

	return $node->safe_psql(
		$database, q{
		SET search_path = pg_catalog;
		CREATE TEMP VIEW member AS
		SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'aiven_rbac';
		SELECT pg_describe_object(m.classid, m.objid, 0), obj_description(m.objid, m.classid::regclass::name)
		FROM member AS m ORDER BY 1;
		SELECT p.oid::regprocedure, pg_get_functiondef(p.oid), array(SELECT a::text FROM unnest(p.proacl) AS a ORDER BY 1)
		FROM pg_proc AS p JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		WHERE p.prokind = 'f' ORDER BY p.oid::regprocedure::text;
		SELECT c.relname, c.relkind, c.reloptions, array(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1),
			   CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
		FROM pg_class AS c JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid ORDER BY 1;
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
			   pg_get_expr(d.adbin, d.adrelid)
		FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'v') AND NOT c.relispartition ORDER BY c.relname, a.attnum;
		SELECT k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
		FROM pg_constraint AS k WHERE k.connamespace = 'aiven_rbac'::regnamespace AND k.conrelid NOT IN (SELECT inhrelid FROM pg_inherits) ORDER BY k.conrelid::regclass::text, k.conname;
		SELECT pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid, 'pg_class') FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
		WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND i.indrelid NOT IN (SELECT inhrelid FROM pg_inherits) ORDER BY 1;
		SELECT pg_get_triggerdef(g.oid), g.tgenabled FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
		WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND NOT c.relispartition AND NOT g.tgisinternal ORDER BY 1;
		SELECT c::regclass::text, w FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (c, w)
		WHERE e.extname = 'aiven_rbac' ORDER BY 1;
		SELECT * FROM aiven_rbac.action ORDER BY 1;
		SELECT * FROM aiven_rbac.grantable ORDER BY 1;
		SELECT * FROM aiven_rbac.grantable_on ORDER BY 1, 2, 3;
		SELECT * FROM aiven_rbac.allowed_action ORDER BY 1, 2, 3;
		SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'aiven_rbac';
	});
}

# Compare two of those; tell only where they part.
sub same_installation
{
	my ($got, $expected, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;

	ok(@expected > 1000 && $got eq $expected, $name) and return;
	for my $i (0 .. $#expected)
	{
		next if ($got[$i] // '') eq $expected[$i];
		diag('got:      ' . ($got[$i] // '(end)'));
		diag("expected: $expected[$i]");
		last;
	}
}

my $node = server('upgrade', conf => 'max_locks_per_transaction = 1024');
$node->safe_psql('postgres', 'CREATE ROLE application LOGIN; CREATE ROLE mallory LOGIN');
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach qw(fresh upgraded planted);
my $grant = 'GRANT EXECUTE ON FUNCTION rbac_set_principal TO application; GRANT SELECT ON aiven_rbac.domain TO application';

$node->safe_psql('fresh', "CREATE EXTENSION aiven_rbac; $grant");
my $fresh = installation($node, 'fresh');

$node->safe_psql('upgraded', "CREATE EXTENSION aiven_rbac VERSION '$old'; $grant");
$node->safe_psql('upgraded', slurp_file('examples/acme.sql'));
isnt(installation($node, 'upgraded'), $fresh, 'the older version is another one');
my $held = decisions($node, 'upgraded');

# What sessions have loaded meanwhile goes on.
my $open = $node->background_psql('upgraded', on_error_stop => 0);
is($open->query(q{SELECT rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'admin')}),
	't', 'a session has decided before the upgrade');

$node->safe_psql('upgraded', 'ALTER EXTENSION aiven_rbac UPDATE');
same_installation(installation($node, 'upgraded'), $fresh, 'upgraded, it is what a new installation is, privileges that were granted included');
same_decisions(decisions($node, 'upgraded'), $held, 'and everybody holds what they held');
is($open->query(q{SELECT rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'admin')}),
	't', 'as the session sees that was open');
$open->quit;

# --- somebody else's object in the way -----------------------------------------------------

$node->safe_psql(
	'planted', qq{
	CREATE EXTENSION aiven_rbac VERSION '$old';
	GRANT CREATE ON SCHEMA public TO mallory;
	SET ROLE mallory;
	CREATE FUNCTION public.rbac_member_leave(organization rbac_resource) RETURNS boolean LANGUAGE sql AS 'SELECT true';
});
my ($code, $stdout, $stderr) = $node->psql('planted', 'ALTER EXTENSION aiven_rbac UPDATE');
like($stderr, qr/rbac_member_leave\(.*\) is not a member of extension "aiven_rbac"/,
	'S5: an upgrade does not take over what somebody else has made');
is($node->safe_psql('planted', q{SELECT extversion FROM pg_extension WHERE extname = 'aiven_rbac'}), $old, 'and changes nothing');

$node->safe_psql('postgres', 'CREATE DATABASE operators');
$node->safe_psql('operators', "CREATE EXTENSION aiven_rbac VERSION '$old'; GRANT CREATE ON SCHEMA public TO mallory");
$node->safe_psql('operators', 'SET ROLE mallory;' . plants('public'));
$node->safe_psql('operators', 'ALTER EXTENSION aiven_rbac UPDATE');
is($node->psql('operators', 'DROP OWNED BY mallory'), 0, 'S5: nor does it call or keep operators and functions that fit better than pg_catalog\'s');

unlink("$scripts/aiven_rbac--$old.sql", "$scripts/aiven_rbac--$old--$version.sql");
$node->stop;
done_testing();
