# Portals that the protocol's Execute runs piece by piece, as drivers do that
# fetch a result a few rows at a time: S3 holds for them as for cursors.

use strict;
use warnings;

use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

my $node = server('portal');
acme($node, 'postgres');
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION rows_at_once() RETURNS SETOF int LANGUAGE plpgsql
		AS 'BEGIN RETURN QUERY SELECT id FROM deployment ORDER BY id; END';
	CREATE FUNCTION rows_in_a_loop() RETURNS SETOF int LANGUAGE plpgsql
		AS 'DECLARE i int; BEGIN FOR i IN SELECT id FROM deployment ORDER BY id LOOP RETURN NEXT i; END LOOP; END';
	CREATE FUNCTION rows_in_order() RETURNS SETOF int LANGUAGE plpgsql SET enable_indexscan = off SET enable_bitmapscan = off SET enable_indexonlyscan = off
		AS 'BEGIN RETURN QUERY SELECT id FROM deployment ORDER BY id + 0; END';
	SELECT rbac_database_role_map('application', } . principal('dave') . q{);
});
my $grant = "rbac_grant(" . principal('dave') . ", 'role:organization:admin', 'acme.engineering')";
my $revoke = "rbac_revoke(" . principal('dave') . ", 'role:organization:admin', 'acme.engineering')";

# --- the protocol, as much of it as is needed ---------------------------------

my $socket;

sub message
{
	my ($type, $body) = @_;

	return $type . pack('N', length($body) + 4) . $body;
}

sub receive
{
	my ($length) = @_;
	my $data = '';

	while (length($data) < $length)
	{
		sysread($socket, $data, $length - length($data), length($data)) or die 'connection lost';
	}
	return $data;
}

# Send messages, and return what comes back until the server is ready: a letter
# a message, and the SQLSTATE of an error.
sub talk
{
	my $result = '';

	syswrite($socket, join('', @_));
	while (1)
	{
		my ($type, $length) = unpack('aN', receive(5));
		my $body = receive($length - 4);

		return $result if $type eq 'Z';
		$result .= $type if $type =~ /[12CDs]/;
		$result .= $1 if $type eq 'E' && $body =~ /\0C([0-9A-Z]{5})\0/;
	}
}

# A new connection, in which nothing of the extension has run
sub connect_anew
{
	my $body = pack('N', 3 << 16) . "user\0application\0database\0postgres\0\0";

	$socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "socket: $!";
	talk(pack('N', length($body) + 4) . $body);
}

sub query { return talk(message('Q', "$_[0]\0")); }

# Open a portal and run it for some rows
sub open_portal
{
	my ($portal, $query, $rows) = @_;

	return talk(
		message('P', "\0$query\0" . pack('n', 0)),
		message('B', "$portal\0\0" . pack('nnn', 0, 0, 0)),
		message('E', "$portal\0" . pack('N', $rows)),
		message('S', ''));
}

sub go_on { return talk(message('E', "$_[0]\0" . pack('N', $_[1])), message('S', '')); }

# --- tests -------------------------------------------------------------------

foreach my $case (
	[ 'a sorted query', 'SELECT id FROM deployment ORDER BY id + 0' ],
	[ 'a query by the name of a column', 'SELECT id FROM secret ORDER BY id + 0' ],
	[ 'a function that has read rows, in a session that begins with it', 'SELECT * FROM rows_at_once()' ],
	[ 'a function that loops over rows, in a session that begins with it', 'SELECT * FROM rows_in_a_loop()' ],
	[ 'a function that reads rows without an index, in a session that begins with it', 'SELECT * FROM rows_in_order()' ])
{
	my ($name, $query) = @$case;

	foreach my $isolation ('READ COMMITTED', 'REPEATABLE READ')
	{
		connect_anew();
		query("BEGIN ISOLATION LEVEL $isolation");
		is(open_portal('p', $query, 2), '12DDs', "$name, $isolation: the first piece");
		is(go_on('p', 3), 'DDDs', "$name, $isolation: the second");
		$node->safe_psql('postgres', "SELECT $revoke");
		is(go_on('p', 3), '24000', "S3: $name, $isolation: none after a revocation");
		query('ROLLBACK');
		$node->safe_psql('postgres', "SELECT $grant");
	}
}

# A portal without a name, to its end
connect_anew();
query('BEGIN');
is(open_portal('', 'SELECT id FROM deployment ORDER BY id + 0 LIMIT 5', 3), '12DDDs', 'a portal without a name');
$node->safe_psql('postgres', "SELECT rbac_group_create('acme', 'unrelated')");
is(go_on('', 3), 'DDC', 'goes on after an unrelated change');
query('ROLLBACK');

# What a statement returns of rows that it has changed is there as a whole.
query('BEGIN');
is(open_portal('p', 'UPDATE deployment SET id = id RETURNING id', 2), '12DDs', 'an UPDATE that returns rows');
$node->safe_psql('postgres', "SELECT $revoke");
is(go_on('p', 2), 'DDs', 'is complete when it gives the first');
query('ROLLBACK');

done_testing();
