# Two calls of administration that meet on one thing (G12): a call that loses a
# race answers as if it had come after the winner.
#
# Which calls meet is said in test/races/calls, and what there is before them in
# test/races/world.  What is right is written down nowhere: it is what the same
# two calls do one after the other.  Every ordered pair (a, b) that has a thing
# in common is run
#
#   in turn       a commits, then b begins
#   committed     b calls while a is uncommitted, then a commits
#   rolled back   the same, but a is rolled back
#   repeatable    b's transaction, REPEATABLE READ, has its snapshot from before
#                 a, and calls after a has committed
#   serializable  the same with SERIALIZABLE
#   overtaken     where a hands out what b takes away from a's actor: b commits
#                 while a is uncommitted, then a commits
#
# and what is compared is what both calls answer and what all tables of the
# extension hold in the end:
#
#   committed     as in turn.  A b that did not wait may have come first: then as
#                 in the other order, "turned"; if it hands something out, its
#                 COMMIT can be refused where the call would have been.
#   rolled back   as b alone
#   repeatable    as in turn, or 40001 and as a alone; so does serializable
#   overtaken     as turned: a commits nothing (G5)
#
# Where one call gives a thing a new path, the other may as well do its work
# there: as in turn, with the new path for an argument.
#
# "held up" tells more of "committed": a b that ends access must not wait for an
# a that is made by whoever loses it (G11).
#
# Each case has a world of its own, some hundred in one database (Races.pm).
#
#   RACES         a regular expression: only pairs of which both calls match
#   RACES_MODES   "all", or which of the modes, from "committed" on, by their
#                 first words

use strict;
use warnings;

use List::Util qw(any uniq);
use POSIX ();
use Races;
use RbacTest;
use Session;
use Storable qw(nstore retrieve);
use Test::More;
use Time::HiRes 'time';

my $workers = 2;
my $worlds = 400;
my %isolation = (repeatable => 'REPEATABLE READ', serializable => 'SERIALIZABLE');
my @every_mode = ('committed', 'rolled back', 'repeatable', 'serializable', 'overtaken', 'held up');
my $asked = $ENV{RACES_MODES} || 'committed repeatable';
my @modes = grep { my $mode = $_; $asked eq 'all' || any { $mode =~ /^$_/ } split ' ', $asked } @every_mode;
my $wanted = $ENV{RACES} || '.';

my $node;

