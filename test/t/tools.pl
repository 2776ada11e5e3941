# tools/packages chooses the PostgreSQL to build and test with by what a system
# has and offers.  Its package manager is played by two scripts.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

my $fakes = tempdir(CLEANUP => 1);

sub fake
{
	my ($command, $script) = @_;

	open(my $file, '>', "$fakes/$command") or die "$fakes/$command: $!";
	print $file "#!/bin/sh\n$script";
	close($file) or die "$fakes/$command: $!";
	chmod 0755, "$fakes/$command";
	return;
}

fake('dpkg-query', <<'END');
for package; do :; done
case " $INSTALLED " in
	*" $package "*) printf installed ;;
	*) echo "dpkg-query: no packages found matching $package" >&2; exit 1 ;;
esac
END
# Its answer is longer than a pipe holds: what comes after the candidate is not
# read by a search that has found it.
fake('apt-cache', <<'END');
case " $OFFERED " in
	*" $2 "*) printf '%s:\n  Installed: (none)\n  Candidate: 1.0\n  Version table:\n' "$2"
		seq -f '     1.%.0f 500' 20000 ;;
	*" $2? "*) printf '%s:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n' "$2" ;;
esac
END

# The packages of major versions
sub packages
{
	return map { ("postgresql-$_", "postgresql-server-dev-$_", "postgresql-$_-pgtap") } @_;
}

sub choice
{
	my ($installed, $offered, $wish) = @_;

	local $ENV{PATH}      = "$fakes:/usr/bin:/bin";
	local $ENV{INSTALLED} = "@$installed";
	local $ENV{OFFERED}   = "@$offered";
	local $ENV{PG_MAJOR}  = $wish // '';
	my $choice = `bash -c 'set -euo pipefail; . tools/packages; choose_major || echo none'`;
	chomp $choice;
	return $choice;
}

my @cases = (
	[ 'Debian 12',                 [],                [ packages(15) ],       undef, 15 ],
	[ 'Debian 13',                 [],                [ packages(17) ],       undef, 17 ],
	[ 'Ubuntu 22.04',              [],                [ packages(14) ],       undef, 14 ],
	[ 'the newest that is supported', [],             [ packages(18 .. 20) ], undef, 19 ],
	[ 'more than one is offered',  [],                [ packages(14 .. 17) ], undef, 17 ],
	[ 'one is offered that is not supported', [],     [ packages(13, 16, 99) ], undef, 16 ],
	[ 'an installed one comes before a newer one', [ packages(15) ], [ packages(15 .. 17) ], undef, 15 ],
	[ 'of the installed ones the newest', [ packages(14, 16) ], [ packages(17) ], undef, 16 ],
	[ 'installed without development files', [ 'postgresql-15' ], [ packages(17) ], undef, 17 ],
	[ 'offered without pgTAP',     [], [ packages(15), 'postgresql-17', 'postgresql-server-dev-17' ], undef, 15 ],
	[ 'known by name only',        [], [ packages(15), map { "$_?" } packages(17) ], undef, 15 ],
	[ 'PG_MAJOR comes first',      [ packages(15) ],  [ packages(15, 17) ],   16,    16 ],
	[ 'nothing is offered',        [],                [],                     undef, 'none' ],
	[ 'nothing supported is offered', [],             [ packages(13) ],       undef, 'none' ]);

for my $case (@cases)
{
	my ($name, $installed, $offered, $wish, $expected) = @$case;

	is(choice($installed, $offered, $wish), $expected, $name);
}

done_testing();
