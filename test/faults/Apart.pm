# A script that uses this goes on with mounts of its own, which nobody else sees,
# where the system lets an ordinary user have that; $Apart::may_mount tells.  Use it
# first: what goes on begins anew.
package Apart;

use strict;
use warnings;

our $may_mount = delete $ENV{FAULTS_APART};

if (!$may_mount)
{
	my @apart = qw(unshare --user --mount --map-current-user --keep-caps);

	if (system("@apart true >/dev/null 2>&1") == 0)
	{
		local $ENV{FAULTS_APART} = 1;
		exec @apart, $^X, map({ "-I$_" } @INC), $0 or die "unshare: $!";
	}
}

1;
