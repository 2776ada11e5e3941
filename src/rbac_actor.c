/*-------------------------------------------------------------------------
 *
 * rbac_actor.c
 *	  Who acts in administration or looks something up, and whether they may.
 *
 * Administration is SQL and PL/pgSQL; here is what those languages have no
 * word for: on whose behalf a function runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_cache.h"
#include "rbac_cascade.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_actor);
PG_FUNCTION_INFO_V1(rbac_viewer);
PG_FUNCTION_INFO_V1(rbac_session_lacks);

/*
 * The id of the session's principal, who must not be deactivated (P6).
 */
static Datum
active_principal(const SessionPrincipal *session)
{
	Subject		subject = {.who.id = session->id};
	PrincipalEntry *entry = rbac_cache_pin(&subject, GetCurrentStatementStartTimestamp());
	bool		deactivated = entry->principal->deactivated;
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	rbac_cache_unpin(entry);
	if (deactivated)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the session's principal is deactivated"),
				 errhint("The organization that manages the user can reactivate it.")));
	*result = subject.who.id;
	PG_RETURN_UUID_P(result);
}

/*
 * aiven_rbac.actor() → uuid
 *
 * The principal on whose behalf administration acts; NULL for the bootstrap
 * operator.  Anybody else is refused.
 *
 * So is code that PostgreSQL runs for somebody else's table: when a superuser,
 * or autovacuum, analyzes it or refreshes a materialized view, its owner's
 * functions run in a session that is not the owner's.  The same goes for
 * triggers on a table that follows a foreign key's action: they run because
 * somebody changed the referenced row, not because their owner may do it.
 */
Datum
rbac_actor(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session;

	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot administer within security-restricted operation"),
				 errdetail("Maintenance of a table or materialized view runs functions of its owner.")));
	if (rbac_in_cascade())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot administer within the action of a foreign key"),
				 errdetail("A trigger on a referencing table runs on behalf of whoever changed the referenced row.")));

	AcceptInvalidationMessages();
	session = rbac_session_get();
	if (session == NULL)
	{
		if (rbac_session_is_operator())
			PG_RETURN_NULL();
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("no principal is set"),
				 errdetail("Without one, only the owner of the extension and superusers can administer."),
				 errhint("A trusted back end calls rbac_set_principal() or rbac_authenticate() first.")));
	}
	return active_principal(session);
}

/*
 * May the role that SET ROLE chose, or that logged in, set the principal?
 * Then it could be anybody anyway.
 */
static bool
may_set_principal(void)
{
	Oid			types[] = {UUIDOID, TEXTOID, BOOLOID, BOOLOID};
	HeapTuple	type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(rbac_path_type_oid()));
	Oid			schema;
	Oid			function;

	if (!HeapTupleIsValid(type))
		elog(ERROR, "cache lookup failed for type %u", rbac_path_type_oid());
	schema = ((Form_pg_type) GETSTRUCT(type))->typnamespace;
	ReleaseSysCache(type);
	function = LookupFuncName(list_make2(makeString(get_namespace_name(schema)),
										 makeString("rbac_set_principal")),
							  lengthof(types), types, false);

	return DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id,
											ObjectIdGetDatum(GetOuterUserId()),
											ObjectIdGetDatum(function),
											CStringGetTextDatum("EXECUTE")));
}

/*
 * aiven_rbac.viewer() → uuid
 *
 * The principal on whose behalf something is looked up; NULL for the bootstrap
 * operator, and for a trusted back end that has yet to set the principal.
 * Anybody else is refused, and so is code of a table's owner that maintenance
 * runs in another one's session (see above).
 */
Datum
rbac_viewer(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session;

	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot look anything up within security-restricted operation"),
				 errdetail("Maintenance of a table or materialized view runs functions of its owner.")));

	AcceptInvalidationMessages();
	session = rbac_session_get();
	if (session == NULL)
	{
		if (rbac_session_is_operator() || may_set_principal())
			PG_RETURN_NULL();
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("no principal is set"),
				 errdetail("Without one, only the owner of the extension, superusers and roles that may call rbac_set_principal() can look anything up."),
				 errhint("A trusted back end calls rbac_set_principal() or rbac_authenticate() first.")));
	}
	return active_principal(session);
}

/*
 * aiven_rbac.session_lacks() → text
 *
 * What keeps the session's user from making a token of its own, or NULL: a
 * token must not open more, or for longer, than the session that makes it.
 */
Datum
rbac_session_lacks(PG_FUNCTION_ARGS)
{
	Subject		subject;
	PrincipalEntry *entry;
	const char *lacks = NULL;
	text	   *result = NULL;

	AcceptInvalidationMessages();
	if (!rbac_session_subject(NULL, &subject))
		PG_RETURN_NULL();
	if (strcmp(subject.who.method, RBAC_METHOD_TOKEN) == 0)
		PG_RETURN_TEXT_P(cstring_to_text("The session was itself begun with a token."));
	entry = rbac_cache_pin(&subject, GetCurrentStatementStartTimestamp());
	for (int i = 0; i < entry->principal->nmemberships && lacks == NULL; i++)
		lacks = entry->principal->memberships[i].barred;
	if (lacks != NULL)
		result = cstring_to_text(psprintf("The session does not satisfy the authentication policy of an organization that the user belongs to: %s.",
										  lacks));
	rbac_cache_unpin(entry);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}
