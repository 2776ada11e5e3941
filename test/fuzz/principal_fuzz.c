/*-------------------------------------------------------------------------
 *
 * principal_fuzz.c
 *	  Random bytes for the value of the setting that has the session's
 *	  principal (rbac_session.c).
 *
 * Whoever writes such a value is trusted; what reads it must not be.
 *
 *-------------------------------------------------------------------------
 */
#include "../../src/rbac_session.c"

#include "fuzz.h"

unsigned int
random_value(char *value)
{
	static const char *const samples[] = {
		"018f2d3c-6a5e-7b1c-9d0e-1f2a3b4c5d6e t f password",
		"ffffffff-ffff-ffff-ffff-ffffffffffff f t ",
		"00000000-0000-0000-0000-000000000001 f f 0123456789012345678901234567890123456789012345678901234567890123456789",
	};

	return nearly(samples[next_random(lengthof(samples))], value);
}

/* The rule once more: 32 digits among any hyphens, two flags, a method */
static bool
is_principal(const char *value, char *digits)
{
	static const char hex[] = "0123456789abcdef";
	size_t		end = strcspn(value, " ");
	int			n = 0;

	for (size_t i = 0; i < end; i++)
	{
		if (value[i] == '-')
			continue;
		if (strchr(hex, value[i]) == NULL || n == 32)
			return false;
		digits[n++] = value[i];
	}
	digits[n] = '\0';
	value += end;
	return n == 32 && strlen(value) >= 5 && strlen(value) - 5 <= RBAC_METHOD_MAX &&
		value[0] == ' ' && value[2] == ' ' && value[4] == ' ' &&
		(value[1] == 't' || value[1] == 'f') && (value[3] == 't' || value[3] == 'f');
}

/* The value of a setting ends at its first zero byte */
static char *
as_setting(const char *value, unsigned int len)
{
	char	   *setting = palloc(strnlen(value, len) + 1);

	memcpy(setting, value, strnlen(value, len));
	setting[strnlen(value, len)] = '\0';
	return setting;
}

bool
may_take(const char *value, unsigned int len)
{
	char		digits[33];

	return is_principal(as_setting(value, len), digits);
}

bool
takes(const char *value, unsigned int len)
{
	SessionPrincipal principal;
	char	   *setting = as_setting(value, len);
	char		digits[33];
	char		read[33];

	if (!parse(setting, &principal))
		return false;
	for (int i = 0; i < UUID_LEN; i++)
		sprintf(read + 2 * i, "%02x", principal.id.data[i]);
	if (!is_principal(setting, digits) || strcmp(read, digits) != 0 ||
		strcmp(principal.method, setting + strlen(setting) - strlen(principal.method)) != 0)
	{
		fprintf(stderr, "\"%s\" was read as \"%s\" with the method \"%s\"\n", setting, read, principal.method);
		abort();
	}
	return true;
}
