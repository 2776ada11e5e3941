# Memory that ends in the middle of loads: the backend may take this much more than
# it has, in small steps.  Its session lives, and answers rightly then.
package Memory;

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Session;
use Test::More;
use Wide;

# The kB that a process has of its address space
sub size_of
{
	my ($pid) = @_;
	my ($size) = slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m;
	return $size;
}

sub limit
{
	my ($pid, $bytes) = @_;
	system_or_bail('prlimit', '--pid', $pid, "--as=$bytes:");
	return;
}

# Ask while there are some kB left; what goes wrong, and the errors' codes
sub ask_with
{
	my ($wide, $kilobytes) = @_;
	my $session = Session->new($wide->{node}, 'wide');
	my (@codes, @wrong);

	$session->rows("SELECT rbac_has_permission('$wide->{id}{other}'::uuid, 'acme.u.m1'::rbac_path, 'service.power')");
	$session->rows(($wide->count_all)[0]) if rand() < 0.3;
	limit($session->pid, 1024 * (size_of($session->pid) + $kilobytes));
	for (1 .. 3)
	{
		$wide->change;
		my ($query, $right) = rand() < 0.5 ? $wide->count_all : $wide->load_in_turn(3);
		my $result = $session->run($query);
		push @codes, $result->{code} // 'answered';
		push @wrong, "$kilobytes kB: @{ $result->{rows}[0] }, not $right" if !$result->{code} && join(',', @{ $result->{rows}[0] }) ne $right;
	}
	limit($session->pid, 'unlimited');
	return (\@codes, @wrong, $wide->wrong_answers($session));
}

sub run
{
	my ($world) = @_;
	if (system('prlimit --version >/dev/null 2>&1') || !-e "/proc/$$/status")
	{
		note 'memory: skipped, for there is no prlimit here';
		return;
	}
	my $wide = Wide->new($world);
	my (%codes, @wrong);

	for my $round (1 .. 1 + $world->{seconds} / 10)
	{
		for (my $kilobytes = rand 64; $kilobytes < 2000; $kilobytes += 64)
		{
			my ($codes, @these) = eval { ask_with($wide, int $kilobytes) };
			push @wrong, $codes ? @these : "$kilobytes kB: $@";
			$codes{$_}++ for @{ $codes // [] };
		}
	}
	is_deeply(\@wrong, [], 'out of memory: sessions live, the next answers are right, and nothing is held');
	is_deeply([ grep { !/^(?:answered|53200)$/ } sort keys %codes ], [], 'out of memory: nothing else fails');
	cmp_ok($codes{53200} // 0, '>=', 5, 'there was too little memory');
	cmp_ok($codes{answered} // 0, '>=', 5, 'and enough');
	note 'memory: ' . join ', ', map { "$_: $codes{$_}" } sort keys %codes;
	return;
}

1;
