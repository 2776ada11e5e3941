# Whatever breaks, what was acknowledged is there and decisions are right
# afterwards.  The parts are modules of test/faults; "make faults" breaks more.
#
#   FAULTS           which parts (all): crash interrupt memory disk deadlock replicas
#   FAULTS_SECONDS   for how long each of them (1)
#   FAULTS_SEED      what is random

use strict;
use warnings;

use File::Basename 'dirname';
use lib dirname(__FILE__) . '/../faults';
use Apart;
use Clients;
use PostgreSQL::Test::Utils;
use RbacTest;
use Session;
use Test::More;

my @parts = split ' ', $ENV{FAULTS} || 'crash interrupt memory disk deadlock replicas';
my $seed = $ENV{FAULTS_SEED} || 1 + int rand 1000000;
my %world = (seed => $seed, seconds => $ENV{FAULTS_SECONDS} || 1);

note "FAULTS_SEED=$seed";
srand $seed;
$world{node} = server('faults', init => { allows_streaming => 'logical' },
	conf => "restart_after_crash = on\ndeadlock_timeout = 100ms\nlog_statement = none\njit = off\nshared_buffers = 16MB\n"
	  . "max_connections = 40\nmax_prepared_transactions = 20\nwal_retrieve_retry_interval = 100ms\n");
$world{node}->safe_psql('postgres', 'CREATE DATABASE books');
Clients::make_world(Session->new($world{node}, 'books'));

for my $part (@parts)
{
	my $module = ucfirst $part;
	my $started = time;
	require "$module.pm";
	$module->can('run')->(\%world);
	note "$part: " . (time - $started) . ' s';
}
done_testing();
