/*-------------------------------------------------------------------------
 *
 * token_fuzz.c
 *	  Random bytes for what takes a token apart (rbac_login.c), which anybody
 *	  may call with anything.
 *
 *-------------------------------------------------------------------------
 */
#include "../../src/rbac_login.c"

#include "fuzz.h"

unsigned int
random_value(char *value)
{
	return nearly("rbac_0123456789ab_cdefghjkmnpqrstvwxyz0123456789abcdefghjkmnpqrstvwxyz", value);
}

/* The rule once more: "rbac_", 12 digits of base 32, an underscore, 52 digits */
bool
may_take(const char *value, unsigned int len)
{
	char		text[MAX_LEN + 1];
	size_t		digits;

	memcpy(text, value, len);
	text[len] = '\0';
	if (strlen(text) != len || strncmp(text, "rbac_", 5) != 0)
		return false;
	digits = strspn(text + 5, "0123456789abcdefghjkmnpqrstvwxyz");
	return digits == 12 && text[17] == '_' &&
		strspn(text + 18, "0123456789abcdefghjkmnpqrstvwxyz") == 52 && len == 70;
}

bool
takes(const char *value, unsigned int len)
{
	char	   *prefix = palloc(PREFIX_LENGTH + 1);

	if (!split_token(value, len, prefix))
		return false;
	if (strlen(prefix) != 17 || memcmp(prefix, value, 17) != 0)
	{
		fprintf(stderr, "\"%.*s\" has the prefix \"%s\"\n", (int) len, value, prefix);
		abort();
	}
	return true;
}
