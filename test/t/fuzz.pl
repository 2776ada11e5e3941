# Random bytes for what parses what anybody may send, outside a server, so that
# the sanitizers can watch.  FUZZ_TRIES and FUZZ_SEED make a longer or another run.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

# What is fuzzed, and the files of the product that it needs beside its own
my %subjects = (
	path      => ['src/path_io.c'],
	principal => [],
	token     => [],
);

my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $include = `$pg_config --includedir-server`);
chomp(my $lib     = `$pg_config --pkglibdir`);

# Some packages leave out what only static programs need.
plan skip_all => "$lib has no libpgcommon.a and libpgport.a"
  unless -e "$lib/libpgcommon.a" && -e "$lib/libpgport.a";

my $directory = tempdir(CLEANUP => 1);
my $tries = $ENV{FUZZ_TRIES} || 200000;
my $seed  = $ENV{FUZZ_SEED}  || 1;

for my $subject (sort keys %subjects)
{
	my $program = "$directory/$subject";
	my @compile = (
		qw(cc -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all),
		qw(-ffunction-sections -fdata-sections -Wl,--gc-sections -Isrc), "-I$include",
		'-D_GNU_SOURCE', '-o', $program, "test/fuzz/${subject}_fuzz.c",
		qw(test/fuzz/fuzz.c src/rbac_excerpt.c), @{ $subjects{$subject} },
		"-L$lib", qw(-lpgcommon -lpgport));

	is(system(@compile), 0, "$subject: builds with the sanitizers")
	  or BAIL_OUT("@compile");
	my $output = `$program $tries $seed 2>&1`;

	is($?, 0, "$subject: takes what the rule allows, refuses the rest, and touches nothing else");
	note $output;
}

done_testing();
