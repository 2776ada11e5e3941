# Emails, domains and names in databases of other encodings and locales: what is
# one email in one of them is one in each, and what one takes another restores.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use RbacTest;

# Locales in which the small letter of "I" is no "i", made for this server alone
my $locales = PostgreSQL::Test::Utils::tempdir();
my %made;
for my $locale ([ 'tr_TR.UTF-8', 'UTF-8' ], [ 'tr_TR.ISO-8859-9', 'ISO-8859-9' ])
{
	my ($name, $charset) = @$locale;

	my $done = eval {
		IPC::Run::run([ 'localedef', '-i', 'tr_TR', '-f', $charset, "$locales/$name" ], '>', \my $out, '2>', \my $err);
	};
	$made{$name} = $done && -d "$locales/$name";
}
chmod 0755, $locales;
$ENV{LOCPATH} = $locales;
$ENV{PGCLIENTENCODING} = 'UTF8';

my $node = server('encodings');
my $major = $node->safe_psql('postgres', q{SELECT current_setting('server_version_num')::int / 10000});
my $icu = $major >= 15 && $node->safe_psql('postgres', q{SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'}) eq 't';

# Each database: how it is made, and which of the characters below it has
my $latin = 'u umlaut, nbsp, soft hyphen, next line';
my @databases = (
	[ 'utf8', q{ENCODING 'UTF8' LOCALE 'C.UTF-8'}, 1, "$latin, kanji, wide space, zero width" ],
	[ 'plain', q{ENCODING 'UTF8' LOCALE 'C'}, 1, "$latin, kanji, wide space, zero width" ],
	[ 'latin1', q{ENCODING 'LATIN1' LOCALE 'C'}, 1, $latin ],
	[ 'win1252', q{ENCODING 'WIN1252' LOCALE 'C'}, 1, 'u umlaut, nbsp, soft hyphen' ],
	[ 'ascii', q{ENCODING 'SQL_ASCII' LOCALE 'C'}, 1, "$latin, kanji, wide space, zero width" ],
	[ 'euc_jp', q{ENCODING 'EUC_JP' LOCALE 'C'}, 1, 'u umlaut, kanji, wide space' ],
	[ 'icu_tr', q{ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'}, $icu, "$latin, kanji, wide space, zero width" ],
	[ 'libc_tr', q{ENCODING 'UTF8' LOCALE 'tr_TR.UTF-8'}, $made{'tr_TR.UTF-8'}, "$latin, kanji, wide space, zero width" ],
	[ 'latin5_tr', q{ENCODING 'LATIN5' LOCALE 'tr_TR.ISO-8859-9'}, $made{'tr_TR.ISO-8859-9'}, $latin ]);

# What is given as UTF-8, and whether a name and an email may have it
my %character = (
	'u umlaut' => [ "\xc3\xbc", 1, 1 ],
	'kanji' => [ "\xe6\x97\xa5", 1, 1 ],
	'nbsp' => [ "\xc2\xa0", 1, 0 ],
	'soft hyphen' => [ "\xc2\xad", 1, 0 ],
	'wide space' => [ "\xe3\x80\x80", 1, 0 ],
	'zero width' => [ "\xe2\x80\x8b", 1, 0 ],
	'next line' => [ "\xc2\x85", 0, 0 ]);

# SQLSTATE of a statement, or "ok"
sub outcome
{
	my ($database, $sql) = @_;

	my (undef, undef, $stderr) = $node->psql($database, "\\set VERBOSITY sqlstate\n$sql");
	return $stderr =~ /ERROR:\s+(\w{5})/ ? $1 : $stderr eq '' ? 'ok' : $stderr;
}

for my $each (@databases)
{
	my ($name, $options, $available, $characters) = @$each;

  SKIP:
	{
		skip "$name: this server has no such locale", 1 unless $available;

		$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 $options");
		$node->safe_psql(
			$name, q{
			CREATE EXTENSION aiven_rbac;
			SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('INFO@ACME.EXAMPLE'));
			SELECT rbac_domain_verify('acme', 'FIRM.example', rbac_domain_add('acme', 'Firm.EXAMPLE'));
			SELECT rbac_user_create('IAN@FIRM.EXAMPLE');
		});

		# Letters are one, and what is no letter of ASCII is only itself.
		is($node->safe_psql($name, q{SELECT rbac_user('info@acme.example') = rbac_user('INFO@ACME.EXAMPLE')}), 't',
			"P1: $name: an email in small letters is the same");
		is(outcome($name, q{SELECT rbac_user_create('info@ACME.example')}), '23505', "P1: $name: and is taken");
		is($node->safe_psql($name, q{SELECT aiven_rbac.managed_by(rbac_user('ian@firm.example')) IS NOT NULL}), 't',
			"P3: $name: its user is managed by who has verified the domain");
		is($node->safe_psql(
				$name, q{SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'iAn@firm.EXAMPLE')) = rbac_user('ian@FIRM.example')}), 't',
			"P1: $name: an invitation in other letters is to the user");
		is($node->safe_psql($name, q{SELECT convert_to(aiven_rbac.fold(convert_from('\x4941c39cc4b0', 'SQL_ASCII')), 'SQL_ASCII')}),
			'\x6961c39cc4b0', "P1: $name: no byte but those of letters is folded") if $name eq 'ascii';

		for my $what (sort keys %character)
		{
			my ($bytes, $in_name, $in_email) = @{ $character{$what} };
			my $here = $characters =~ /\Q$what/;

			is(outcome($name, "SELECT rbac_group_create('acme', 'a${bytes}b')"), !$here ? '22P05' : $in_name ? 'ok' : '22023',
				"S8: $name: a name with $what");
			is(outcome($name, "SELECT rbac_user_create('a${bytes}b\@x.example')"), !$here ? '22P05' : $in_email ? 'ok' : '22023',
				"P1: $name: an email with $what");
		}
		is(outcome($name, "SELECT rbac_group_create('acme', E'a\\nb')"), '22023', "S8: $name: a name with a line break");
		is(outcome($name, q{UPDATE aiven_rbac.principal SET name = E'a\tb'}), '23514', "S7: $name: nor by raw DML");
		like($node->safe_psql($name, q{SELECT aiven_rbac.excerpt(repeat(U&'\00FC', 1000))}), qr/^(?:\xc3\xbc){20,80}\.\.\.$/,
			"S8: $name: an error ends with a whole character") if $characters =~ /umlaut/ && $name ne 'ascii';
	}
}

is(outcome('ascii', q{SELECT rbac_group_create('acme', E'a\xff')}), '22023',
	'S8: where no encoding is known, what is no UTF-8 is refused');

# What an encoding of one byte holds fits, with two bytes for some characters.
is(outcome('latin1', "SELECT rbac_user_create(repeat('\xc3\xbc', 122) || '\@ab.example')"), '22023',
	'P1: an email is as long as its UTF-8, whatever the encoding');
is(outcome('latin1', "SELECT rbac_user_create(repeat('\xc3\xbc', 121) || '\@ab.example')"), 'ok', 'P1: with 253 bytes it is one');
$node->safe_psql('latin1', "SELECT rbac_group_create('acme', repeat('\xc3\xbc', 255))");
$node->safe_psql('postgres', q{CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'});
my $dump = $node->basedir . '/latin1.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('latin1'), '-f', $dump ], 'a database in LATIN1 is dumped');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'and restored in UTF8');
my $names = q{SELECT kind, name, email FROM aiven_rbac.principal ORDER BY id};
is($node->safe_psql('restored', $names), $node->safe_psql('latin1', $names), 'with all its names');

$node->stop;
done_testing();
