# The model of the cache's protocol holds, and does not without any one of its
# rules.  "make model" searches further.

use strict;
use warnings;

$ENV{SIZES} = '1:3';
exec 'test/model/check' or die "test/model/check: $!";
