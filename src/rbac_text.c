/*-------------------------------------------------------------------------
 *
 * rbac_text.c
 *	  Texts that users give: what they may hold.
 *
 * A name is shown to other people: in trees, reports, logs and errors.  So a line
 * break, a control character or one that turns the order of the others around is
 * no part of a name, or else somebody could make one name look like two lines, or
 * like another name.  An email is also compared: what cannot be seen in it would
 * make two users of one address.
 *
 * Which characters these are is said here, by their code points.  PostgreSQL's
 * classes of characters, [[:cntrl:]] and the like, depend on the collation and on
 * the version of its provider, and a constraint must mean the same for ever.  For
 * the same reason a text is judged in UTF-8, whatever the database's encoding:
 * what one database holds can be restored into another.  A database in SQL_ASCII
 * does not know what its bytes mean; there a text is UTF-8 or is refused.
 *
 * Five rules, in the words of SQL:
 *
 *		name	a line that shows something: at least one visible character
 *		word	no spaces, and nothing invisible
 *		line	may be empty or blank
 *		note	may also have line breaks and tabs
 *		email	a word: local part, "@", domain
 *
 * The greatest length is in characters, an email's in bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "rbac_excerpt.h"

PG_FUNCTION_INFO_V1(rbac_text_excerpt);
PG_FUNCTION_INFO_V1(rbac_is_text);
PG_FUNCTION_INFO_V1(rbac_are_texts);
PG_FUNCTION_INFO_V1(rbac_require_text);

/* Most elements of a list that is stored */
#define LIST_MAX	100

/* Longest character of any encoding that a database can have, in bytes */
#define CHARACTER_MAX	4

/* Longest label of a domain */
#define DOMAIN_LABEL_MAX	63

typedef struct TextRule
{
	const char *name;
	bool		spaces;			/* may have characters that don't show */
	bool		lines;			/* may have line breaks and tabs */
	bool		visible;		/* has at least one character that shows */
	bool		email;
} TextRule;

static const TextRule rules[] = {
	{"name", .spaces = true, .visible = true},
	{"word", .visible = true},
	{"line", .spaces = true},
	{"note", .spaces = true, .lines = true},
	{"email", .visible = true, .email = true},
};

/*
 * What does not show: spaces, what Unicode lets a font ignore (joiners and
 * selectors, which change how their neighbours look), and blanks that it counts
 * as letters or symbols.
 */
static const CharacterRange blank[] = {
	{0x0020, 0x0020},
	{0x00A0, 0x00A0},
	{0x00AD, 0x00AD},
	{0x034F, 0x034F},
	{0x115F, 0x1160},
	{0x1680, 0x1680},
	{0x17B4, 0x17B5},
	{0x180B, 0x180F},
	{0x2000, 0x200D},
	{0x202F, 0x202F},
	{0x205F, 0x2065},
	{0x206A, 0x206F},
	{0x2800, 0x2800},
	{0x3000, 0x3000},
	{0x3164, 0x3164},
	{0xFE00, 0xFE0F},
	{0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0},
	{0xFFF0, 0xFFF8},
	{0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF},
};

/*
 * aiven_rbac.excerpt(text) → text
 *
 * What an error repeats of a value; of none, "NULL".
 */
Datum
rbac_text_excerpt(PG_FUNCTION_ARGS)
{
	text	   *value;

	if (PG_ARGISNULL(0))
		PG_RETURN_TEXT_P(cstring_to_text("NULL"));
	value = PG_GETARG_TEXT_PP(0);
	PG_RETURN_TEXT_P(cstring_to_text(rbac_excerpt(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value))));
}

static bool
is_ascii_only(const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(text[i]))
			return false;
	}
	return true;
}

/*
 * A text in UTF-8, or NULL if it cannot be told what that would be.  The
 * conversion is PostgreSQL's own, not one that the search path leads to.
 */
static const char *
in_utf8(const char *text, int *len)
{
	int			encoding = GetDatabaseEncoding();
	unsigned char *result;
	Oid			conversion;

	if (encoding == PG_UTF8 || is_ascii_only(text, *len))
		return text;
	if (encoding == PG_SQL_ASCII)
		return pg_encoding_verifymbstr(PG_UTF8, text, *len) == *len ? text : NULL;
	conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return NULL;
	result = palloc(*len * MAX_CONVERSION_GROWTH + 1);
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8,
									  (unsigned char *) unconstify(char *, text), *len,
									  result, *len * MAX_CONVERSION_GROWTH + 1, true) != *len)
		return NULL;
	*len = strlen((char *) result);
	return (char *) result;
}

/*
 * What is wrong with the characters of a text in UTF-8, or with their number, as a
 * sentence, or NULL.
 */
