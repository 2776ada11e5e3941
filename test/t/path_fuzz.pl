# Random bytes for rbac_path's parser, outside a server, so that the sanitizers
# can watch.  PATH_FUZZ_TRIES and PATH_FUZZ_SEED make a longer or another run.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $include = `$pg_config --includedir-server`);
chomp(my $lib     = `$pg_config --pkglibdir`);
my $program = tempdir(CLEANUP => 1) . '/path_fuzz';

my @compile = (
	qw(cc -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all),
	qw(-ffunction-sections -Wl,--gc-sections -Isrc), "-I$include",
	'-D_GNU_SOURCE', '-o', $program, qw(test/fuzz/path_fuzz.c src/path_io.c src/rbac_excerpt.c),
	"-L$lib", qw(-lpgcommon -lpgport));

is(system(@compile), 0, 'the parser builds with the sanitizers')
  or BAIL_OUT("@compile");

my $tries = $ENV{PATH_FUZZ_TRIES} || 200000;
my $seed  = $ENV{PATH_FUZZ_SEED}  || 1;
my $output = `$program $tries $seed 2>&1`;

is($?, 0, 'takes what the rule allows, refuses the rest, and touches nothing else');
note $output;

done_testing();
