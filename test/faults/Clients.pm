# Administrative clients, each a process that changes what nobody else touches, so
# that what ought to be there after a fault is known.
#
# A transaction whose COMMIT was answered is acknowledged.  Of the one that was
# going on when the server went away, the client knows whether it can be there.
package Clients;

use strict;
use warnings;

use Books;
use POSIX ();
use Session;
use Storable qw(nstore retrieve);
use Time::HiRes 'time';

my $count = 4;

# --- their world -------------------------------------------------------------

# acme with the units v and w; each client has a project with a service, three
# users, a group, a role, and rows of a table that follow the project's path.
sub make_world
{
	my ($session) = @_;

	$session->rows($_) for
	  'CREATE EXTENSION aiven_rbac',
	  q{SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@home.example', 'Ann'))},
	  q{SELECT rbac_unit_create('acme', u) FROM unnest('{v,w}'::text[]) AS u},
	  q{CREATE TABLE deployment (id int PRIMARY KEY, place rbac_path NOT NULL REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE)},
	  q{SELECT rbac_protect_table('deployment', 'place', read => 'project:services:read')};
	for my $k (0 .. $count - 1)
	{
		$session->rows($_) for
		  map({ "SELECT rbac_user_create('u$k-$_\@home.example', 'U$k-$_')" } 0 .. 2),
		  map({ "SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'u$k-$_\@home.example'))" } 0 .. 2),
		  "SELECT rbac_project_create('acme.v', 'p$k'), rbac_service_create('acme.v.p$k', 's$k', 'pg')",
		  "SELECT rbac_group_create('acme', 'g$k'), rbac_role_create('acme', 'r$k', '{service.fork}', '{project}')",
		  "SELECT rbac_grant(rbac_user('u$k-0\@home.example'), 'read_only', 'acme')",
		  "INSERT INTO deployment VALUES ($k, 'acme.v.p$k'), (1000 + $k, 'acme.v.p$k.s$k')";
	}
	return;
}

# --- one client --------------------------------------------------------------

sub pick { return $_[ rand @_ ] }

# SQL for a principal of the world
sub id_of
{
	my ($name) = @_;
	return $name =~ /^g/ ? "rbac_group('acme', '$name')" : "rbac_user('$name\@home.example')";
}

sub path_of
{
	my ($facts, $k) = @_;
	my ($path) = map { /^place (.*\.p$k)$/ } keys %$facts;
	return $path;
}

# Does a super admin do it?  The others are the operator's.
my %by_ann = map { $_ => 1 } qw(grant group move role tag service);

# What a client can do next, by what is: a statement, and the facts that change
my %kinds = (
	grant => sub {
		my ($facts, $k) = @_;
		my ($who, $name, $path) = (pick("u$k-0", "u$k-1", "u$k-2", "g$k"), pick('operator', 'developer', 'read_only', "r$k"), path_of($facts, $k));
		my $fact = "grant $who $name p$k";

		return if $facts->{"off $who"} || !$facts->{"member $who"};
		return [ 'rbac_revoke(' . id_of($who) . ", '$name', '$path')", "-$fact" ] if $facts->{$fact};
		return [ 'rbac_grant(' . id_of($who) . ", '$name', '$path')", "+$fact" ];
	},
	group => sub {
		my ($facts, $k) = @_;
		my $who = pick("u$k-0", "u$k-1", "u$k-2");
		my $fact = "in $who g$k";
		my ($do, $sign) = $facts->{$fact} ? ('remove', '-') : ('add', '+');

		return if $facts->{"off $who"} || !$facts->{"member $who"};
		return [ "rbac_group_member_$do(" . id_of("g$k") . ', ' . id_of($who) . ')', "$sign$fact" ];
	},
	move => sub {
		my ($facts, $k) = @_;
		my $old = path_of($facts, $k);
		my $unit = $old =~ /^acme\.v/ ? 'acme.w' : 'acme.v';

		return [ "rbac_project_move('$old', '$unit')",
			map { my $new = $_; ("-$_", '+' . $new =~ s/\b\Q$old\E\b/$unit.p$k/r) } grep { /^(?:place|row \d+) \Q$old\E\b/ } keys %$facts ];
	},
	role => sub {
		my ($facts, $k) = @_;
		my ($old) = grep { /^role r$k / } keys %$facts;
		my $new = $old =~ /power/ ? 'service.fork' : 'service.fork,service.power';

		return [ "rbac_role_edit('acme', 'r$k', '{$new}')", "-$old", "+role r$k $new" ];
	},
	tag => sub {
		my ($facts, $k) = @_;
		my ($old) = grep { /^tag p$k n / } keys %$facts;
		my $new = int rand 1000000;

		return if defined $old && $old eq "tag p$k n $new";
		return [ "rbac_tag_set('" . path_of($facts, $k) . "', 'n', '$new')", "+tag p$k n $new", map { "-$_" } grep { defined } $old ];
	},
	service => sub {
		my ($facts, $k) = @_;
		my $path = path_of($facts, $k);
		my $fact = "place $path.x$k";

		return [ "rbac_service_delete('$path.x$k')", "-$fact" ] if $facts->{$fact};
		return [ "rbac_service_create('$path', 'x$k', 'pg')", "+$fact" ];
	},
	activity => sub {
		my ($facts, $k) = @_;
		my $who = pick("u$k-1", "u$k-2");
		my ($do, $sign) = $facts->{"off $who"} ? ('reactivate', '-') : ('deactivate', '+');

		return [ "rbac_user_$do(" . id_of($who) . ')', "${sign}off $who" ];
	},
	member => sub {
		my ($facts, $k) = @_;
		my $who = "u$k-2";

		return if $facts->{"off $who"};
		return [ "rbac_invitation_accept(rbac_invitation_create('acme', '$who\@home.example'))", "+member $who" ]
		  if !$facts->{"member $who"};
		return [ "rbac_member_remove('acme', " . id_of($who) . ')', map { "-$_" } grep { /^(?:grant|in|member) $who\b/ } keys %$facts ];
	});

# One to three changes, each by what those before it leave; whether a super admin
# makes them
sub some_changes
{
	my ($facts, $k, @without) = @_;
	my $number = pick(1, 1, 2, 3);
	my $ann = rand() < 0.5;
	my @changes;

	while (@changes < $number)
	{
		my $kind = pick(sort keys %kinds);
		next if ($ann && !$by_ann{$kind}) || grep { $_ eq $kind } @without;
		my $change = $kinds{$kind}->($facts, $k) or next;
		push @changes, $change;
		$facts = add_up($facts, @{$change}[ 1 .. $#$change ]);
	}
	return ($ann, @changes);
}

# Ask for something in the transaction that is going on; whether it was done.
# After an error there is no transaction.  A server that ends the session, or that
# it says has crashed, is no error of the call's: what was asked can be done or not.
sub ask
{
	my ($session, $log, $query) = @_;
	my $result = $session->run($query);

	return 1 if !$result->{code};
	die "$result->{code} $result->{message}" if $result->{code} =~ /^57P0/;
	$log->{errors}{"$result->{code} $result->{message}"}++;
	$session->run('ROLLBACK');
	delete $log->{going_on};
	return 0;
}

# Changes that a savepoint undoes
sub ask_and_undo
{
	my ($session, $log, $k) = @_;
	my (undef, $change) = some_changes($log->{facts}, $k, qw(activity member));

	return ask($session, $log, "SAVEPOINT s; SELECT $change->[0]; ROLLBACK TO s");
}

# One transaction.  $log->{going_on} tells at each moment what can have become of
# it if the server goes away now.
sub transact
{
	my ($session, $log, $k, $options) = @_;
	my ($ann, @changes) = some_changes($log->{facts}, $k, @{ $options->{without} // [] });
	my @facts = map { @{$_}[ 1 .. $#$_ ] } @changes;
	my $gone = $log->{going_on} = { facts => \@facts, what => join('; ', map { $_->[0] } @changes), can_be => 'absent' };
	my $end = pick(('COMMIT') x 8, 'ROLLBACK', $options->{prepare} && !$ann ? 'PREPARE' : 'COMMIT');

	if (@changes == 1 && !$ann && $end eq 'COMMIT')
	{
		$gone->{can_be} = 'absent or there';
		ask($session, $log, "SELECT $changes[0][0]") or return;
	}
	else
	{
		ask($session, $log, 'BEGIN' . ($ann ? q{; SELECT rbac_set_principal(rbac_user('ann@home.example'))} : '')) or return;
		return if rand() < 0.2 && !ask_and_undo($session, $log, $k);
		for my $change (@changes)
		{
			ask($session, $log, "SELECT $change->[0]") or return;
		}
		if ($end eq 'PREPARE')
		{
			$gone->{prepared} = "client $k, $log->{transactions}";
			$gone->{can_be} = 'absent or prepared';
			ask($session, $log, "PREPARE TRANSACTION '$gone->{prepared}'") or return;
			$gone->{can_be} = 'prepared';
			select undef, undef, undef, 0.03;
			$gone->{can_be} = 'prepared or there';
			$end = "COMMIT PREPARED '$gone->{prepared}'";
		}
		$gone->{can_be} = 'absent or there' if $end eq 'COMMIT';
		ask($session, $log, $end) or return;
	}
	delete $log->{going_on};
	$log->{transactions}++;
	return if $end eq 'ROLLBACK';
	push @{ $log->{changes} }, @facts;
	$log->{facts} = add_up($log->{facts}, @facts);
	$log->{acknowledged}++;
	return;
}

# --- all of them -------------------------------------------------------------

# Let clients work until some seconds have passed, or the server goes away.
# Options: seed, seconds, database, prepare (transactions in two phases), without
# (kinds of change), before (SQL for the beginning of a session).
sub start
{
	my ($class, $node, $facts, %options) = @_;
	my $self = bless { children => [] }, $class;

	for my $k (0 .. $count - 1)
	{
		my $file = $node->basedir . "/client.$k";
		my $child = fork // die "cannot fork: $!";
		if (!$child)
		{
			my $log = { facts => $facts, changes => [], acknowledged => 0, transactions => 0, errors => {} };
			local $SIG{PIPE} = 'IGNORE';
			my $until = time + $options{seconds};
			srand($options{seed} * 10 + $k);
			eval {
				my $session = Session->new($node, $options{database});
				$session->rows($options{before}) if $options{before};
				transact($session, $log, $k, \%options) while time < $until;
			};
			$log->{end} = $@;
			POSIX::_exit(eval { nstore($log, $file) } ? 0 : 1);
		}
		push @{ $self->{children} }, [ $child, $file ];
	}
	return $self;
}

# Wait for them; what each has done
sub finish
{
	my ($self) = @_;

	return map {
		my ($child, $file) = @$_;
		waitpid $child, 0;
		die 'a client has failed' if $?;
		retrieve($file);
	} @{ $self->{children} };
}

# What ought to be there now, by what was there before and what clients have done.
# Transactions that are prepared are committed.  Of one that can be there or not,
# what is there decides, but for all of its facts alike.
sub settle
{
	my ($session, $before, @logs) = @_;
	my $expected = $before;
	my @lost;
	my %prepared = map { $_->[0] => 1 } $session->rows('SELECT gid FROM pg_prepared_xacts');

	for my $gone (grep { $_ } map { $expected = add_up($expected, @{ $_->{changes} }); $_->{going_on} } @logs)
	{
		next if $gone->{can_be} eq 'absent';
		if ($gone->{prepared})
		{
			my $is_prepared = delete $prepared{ $gone->{prepared} };
			$session->rows("COMMIT PREPARED '$gone->{prepared}'") if $is_prepared;
			push @lost, "prepared and gone: $gone->{what}" if !$is_prepared && $gone->{can_be} eq 'prepared';
			$expected = add_up($expected, @{ $gone->{facts} }) if $is_prepared || $gone->{can_be} =~ /there/;
			next;
		}
		my $with = add_up($expected, @{ $gone->{facts} });
		my $got = facts_in($session);
		$expected = $with if !grep { ($got->{$_} // 0) != ($with->{$_} // 0) } map { substr $_, 1 } @{ $gone->{facts} };
	}
	return ($expected, @lost, map { "nobody's: $_" } sort keys %prepared);
}

1;
