# The programs of examples/clients, each through PgBouncer in transaction mode, for
# twenty users at once: each sees its own rows, and whoever sets no principal none.
# A client that is not installed is left out.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my ($bouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'pgbouncer is not installed' unless $bouncer;

my $node = server('clients', conf => 'max_connections = 40');
acme($node, 'postgres');
$node->safe_psql('postgres', q{
	SELECT rbac_user_create('guest' || i || '@acme.example'), rbac_invitation_accept(rbac_invitation_create('acme', 'guest' || i || '@acme.example'))
	FROM generate_series(1, 12) AS i;
	SELECT rbac_grant(rbac_user('guest' || i || '@acme.example'), 'read_only', (ARRAY['acme', 'acme.engineering', 'acme.finance-prod'])[1 + i % 3]::rbac_path)
	FROM generate_series(1, 12) AS i;
});
my @people = split /\n/, $node->safe_psql('postgres', q{SELECT email FROM aiven_rbac.principal WHERE kind = 'user' ORDER BY 1 LIMIT 20});
my $lines = join '', map {
	my $seen = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION application; BEGIN; SELECT rbac_set_principal(rbac_user('$_')) \\gset\nSELECT count(*) FROM deployment");
	"$_ $seen\n";
} @people;
is(scalar @people, 20, 'twenty users');
cmp_ok(scalar keys %{ { map { (split)[1] => 1 } split /\n/, $lines } }, '>', 2, 'who do not all see the same');

# --- the pooler ---------------------------------------------------------------------

my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$directory/users", qq{"application" ""\n});
append_to_file("$directory/pgbouncer.ini", join("\n",
	'[databases]', 'postgres = host=' . $node->host . ' port=' . $node->port . ' dbname=postgres pool_mode=transaction',
	'[pgbouncer]', "unix_socket_dir = $directory", 'listen_addr = 127.0.0.1', "listen_port = $port", 'auth_type = trust', "auth_file = $directory/users",
	'default_pool_size = 4', 'ignore_startup_parameters = extra_float_digits', ''));
my $pooler = IPC::Run::start([ $bouncer, '-q', "$directory/pgbouncer.ini" ], '<', \undef, '>', "$directory/log", '2>&1');
for (1 .. 100)
{
	last if -S "$directory/.s.PGSQL.$port";
	select(undef, undef, undef, 0.1);
}

END
{
	my $status = $?;
	$pooler->signal('KILL'), $pooler->finish if $pooler;
	$? = $status;
}

# --- the clients --------------------------------------------------------------------

local @ENV{qw(PGHOST PGPORT PGDATABASE PGUSER)} = ($directory, $port, 'postgres', 'application');

# Can a command be run, as to find out whether a client is there?
sub runs
{
	my @command = @_;
	my $output;

	return eval { IPC::Run::run(\@command, '<', \undef, '>&', \$output) };
}

sub client_is_right
{
	my ($name, @command) = @_;
	my ($stdout, $stderr);

	IPC::Run::run(\@command, '<', \$lines, '>', \$stdout, '2>', \$stderr, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	is($stdout, "400 right, 0 wrong\n", "$name: everybody sees their own rows, and nobody those of the client before") or diag $stderr;
	return;
}

my $python = '/usr/bin/python3';
foreach my $case ([ 'psycopg3.py', 'psycopg' ], [ 'sqlalchemy_session.py', 'sqlalchemy, psycopg2' ], [ 'django_middleware.py', 'django, psycopg2' ], [ 'asyncpg_pool.py', 'asyncpg' ])
{
	my ($program, $modules) = @$case;

  SKIP: {
		skip "$program: $modules is not installed", 1 unless runs($python, '-c', "import $modules");
		client_is_right($program, $python, "examples/clients/$program");
	}
}
foreach my $case ([ 'node_postgres.js', 'pg' ], [ 'postgres_js.mjs', 'postgres' ], [ 'drizzle_orm.mjs', 'drizzle-orm' ])
{
	my ($program, $module) = @$case;

  SKIP: {
		skip "$program: $module is not installed", 1 unless runs('node', '-e', "require.resolve('$module')");
		# Modules of the newer kind are looked for beside the program only.
		my ($modules) = grep { -d "$_/$module" } split /:/, $ENV{NODE_PATH} // '';
		system("cp examples/clients/$program $directory && ln -sfn '$modules' $directory/node_modules") == 0 or die 'cp failed';
		client_is_right($program, 'node', "$directory/$program");
	}
}
SKIP: {
	my ($driver) = grep { -e } glob '/usr/share/java/postgresql.jar';

	skip 'Jdbc.java: JDBC is not installed', 1 unless $driver && runs('javac', '-version');
	system("javac -d $directory examples/clients/Jdbc.java") == 0 or die 'javac failed';
	client_is_right('Jdbc.java', 'java', '-cp', "$directory:$driver", 'Jdbc', "jdbc:postgresql://127.0.0.1:$port/postgres?user=application&prepareThreshold=0");
}
SKIP: {
	chomp(my $include = `$ENV{PG_CONFIG} --includedir`);
	chomp(my $libraries = `$ENV{PG_CONFIG} --libdir`);

	skip 'libpq.c: libpq is not installed', 1 unless -e "$include/libpq-fe.h" || -e '/usr/include/postgresql/libpq-fe.h';
	system("cc -Wall -Wextra -Werror -I$include -I/usr/include/postgresql -o $directory/libpq examples/clients/libpq.c -L$libraries -lpq") == 0 or die 'cc failed';
	client_is_right('libpq.c', "$directory/libpq");
}

delete @ENV{qw(PGUSER PGDATABASE)};
@ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

# PostgREST: a role of its own for each request, and claims that say whose it is
$node->safe_psql('postgres', slurp_file('examples/clients/postgrest.sql') . 'REVOKE ALL ON FUNCTION before_request() FROM PUBLIC; GRANT EXECUTE ON FUNCTION before_request() TO application');
foreach my $case ((map { [ '{"email": "' . (split)[0] . '"}', (split)[1] ] } split /\n/, $lines), [ '', 0 ], [ '{"role": "anon"}', 0 ], [ '{"email": "nobody@acme.example"}', 0 ])
{
	my ($claims, $expected) = @$case;

	is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION application; BEGIN; SELECT set_config('request.jwt.claims', '$claims', true) AS c, before_request() AS b \\gset\nSELECT count(*) FROM deployment"),
		$expected, "PostgREST: claims '$claims'");
}

$node->stop;
done_testing();
