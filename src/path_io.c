/*-------------------------------------------------------------------------
 *
 * path_io.c
 *	  Text and binary forms of rbac_path, and the rules that make a path.
 *
 * rbac_path_parse() is the only way in: text input, binary input and the
 * text operand of || all go through it, so a stored path is always canonical
 * and the rest of the code compares bytes without asking again.
 *
 *		text	acme.engineering.api
 *		binary	\x01 'acme.engineering.api'		(format version, then text)
 *
 * The two forms are the same but for the version byte, which leaves room for
 * another binary format without changing what a dump or a client sends today.
 *
 * Output knows one value more: the end of a subtree (see path.h), which EXPLAIN
 * shows in index conditions.  It is written as the path with ".*" behind it,
 * which input refuses.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "path.h"
#include "rbac_excerpt.h"

/* Version byte of the binary form */
#define RBAC_PATH_BINARY_VERSION	1

#define LABEL_RULE "A label is 1 to 63 of a-z, 0-9, \"-\" and \"_\", beginning with a letter or digit."

PG_FUNCTION_INFO_V1(rbac_path_in);
PG_FUNCTION_INFO_V1(rbac_path_out);
PG_FUNCTION_INFO_V1(rbac_path_recv);
PG_FUNCTION_INFO_V1(rbac_path_send);

