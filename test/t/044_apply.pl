# The command-line tool of examples/apply: what it shows, what it does, and what it
# exits with.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('apply');
acme($node, 'postgres');
my $directory = PostgreSQL::Test::Utils::tempdir();
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
delete local $ENV{RBAC_TOKEN};

# Exit status, standard output and standard error
sub tool
{
	my ($input, @arguments) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'examples/apply/rbac-document', @arguments ], '<', \$input, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return ($? >> 8, $out, $err);
}

sub document
{
	my ($name, $text) = @_;

	open my $out, '>', "$directory/$name" or die "$name: $!";
	print $out $text;
	close $out;
	return "$directory/$name";
}

my ($status, $out, $err) = tool('', 'export', 'acme');
is($status, 0, "export: $err");
like($out, qr/"label": "backend-dev"/, 'it prints the document');
my $same = document('same.json', $out);

($status, $out) = tool('', 'plan', '--detailed-exitcode', 'acme', $same);
is("$status $out", "0 Nothing to do.\n", 'what was exported is nothing to do');

my $sales = document('sales.json', '{"units": [{"label": "analytics", "name": "It\'s \\\\ analytics"}, '
	  . '{"label": "engineering", "name": "Engineering"}, {"label": "sales"}]}');
($status, $out) = tool('', 'plan', '--detailed-exitcode', 'acme', $sales);
is($status, 2, 'something to do has a status of its own');
like($out, qr/^~ unit "analytics"  .*It's/m, 'a change is shown with what it changes');
like($out, qr/^\+ unit "sales"$/m, 'and what is made');
($status) = tool('', 'plan', 'acme', $sales);
is($status, 0, 'unless it is not asked for');
is($node->safe_psql('postgres', q{SELECT count(*) FROM aiven_rbac.resource WHERE path = 'acme.sales'}), '0', 'a plan does nothing');

($status, undef, $err) = tool("no\n", 'apply', 'acme', $sales);
is($status, 1, 'what is not confirmed is not done');
like($err, qr/nothing has been done/, 'and it says so');
is($node->safe_psql('postgres', q{SELECT count(*) FROM aiven_rbac.resource WHERE path = 'acme.sales'}), '0', 'nothing was');

($status, $out, $err) = tool("yes\n", 'apply', 'acme', $sales);
is($status, 0, "confirmed: $err");
like($out, qr/2 steps taken/, 'the steps are taken');
is($node->safe_psql('postgres', q{SELECT name FROM aiven_rbac.resource WHERE path IN ('acme.sales', 'acme.analytics') ORDER BY path}),
	"It's \\ analytics\nsales", 'as the file says, character by character');
($status, $out) = tool('', 'apply', '--yes', 'acme', $sales);
is("$status $out", "0 Nothing to do.\n", 'once more it is nothing to do');

($status, undef, $err) = tool('', 'plan', '--detailed-exitcode', 'acme', document('wrong.json', '{"units": [{"lable": "x"}]}'));
is($status, 1, 'an error is 1');
like($err, qr/unknown key "lable" at units\[0\]/, 'and tells the place');
($status) = tool('', 'plan', 'acme', "$directory/none.json");
is($status, 1, 'a file that is not there');
($status) = tool('', 'apply', 'acme', '-');
is($status, 1, 'nothing is confirmed that comes on standard input');
($status, $out) = tool('{"units": []}', 'plan', '--detailed-exitcode', "acme'; DROP TABLE aiven_rbac.tag; --", '-');
is($status, 1, 'an organization that is no label');
is($node->safe_psql('postgres', q{SELECT to_regclass('aiven_rbac.tag') IS NOT NULL}), 't', 'is no SQL');
($status) = tool('', 'unknown');
is($status, 1, 'nor is anything else known');

# With a token its principal acts, and may do what it may.
my %token = map { $_ => $node->safe_psql('postgres', "SELECT rbac_token_create(rbac_user('$_\@acme.example'), 'ci')") } qw(ann heidi);
{
	local $ENV{RBAC_TOKEN} = $token{heidi};
	($status, undef, $err) = tool('', 'plan', 'acme', $sales);
	is($status, 1, 'a principal that may not see all of it');
	like($err, qr/permission denied/, 'is told');
}
{
	local $ENV{RBAC_TOKEN} = $token{ann};
	($status, $out, $err) = tool('{"units": [{"label": "analytics"}, {"label": "engineering"}]}', 'apply', '--yes', 'acme', '-');
	is($status, 0, "a principal that may: $err");
	like($out, qr/^- unit "sales"$/m, 'ends what is left out');
}

$node->stop;
done_testing();