static const char *
fault_of_characters(const char *utf8, int len, const TextRule *rule, int most)
{
	bool		shows = false;
	int			position = 1;

	for (int i = 0; i < len; i += pg_encoding_mblen(PG_UTF8, utf8 + i), position++)
	{
		pg_wchar	c = utf8_to_unicode((const unsigned char *) utf8 + i);
		bool		is_blank = rbac_is_in(c, blank, lengthof(blank));

		if (position > most)
			return psprintf("It has more than %d characters.", most);
		if (rule->lines && (c == '\n' || c == '\r' || c == '\t'))
			continue;
		if (rbac_is_unprintable(c) || (is_blank && !rule->spaces))
			return psprintf("It has the character U+%04X at position %d.", (unsigned int) c, position);
		shows |= !is_blank;
	}
	return rule->visible && !shows ? "It has no character that shows." : NULL;
}

/*
 * Is a part of an email made of one or more parts that dots join, none of them
 * empty?  In a domain a part is a label.
 */
static bool
is_dotted(const char *part, int len, bool is_domain)
{
	int			start = 0;

	for (int i = 0; i <= len; i++)
	{
		unsigned char c = i < len ? part[i] : '.';
		bool		alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (c == '.')
		{
			if (i == start || (is_domain && (i - start > DOMAIN_LABEL_MAX || part[i - 1] == '-')))
				return false;
			start = i + 1;
		}
		else if (is_domain && !alphanumeric && (c != '-' || i == start))
			return false;
	}
	return true;
}

/*
 * The same of its shape, if it is an email: "" where the hint says enough.
 */
static const char *
fault_of_email(const char *utf8, int len)
{
	const char *at = memchr(utf8, '@', len);
	const char *end = utf8 + len;

	if (at == NULL || at == utf8 || at + 1 == end)
		return "";
	if (memchr(at + 1, '@', end - at - 1) != NULL)
		return "It has more than one \"@\".";
	if (!is_dotted(utf8, at - utf8, false))
		return "A dot stands between other characters, and not beside another dot.";
	if (!is_dotted(at + 1, end - at - 1, true))
		return "The domain is labels of 1 to 63 letters, digits and hyphens, joined by dots, with a letter or digit at either end of each.";
	return NULL;
}

static const TextRule *
rule_argument(Datum argument)
{
	char	   *name = TextDatumGetCString(argument);

	for (int i = 0; i < (int) lengthof(rules); i++)
	{
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	}
	elog(ERROR, "rule \"%s\" does not exist", name);
}

/*
 * What is wrong with a text, as a sentence or "", or NULL if it is all right.
 * What is too long in any encoding is not looked at.
 */
static const char *
fault_of_text(const text *value, const TextRule *rule, int most)
{
	const char *data = VARDATA_ANY(value);
	int			len = VARSIZE_ANY_EXHDR(value);
	const char *fault;

	if (len / CHARACTER_MAX > most)
		return psprintf("It has more than %d characters.", most);
	data = in_utf8(data, &len);
	if (data == NULL)
		return "It is not valid in UTF-8.";
	if (rule->email && len > most)
		return psprintf("It has %d bytes, and an email address has %d at most.", len, most);
	fault = fault_of_characters(data, len, rule, most);
	return fault == NULL && rule->email ? fault_of_email(data, len) : fault;
}

/*
 * aiven_rbac.is_text(value text, rule text, most integer) → boolean
 */
Datum
rbac_is_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(fault_of_text(PG_GETARG_TEXT_PP(0), rule_argument(PG_GETARG_DATUM(1)),
								 PG_GETARG_INT32(2)) == NULL);
}

/*
 * aiven_rbac.are_texts(elements text[], rule text, most integer) → boolean
 *
 * Is this a list that can be stored, and each of its elements a text?
 */
Datum
rbac_are_texts(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	const TextRule *rule = rule_argument(PG_GETARG_DATUM(1));
	Datum	   *elements;
	int			count;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array) ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > LIST_MAX)
		PG_RETURN_BOOL(false);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		if (fault_of_text(DatumGetTextPP(elements[i]), rule, PG_GETARG_INT32(2)) != NULL)
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
}

/*
 * aiven_rbac.require_text(called text, value text, rule text, most integer) → void
 *
 * The error for a text that the same constraint would refuse.
 */
Datum
rbac_require_text(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(1);
	const TextRule *rule = rule_argument(PG_GETARG_DATUM(2));
	const char *fault = fault_of_text(value, rule, PG_GETARG_INT32(3));

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s \"%s\"", TextDatumGetCString(PG_GETARG_DATUM(0)),
						rbac_excerpt(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value))),
				 *fault != '\0' ? errdetail("%s", fault) : 0,
				 rule->email ? errhint("It looks like \"ann@acme.example\".") : 0));
	PG_RETURN_VOID();
}
