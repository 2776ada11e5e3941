/*-------------------------------------------------------------------------
 *
 * path_fuzz.c
 *	  Random bytes for a path's text form and binary form (path_io.c).
 *
 * What is taken must come back as it went in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "path.h"

#include "fuzz.h"

extern Datum rbac_path_recv(PG_FUNCTION_ARGS);

/* Is the value at hand in binary form? */
static bool binary;

/* The rule once more, label by label */
static bool
is_path(const char *text, int len)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	if (len > 255)
		return false;

	for (;;)
	{
		int			n = 0;

		while (n < len && text[n] != '\0' && strchr(others, text[n]))
			n++;
		if (n == 0 || n > 63 || !strchr(first, text[0]))
			return false;
		if (n == len)
			return true;
		if (text[n] != '.')
			return false;
		text += n + 1;
		len -= n + 1;
	}
}

static unsigned int
random_path(char *text)
{
	static const char near[] = "aaabcxyz0129-_...A@[`{/:~ \x01\x02\x7f";
	unsigned int len = next_random(4) ? next_random(100) : next_random(MAX_LEN - 1);
	unsigned int noise = next_random(3) ? 0 : 1 + next_random(8);
	int			label = 0;

	for (unsigned int i = 0; i < len; i++)
	{
		label++;
		if (noise && next_random(16) < noise)
			text[i] = next_random(2) ? (char) next_random(256) : near[next_random(sizeof(near) - 1)];
		else if (label > 1 && i + 1 < len && next_random(label > 60 ? 4 : 12) == 0)
		{
			text[i] = '.';
			label = 0;
		}
		else
			text[i] = near[next_random(11)];
	}
	return len;
}

unsigned int
random_value(char *value)
{
	binary = next_random(4) == 0;
	if (!binary)
		return random_path(value);
	if (next_random(64) == 0)
		return 0;
	value[0] = next_random(8) ? 1 : (char) next_random(256);
	return 1 + random_path(value + 1);
}

bool
may_take(const char *value, unsigned int len)
{
	if (binary)
		return len > 0 && value[0] == 1 && is_path(value + 1, len - 1);
	return is_path(value, len);
}

static RbacPath *
receive(const char *value, unsigned int len)
{
	StringInfoData message = {.data = (char *) value,.len = len};

	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = PointerGetDatum(&message);
	fcinfo->args[0].isnull = false;
	return (RbacPath *) DatumGetPointer(rbac_path_recv(fcinfo));
}

bool
takes(const char *value, unsigned int len)
{
	RbacPath   *path = binary ? receive(value, len) : rbac_path_parse(value, len, 0, NULL);
	char	   *back = rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));

	if (binary)
	{
		value++;
		len--;
	}
	if (strlen(back) != len || memcmp(back, value, len) != 0)
	{
		fprintf(stderr, "\"%.*s\" came back as \"%s\"\n", (int) len, value, back);
		abort();
	}
	return true;
}
