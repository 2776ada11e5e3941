/*-------------------------------------------------------------------------
 *
 * rbac_excerpt.c
 *	  What an error repeats of a value that somebody gave.
 *
 * An error names the value that was refused.  Whoever gives a value of megabytes,
 * or one with line breaks, would otherwise write as much as they like into the
 * server's log and into other people's terminals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rbac_excerpt.h"

/*
 * What no text has: control characters, separators of lines and paragraphs,
 * marks that change the direction of writing, and what is no character.
 */
static const CharacterRange unprintable[] = {
	{0x0000, 0x001F},
	{0x007F, 0x009F},
	{0x061C, 0x061C},
	{0x200E, 0x200F},
	{0x2028, 0x202E},
	{0x2066, 0x2069},
	{0xFFF9, 0xFFFB},
	{0xFFFE, 0xFFFF},
};

bool
rbac_is_in(pg_wchar c, const CharacterRange *ranges, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

bool
rbac_is_unprintable(pg_wchar c)
{
	return rbac_is_in(c, unprintable, lengthof(unprintable));
}

/*
 * Is a character one that would disturb a terminal or a log?
 */
static bool
disturbs(const char *character, int encoding)
{
	unsigned char c = *character;

	if (encoding == PG_UTF8)
		return rbac_is_unprintable(utf8_to_unicode((const unsigned char *) character));
	return c < ' ' || c == 0x7f;
}

/*
 * Copy as much of a refused value as a message should repeat.  The value can
 * be anything, so characters that would disturb, and bytes that are not valid in
 * the database's encoding, become '?'.  A database in SQL_ASCII knows none, but
 * its clients may: there it is UTF-8.
 */
char *
rbac_excerpt(const char *text, int len)
{
	int			own = GetDatabaseEncoding();
	int			encoding = own == PG_SQL_ASCII ? PG_UTF8 : own;
	bool		clipped = len > RBAC_EXCERPT_MAX;
	bool		valid = pg_verify_mbstr(encoding, text, len, true);
	char	   *result = palloc(RBAC_EXCERPT_MAX + sizeof("..."));
	char	   *end = result;
	int			step;

	/* A character cut in two by this is dropped by pg_encoding_mbcliplen() */
	if (clipped)
		len = valid ? pg_encoding_mbcliplen(encoding, text, len, RBAC_EXCERPT_MAX) : RBAC_EXCERPT_MAX;
	for (int i = 0; i < len; i += step)
	{
		step = valid ? pg_encoding_mblen(encoding, text + i) : 1;
		if (valid ? disturbs(text + i, encoding) : (text[i] < ' ' || text[i] > '~'))
			*end++ = '?';
		else
		{
			memcpy(end, text + i, step);
			end += step;
		}
	}
	strcpy(end, clipped ? "..." : "");

	return result;
}