# What cases have changed: by their numbers, the rows that are not the world's,
# and the world's that are gone
sub changes
{
	my ($session) = @_;
	my (%changes, %called);

	$session->rows('CREATE TEMP TABLE now (relation text, shown text, number int, id int)');
	for my $table (extension_tables())
	{
		$session->rows(
			"INSERT INTO now
			 SELECT '$table', CASE WHEN w.id IS NULL THEN to_jsonb(x.t)::text END, x.number, w.id
			 FROM (SELECT t, content,
						  CASE WHEN at > 0 THEN substr(content, at + length('$mark'), 5)::int END AS number
				   FROM (SELECT t, content, strpos(content, '$mark') AS at
						 FROM (SELECT t, t::text AS content FROM aiven_rbac.$table AS t OFFSET 0) AS q
						 OFFSET 0) AS s
				   OFFSET 0) AS x
			 LEFT JOIN (SELECT * FROM races.row AS r WHERE r.relation = '$table') AS w
				ON w.content = coalesce(replace(x.content, '$mark' || lpad(x.number::text, 5, '0'), '~'), x.content)");
	}
	$session->rows('ANALYZE now');

	# What was made gets a name instead of its random id.
	my @rows = $session->rows('SELECT number, relation, shown FROM now WHERE id IS NULL ORDER BY relation');
	for my $row (grep { defined $_->[0] } @rows)
	{
		my ($number, $table, $shown) = @$row;
		my ($name) = $shown =~ /"(?:path|email|name)": "([^"]+)"/;
		$called{$_} //= [ $number, join ' ', 'new', $table, $name // () ]
		  for grep { !/$mark/ } $shown =~ /"(?:id|prefix)": "([^"]+)"/g;
	}
	for my $row (@rows)
	{
		my ($number, $table, $shown) = @$row;
		my ($known) = grep { defined } @called{ $shown =~ /"($uuid|rbac_\w{12})"/g };
		$number //= $known->[0] if $known;
		# What a case has made and ended again leaves an id that names nothing.
		next if !defined $number && $table eq 'retired_id';
		$shown =~ s/"($uuid|rbac_\w{12})"/'"' . ($called{$1} ? $called{$1}[1] : $1) . '"'/ge;
		die "a row of no case: $table $shown" if !defined $number;
		push @{ $changes{$number} }, "+$table " . plain($shown, $number);
	}
	for my $row ($session->rows(
			"SELECT n.number, w.relation, w.shown
			 FROM races.row AS w CROSS JOIN races.number AS n
			 LEFT JOIN now AS s ON s.number = n.number AND s.id = w.id
			 WHERE w.kind = 'world' AND s.id IS NULL"))
	{
		push @{ $changes{ $row->[0] } }, "-$row->[1] " . plain($row->[2], $row->[0]);
	}
	$session->rows('DROP TABLE now');
	return map { $_ => join "\n", sort @{ $changes{$_} } } keys %changes;
}

# --- running -----------------------------------------------------------------

sub answer
{
	my ($result, $number) = @_;

	return plain("$result->{code} $result->{message}", $number) if $result->{code};
	return plain(join(' ', 'ok', sort map { join ',', map { $_ // 'NULL' } @$_ } @{ $result->{rows} }), $number);
}

# The answer to the call, or to COMMIT if that fails
sub commit
{
	my ($session, $answer, $number) = @_;
	my $result = $session->run('COMMIT');

	return $result->{code} ? 'COMMIT: ' . answer($result, $number) : $answer;
}

sub transaction
{
	my ($session, $call, $role, $number) = @_;

	$session->rows(beginning($call, $role, $number));
	my $result = $session->run('SELECT * FROM ' . fill_in($call->{call}, $number));
	return commit($session, answer($result, $number), $number);
}

# Wait until a session has answered or waits for somebody; does it wait?
sub waits
{
	my ($session, $monitor) = @_;
	my $until = time + 3;

	return 0 if $session->ready(0.004);
	while (time < $until)
	{
		my ($blocked) = $monitor->rows('SELECT pg_blocking_pids(' . $session->pid . ") <> '{}'");
		return 1 if $blocked->[0] eq 't' && !$session->ready(0);
		return 0 if $session->ready(0.002);
	}
	return 1;
}

# Run a case; answers of a and b, and whether b waited
sub run_case
{
	my ($case, $first, $second, $monitor) = @_;
	my ($number, $mode, $a, $b) = @{$case}{qw(number mode a b)};
	my $old = $isolation{$mode};
	my %got = (number => $number);

	if ($mode =~ /^(alone|in turn|turned)/)
	{
		my @order = $mode eq 'turned' ? qw(b a) : qw(a b);
		$got{$_} = transaction($first, $case->{$_}, $_, $number) for grep { $case->{$_} } @order;
		return \%got;
	}

	my ($call_a, $call_b) = map { 'SELECT * FROM ' . fill_in($_->{call}, $number) } $a, $b;
	$second->start(beginning($b, 'b', $number, $old));
	$first->rows(beginning($a, 'a', $number));
	$second->finish;
	$got{a} = answer($first->run($call_a), $number);
	$got{a} = commit($first, $got{a}, $number) if $old;
	$second->start($call_b);
	$got{waited} = waits($second, $monitor) if !$old;

	my $finish_b = sub {
		$got{b} = answer($second->finish, $number);
		$got{b} = commit($second, $got{b}, $number);
	};
	$finish_b->() if $mode eq 'overtaken' && !$got{waited};
	$first->rows('ROLLBACK') if $mode eq 'rolled back';
	$got{a} = commit($first, $got{a}, $number) if $mode =~ /^(committed|overtaken)$/;
	$finish_b->() if !defined $got{b};
	return \%got;
}

# Run cases in a database, some hundred worlds at a time: the extension keeps
# the roles of all organizations in memory, and reads them again when one has
# changed.
sub run_here
{
	my ($database, @cases) = @_;
	my ($session, @sessions) = map { Session->new($node, $database) } 1 .. 4;
	my @got;

	$session->rows("SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB'; SET jit = off");
	$_->rows("SET statement_timeout = '30s'; SET jit = off") for @sessions;
	while (my @some = splice @cases, 0, $worlds)
	{
		copy_world($session, map { $_->{number} } @some);
		for my $case (@some)
		{
			$session->rows(fill_in('CREATE ROLE "role~"', $case->{number}))
			  if any { $case->{$_} && $case->{$_}{call} =~ /role~/ } qw(a b);
		}
		my @these = map { run_case($_, @sessions) } @some;
		my %changes = changes($session);
		$_->{state} = $changes{ $_->{number} } // '' for @these;
		push @got, @these;
		remove_worlds($session);
	}
	return \@got;
}

# Run cases, by some processes at once, each in a database of its own; what they
# got, by number
sub run_cases
{
	my (@cases) = @_;
	my @children;

	for my $worker (0 .. $workers - 1)
	{
		my @own = @cases[ grep { $_ % $workers == $worker } 0 .. $#cases ];
		my $child = fork // die "cannot fork: $!";
		if (!$child)
		{
			my $ok = eval { nstore(run_here("races_$worker", @own), $node->basedir . "/races.$worker") };
			print STDERR $@ if !$ok;
			POSIX::_exit($ok ? 0 : 1);
		}
		push @children, $child;
	}
	for my $child (@children)
	{
		waitpid $child, 0;
		die 'a process that runs cases has failed' if $?;
	}
	return map { $_->{number} => $_ } map { @{ retrieve($node->basedir . "/races.$_") } } 0 .. $workers - 1;
}

# --- what the cases are -------------------------------------------------------

# Nobody is ended here because of a slow machine.
$node = server('races', conf => "autovacuum = off\nlog_min_messages = fatal\naiven_rbac.lock_wait = '10min'\n");
my $session = Session->new($node, 'postgres');
$session->rows('CREATE EXTENSION aiven_rbac');
make_world($session);
undef $session;
$node->poll_query_until('template1', "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'postgres'");
$node->safe_psql('template1', "CREATE DATABASE races_$_ TEMPLATE postgres") for 0 .. $workers - 1;

my @calls = read_calls();
my $last = 0;
my (@added, %got, %alone, @pairs);

# Add a case to those that run next; its number
sub add
{
	push @added, { @_, number => ++$last };
	return $last;
}

sub run_added
{
	my $started = time;

	%got = (%got, run_cases(@added));
	note sprintf '%d cases in %.1f s', scalar @added, time - $started;
	@added = ();
	return;
}

# What a call got by itself, as a or as b
sub alone
{
	my ($call, $role) = @_;
	return $got{ $alone{"$role $call->{name}"} };
}

# Where a call puts things: new paths by old ones
sub moved
{
	my ($call) = @_;
	my ($old, $new) =
	  map { { alone($call, 'a')->{state} =~ /^\Q$_\Eresource .*"id": "([^"]+)".*"path": "([^"]+)"/mg } } '-', '+';

	return { map { $old->{$_} => $new->{$_} } grep { exists $new->{$_} && $new->{$_} ne $old->{$_} } keys %$old };
}

# A call, or an answer, with new paths for old ones
sub there
{
	my ($moved, $text) = @_;
	my $paths = join '|', map { quotemeta } sort { length $b <=> length $a } keys %$moved;

	return $paths ? $text =~ s/(['"])($paths)(?=['"])/$1$moved->{$2}/gr : $text;
}

# Did two cases end alike?  Errors quote the path that was given.
sub same
{
	my ($case, $right) = @_;
	my ($got, $expected) = map { there($right->{moved} // {}, $_->{b}) } $case, $right;

	return $case->{a} eq $right->{a} && $got eq $expected && $case->{state} eq $right->{state};
}

for my $call (@calls)
{
	$alone{"$_ $call->{name}"} = add(mode => 'alone', $_ => $call) for qw(a b);
}
run_added();

for my $a (grep { $_->{name} =~ /$wanted/ && alone($_, 'a')->{a} =~ /^ok/ } @calls)
{
	for my $b (grep { $_->{name} =~ /$wanted/ && meet($a, $_) } @calls)
	{
		my @these = ('in turn', @modes);
		@these = grep { $_ ne 'held up' && ($_ ne 'overtaken' || ($a->{things}{hands} && $b->{things}{ends})) } @these;
		push @pairs, { a => $a, b => $b, number => { map { $_ => add(mode => $_, a => $a, b => $b) } @these } };
	}
}
run_added();

# Whether the other order, or the new place, explains what differs
for my $pair (@pairs)
{
	my ($a, $b, $number) = @{$pair}{qw(a b number)};
	my %case = map { $_ => $got{ $number->{$_} } } keys %$number;
	next if !$case{overtaken}
	  && !grep { $case{$_} && !same($case{$_}, $case{'in turn'}) } 'committed', keys %isolation;

	my $there_a = { %$a, call => there(moved($b), $a->{call}) };
	my $there_b = { %$b, call => there(moved($a), $b->{call}) };
	$number->{moved} = add(mode => 'in turn', a => $a, b => $there_b) if $there_b->{call} ne $b->{call};
	$number->{turned} = add(mode => 'turned', a => $a, b => $b);
	$number->{'turned, moved'} = add(mode => 'turned', a => $there_a, b => $b) if $there_a->{call} ne $a->{call};
}
run_added();
$got{ $_->{number}{moved} }{moved} = moved($_->{a}) for grep { $_->{number}{moved} } @pairs;

# --- what is wrong ------------------------------------------------------------

# Cases like which one should have ended, by its mode
sub right
{
	my ($pair, $mode) = @_;
	my %case = map { $_ => $got{ $pair->{number}{$_} } } keys %{ $pair->{number} };
	my $b = alone($pair->{b}, 'b');

	return { %$b, b => $b->{b}, a => $case{$mode}{a} } if $mode eq 'rolled back';
	return $case{turned} if $mode eq 'overtaken' && !$case{$mode}{waited};
	my @others = $mode eq 'committed' && !$case{$mode}{waited} ? ('turned', 'turned, moved') : ();
	return grep { defined } @case{ 'in turn', 'moved', @others };
}

# What is handed out is judged again at COMMIT: there it is refused if the call
# would have been.
sub is_refused_at_commit
{
	my ($case, $in_turn) = @_;

	return $case->{b} =~ /^COMMIT: 42501/ && $in_turn->{b} =~ /^(?:42501|42704)/
	  && $case->{a} eq $in_turn->{a} && $case->{state} eq $in_turn->{state};
}

sub is_wrong
{
	my ($pair, $mode) = @_;
	my $case = $got{ $pair->{number}{$mode} };

	return 1 if bad_error($case->{b});
	return 0 if any { same($case, $_) } right($pair, $mode);
	return 0 if $mode eq 'committed' && is_refused_at_commit($case, $got{ $pair->{number}{'in turn'} });
	return $case->{a} !~ /^COMMIT: 42501/ || $case->{state} ne (right($pair, $mode))[0]{state}
	  if $mode eq 'overtaken';
	return $case->{b} !~ /40001/ || $case->{state} ne alone($pair->{a}, 'a')->{state} if $isolation{$mode};
	return 1;
}

sub is_held_up
{
	my ($pair) = @_;
	return $pair->{b}{things}{ends} && $pair->{a}{who} !~ /^(?:admin|operator)$/
	  && $pair->{number}{committed} && $got{ $pair->{number}{committed} }{waited};
}

sub explain_pair
{
	my ($pair, $mode) = @_;
	my $case = $got{ $pair->{number}{$mode} };
	my @right = right($pair, $mode);
	my %lines = map { $_ => 1 } split /\n/, $right[0]{state};
	my @more = grep { !delete $lines{$_} } split /\n/, $case->{state};

	diag join "\n", "$mode: $pair->{a}{name}",
	  "    then  $pair->{b}{name}" . ($case->{waited} ? ' (waited)' : ''),
	  "    answered  $case->{b}",
	  (map { "    expected  $_" } uniq map { $_->{b} } @right),
	  ($case->{a} ne $right[0]{a} ? "    the first answered $case->{a}, expected $right[0]{a}" : ()),
	  (map { "    is  $_" } @more), (map { "    is not  $_" } sort keys %lines);
	return;
}

for my $mode ('in turn', grep { $_ ne 'held up' } @modes)
{
	my @ran = grep { $_->{number}{$mode} } @pairs;
	for my $a (uniq map { $_->{a}{name} } @ran)
	{
		my @wrong = grep { is_wrong($_, $mode) } grep { $_->{a}{name} eq $a } @ran;
		ok(!@wrong, "G12: $mode: $a");
		explain_pair($_, $mode) for @wrong;
	}
}
my @held_up = grep { is_held_up($_) } @pairs;
if (any { $_ eq 'held up' } @modes)
{
	ok(!@held_up, 'G11: nobody who loses access holds it up');
	diag "held up: $_->{a}{name}\n    holds up  $_->{b}{name}" for @held_up;
}

# No function is forgotten.  The others change nothing in the extension's
# tables, or only what is the session's own.
my $called = join "\n", map { $_->{call} } @calls;
my @functions = split /\n/, $node->safe_psql(
	'races_0',
	"SELECT DISTINCT p.proname FROM pg_proc AS p
	 JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	 WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'rbac\\_%' AND p.provolatile = 'v'
	   AND p.prorettype <> 'trigger'::regtype
	   AND p.proname !~ '^rbac_(set_principal|reset_principal|authenticate|mark|wait_for|protect|unprotect|cache_|audit|finding_)'");
# Those of the catalogue and of the publication lock whole tables, and leave rows that are
# of no case;
# a document is applied by calls of the others, and what is tried is such calls.
is_deeply([ sort grep { $called !~ /\b$_\(/ } @functions ], [qw(rbac_action_create rbac_apply rbac_permission_create rbac_publication_create rbac_replication_status rbac_what_if)],
	'every function of administration is in the table');

done_testing();