static inline bool
is_alphanumeric(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static inline bool
is_label_byte(unsigned char c)
{
	return is_alphanumeric(c) || c == '-' || c == '_';
}

/*
 * Describe the character at "text", of which "len" bytes are there.
 */
static char *
describe_character(const char *text, int len)
{
	unsigned char c = *text;
	int			charlen = Min(pg_encoding_mblen(GetDatabaseEncoding(), text), len);

	if (c >= ' ' && c != 0x7f &&
		pg_verify_mbstr(GetDatabaseEncoding(), text, charlen, true))
		return psprintf("character \"%.*s\"", charlen, text);

	return psprintf("byte 0x%02x", c);
}

/*
 * Has a text the shape of a uuid, 8-4-4-4-12 hexadecimal digits in either case?
 * Such a text always means an id, so that no label looks like it.
 */
bool
rbac_is_uuid_shaped(const char *text, int len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < len; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

/*
 * Make a path of its text form, or report why the text is no path.
 *
 * All that is before the first offending byte is ASCII, so byte offsets are
 * character positions.
 */
RbacPath *
rbac_path_parse(const char *text, int len, int sqlerrcode, struct Node *escontext)
{
	RbacPath   *path;
	char	   *payload;
	int			label = 1;
	int			start = 0;

	if (len == 0)
		ereturn(escontext, NULL,
				(errcode(sqlerrcode),
				 errmsg("path is empty"),
				 errdetail("A path has at least one label, the organization's."),
				 errhint(LABEL_RULE)));

	if (len > RBAC_PATH_MAX)
		ereturn(escontext, NULL,
				(errcode(sqlerrcode),
				 errmsg("path \"%s\" is too long", rbac_excerpt(text, len)),
				 errdetail("It has %d bytes, and a path has %d at most.",
						   len, RBAC_PATH_MAX),
				 errhint("Use shorter labels.")));

	path = palloc(VARHDRSZ + len);
	SET_VARSIZE(path, VARHDRSZ + len);
	payload = VARDATA(path);

	for (int i = 0; i <= len; i++)
	{
		unsigned char c;

		if (i == len || text[i] == '.')
		{
			if (i == start)
				ereturn(escontext, NULL,
						(errcode(sqlerrcode),
						 errmsg("path \"%s\" has an empty label", rbac_excerpt(text, len)),
						 errdetail("Label %d, at position %d, has no characters.",
								   label, start + 1),
						 errhint("Labels are joined by single dots, with no dot at either end.")));
			if (rbac_is_uuid_shaped(text + start, i - start))
				ereturn(escontext, NULL,
						(errcode(sqlerrcode),
						 errmsg("path \"%s\" has a label that looks like an id", rbac_excerpt(text, len)),
						 errdetail("A text of a uuid's shape always means a resource by its id."),
						 errhint("Compare an id with a column of type uuid; rbac_resource_path() gives the path of an id.")));

			if (i < len)
				payload[i] = RBAC_PATH_SEPARATOR;
			label++;
			start = i + 1;
			continue;
		}

		c = text[i];
		if (!is_label_byte(c) || (i == start && !is_alphanumeric(c)))
		{
			const char *end = memchr(text + i, '.', len - i);
			char	   *name = rbac_excerpt(text + start,
									   (end ? end : text + len) - (text + start));

			if (c >= 'A' && c <= 'Z')
				ereturn(escontext, NULL,
						(errcode(sqlerrcode),
						 errmsg("path \"%s\" has an upper-case letter", rbac_excerpt(text, len)),
						 errdetail("Label %d (\"%s\") has the character \"%c\" at position %d; labels are in lower case.",
								   label, name, c, i + 1),
						 errhint("Write \"%c\"; a display name can have capitals.",
								 pg_ascii_tolower(c))));

			if (is_label_byte(c))
				ereturn(escontext, NULL,
						(errcode(sqlerrcode),
						 errmsg("path \"%s\" has a label that begins with \"%c\"",
								rbac_excerpt(text, len), c),
						 errdetail("Label %d (\"%s\") has the character \"%c\" at position %d; the first of a label is a letter or digit.",
								   label, name, c, i + 1),
						 errhint(LABEL_RULE)));

			ereturn(escontext, NULL,
					(errcode(sqlerrcode),
					 errmsg("path \"%s\" has an invalid character", rbac_excerpt(text, len)),
					 errdetail("Label %d (\"%s\") has the %s at position %d.",
							   label, name, describe_character(text + i, len - i), i + 1),
					 errhint(LABEL_RULE)));
		}

		if (i - start >= RBAC_LABEL_MAX)
		{
			const char *end = memchr(text + i, '.', len - i);
			int			labellen = (end ? end : text + len) - (text + start);

			ereturn(escontext, NULL,
					(errcode(sqlerrcode),
					 errmsg("path \"%s\" has a label that is too long", rbac_excerpt(text, len)),
					 errdetail("Label %d, at position %d, has %d bytes, and a label has %d at most.",
							   label, start + 1, labellen, RBAC_LABEL_MAX),
					 errhint("Use a shorter label; a display name can be longer.")));
		}

		payload[i] = c;
	}

	return path;
}

/*
 * Make a path of a payload that is known to be canonical.
 */
RbacPath *
rbac_path_make(const char *payload, int len)
{
	RbacPath   *path = palloc(VARHDRSZ + len);

	SET_VARSIZE(path, VARHDRSZ + len);
	memcpy(VARDATA(path), payload, len);

	return path;
}

/*
 * The text form of a payload, or of the end of a subtree.
 */
char *
rbac_path_text(const char *payload, int len)
{
	char	   *text = palloc(len + 2);
	int			n = 0;

	for (int i = 0; i < len; i++)
	{
		if (payload[i] == RBAC_PATH_SEPARATOR)
			text[n++] = '.';
		else if (payload[i] == RBAC_PATH_SUBTREE_END && i == len - 1)
		{
			text[n++] = '.';
			text[n++] = '*';
		}
		else
			text[n++] = payload[i];
	}
	text[n] = '\0';

	return text;
}

Datum
rbac_path_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	PG_RETURN_RBAC_PATH_P(rbac_path_parse(text, strlen(text),
										  ERRCODE_INVALID_TEXT_REPRESENTATION,
										  fcinfo->context));
}

Datum
rbac_path_out(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);

	PG_RETURN_CSTRING(rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)));
}

Datum
rbac_path_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(buf);
	char	   *text;
	int			len;

	if (version != RBAC_PATH_BINARY_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version %d of a path's binary form", version),
				 errdetail("Version %d is supported.", RBAC_PATH_BINARY_VERSION),
				 errhint("Send the byte 1 and then the path's text form.")));

	text = pq_getmsgtext(buf, buf->len - buf->cursor, &len);

	PG_RETURN_RBAC_PATH_P(rbac_path_parse(text, len,
										  ERRCODE_INVALID_BINARY_REPRESENTATION,
										  NULL));
}

Datum
rbac_path_send(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	char	   *text = rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, RBAC_PATH_BINARY_VERSION);
	pq_sendtext(&buf, text, strlen(text));

	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
