/*-------------------------------------------------------------------------
 *
 * rbac_given.c
 *	  The type rbac_resource: a resource as a caller names it.
 *
 * Functions about a resource take its path or its id, and drivers send either of
 * them as text.  Overloads for each would make every function four, so that there
 * is one type to which all of them are cast without being asked:
 *
 *		rbac_unit_create('acme', 'engineering')			-- what a literal says
 *		rbac_unit_create($1, 'engineering')				-- text, varchar, uuid, rbac_path
 *
 * A value repeats what was given, and does not know whether there is such a
 * resource: whoever looks it up (aiven_rbac.find_resource()) does so with the rights
 * and the snapshot that are right there, and again after a wait.
 *
 * The type has no operators, so that an application's expressions mean what they
 * meant without it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "path.h"

PG_FUNCTION_INFO_V1(rbac_resource_in);
PG_FUNCTION_INFO_V1(rbac_resource_out);
PG_FUNCTION_INFO_V1(rbac_resource_recv);
PG_FUNCTION_INFO_V1(rbac_resource_send);
PG_FUNCTION_INFO_V1(rbac_resource_of_text);
PG_FUNCTION_INFO_V1(rbac_resource_of_uuid);
PG_FUNCTION_INFO_V1(rbac_resource_of_path);
PG_FUNCTION_INFO_V1(rbac_given_id);
PG_FUNCTION_INFO_V1(rbac_given_path);

/*
 * A value of the type, or NULL after a soft error.  A text of a uuid's shape is an
 * id, any other a path; both are checked here, so that what is stored is one of them.
 */
static text *
make_given(const char *data, int length, int sqlerrcode, struct Node *escontext)
{
	if (!rbac_is_uuid_shaped(data, length) && rbac_path_parse(data, length, sqlerrcode, escontext) == NULL)
		return NULL;
	return cstring_to_text_with_len(data, length);
}

Datum
rbac_resource_in(PG_FUNCTION_ARGS)
{
	char	   *given = PG_GETARG_CSTRING(0);
	text	   *result = make_given(given, strlen(given), ERRCODE_INVALID_TEXT_REPRESENTATION, fcinfo->context);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

Datum
rbac_resource_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(TextDatumGetCString(PG_GETARG_DATUM(0)));
}

Datum
rbac_resource_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *given = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_TEXT_P(make_given(given, length, ERRCODE_INVALID_BINARY_REPRESENTATION, NULL));
}

Datum
rbac_resource_send(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * Casts from text and varchar, uuid and rbac_path
 */
Datum
rbac_resource_of_text(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(make_given(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), ERRCODE_INVALID_TEXT_REPRESENTATION, NULL));
}

Datum
rbac_resource_of_uuid(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0)))));
}

Datum
rbac_resource_of_path(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);

	PG_RETURN_TEXT_P(cstring_to_text(rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path))));
}

/*
 * aiven_rbac.given_id(rbac_resource) → uuid, or NULL if a path was given
 */
Datum
rbac_given_id(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);

	if (!rbac_is_uuid_shaped(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(uuid_in, CStringGetDatum(text_to_cstring(given))));
}

/*
 * aiven_rbac.given_path(rbac_resource) → rbac_path, or NULL if an id was given
 */
Datum
rbac_given_path(PG_FUNCTION_ARGS)
{
	text	   *given = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(given);
	int			length = VARSIZE_ANY_EXHDR(given);

	if (rbac_is_uuid_shaped(data, length))
		PG_RETURN_NULL();
	PG_RETURN_RBAC_PATH_P(rbac_path_parse(data, length, ERRCODE_INVALID_TEXT_REPRESENTATION, NULL));
}
