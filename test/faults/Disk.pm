# A disk that is full every now and then, under administrative clients: what is
# refused leaves nothing, and nothing that was acknowledged is lost.
package Disk;

use strict;
use warnings;

use Apart;
use Books;
use Clients;
use Crash;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;

# Fill a small disk but for some kB
sub fill
{
	my ($directory) = @_;
	my (undef, $free) = split ' ', `df -k --output=avail '$directory'`;

	open my $file, '>>', "$directory/filler" or die "$directory/filler: $!";
	print $file "\0" x 1024 for 1 .. $free - int rand 16;
	close $file;
	return;
}

# Give some of it free again
sub free
{
	my ($directory) = @_;
	my $size = -s "$directory/filler";

	truncate "$directory/filler", $size > 500000 ? $size - 500000 : 0 or die "$directory/filler: $!";
	return;
}

# A database on a disk of its own
sub make_database
{
	my ($node) = @_;
	my $directory = $node->basedir . '/small';

	mkdir $directory or die "$directory: $!";
	system_or_bail('mount', '-t', 'tmpfs', '-o', 'size=40m', 'small', $directory);
	mkdir "$directory/tablespace" or die "$directory/tablespace: $!";
	$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$directory/tablespace'");
	$node->safe_psql('postgres', 'CREATE DATABASE small TABLESPACE small');
	Clients::make_world(Session->new($node, 'small'));
	return $directory;
}

sub run
{
	my ($world) = @_;
	my $node = $world->{node};
	if (!$Apart::may_mount)
	{
		note 'disk: skipped, for this user cannot mount a small one';
		return;
	}
	my $directory = make_database($node);
	my $facts = facts_in(Session->new($node, 'small'));
	my ($until, $round, $refused, $acknowledged) = (time + 2 * $world->{seconds}, 0, 0, 0);

	while (!$refused && $round < 20 || time < $until)
	{
		# As long as somebody can still see them, old rows make no room.
		my $keeper = Session->new($node, 'small');
		$keeper->rows('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
		my $clients = Clients->start($node, $facts, database => 'small', seed => $world->{seed} - ++$round, seconds => 1 + $world->{seconds} / 10);
		for (1 .. 2 + $world->{seconds} / 2)
		{
			fill($directory);
			select undef, undef, undef, 0.3;
			free($directory);
			select undef, undef, undef, rand 0.05;
		}
		my @logs = $clients->finish;
		undef $keeper;
		my %errors;
		for my $log (@logs)
		{
			$errors{$_} += $log->{errors}{$_} for keys %{ $log->{errors} };
			$acknowledged += $log->{acknowledged};
		}
		$refused += $errors{$_} for grep { /^53100/ } keys %errors;
		truncate "$directory/filler", 0;
		Crash::crash($node, 'the server') if $round == 1;
		my $session = Session->new($node, 'small');
		my ($expected, @lost) = Clients::settle($session, $facts, @logs);
		$facts = facts_in($session);
		is_deeply([ @lost, differences($expected, $facts) ], [], "full disk ($round): what was acknowledged is there, and nothing else");
		my ($held, @wrong) = wrong_decisions($session);
		is_deeply(\@wrong, [], "full disk ($round): decisions are right ($held held)");
		is_deeply([ grep { !/^53100/ } sort keys %errors ], [], "full disk ($round): no call had failed for another reason");
		is_deeply([ map { $_->{end} } grep { $_->{end} } @logs ], [], "full disk ($round): all sessions live");
	}
	cmp_ok($refused, '>=', 1, 'the disk was full');
	$node->safe_psql('postgres', $_) for 'DROP DATABASE small', 'DROP TABLESPACE small';
	system_or_bail('umount', $directory);
	note "disk: $acknowledged transactions acknowledged, $refused calls refused";
	return;
}

1;
