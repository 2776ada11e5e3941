/*-------------------------------------------------------------------------
 *
 * rbac_actor.c
 *	  The principal or operator that administers or looks something up.
 *
 * Administration is SQL and PL/pgSQL; here is what those languages have no
 * word for: on whose behalf a function runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "compat.h"
#include "rbac_acting.h"
#include "rbac_actor.h"
#include "rbac_replica.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_current_actor);
PG_FUNCTION_INFO_V1(rbac_current_viewer);
PG_FUNCTION_INFO_V1(rbac_operate);
PG_FUNCTION_INFO_V1(rbac_session_lacks);
PG_FUNCTION_INFO_V1(rbac_session_lacks_for);
PG_FUNCTION_INFO_V1(rbac_session_login);

/*
 * An actor as SQL has it: a value of the type aiven_rbac.actor.  It is made here
 * and nowhere else.  Where one is absent, or all of it is NULL, nothing is
 * allowed; so what allows is always said.
 */
static Datum
make_actor(FunctionCallInfo fcinfo, const pg_uuid_t *principal, bool operator, bool back_end)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = principal == NULL;
	values[0] = UUIDPGetDatum(principal);
	values[1] = BoolGetDatum(operator);
	values[2] = BoolGetDatum(back_end);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * The session's principal must not be deactivated (P6).
 */
static void
check_active(const SessionPrincipal *session)
{
	Subject		subject = {.who.id = session->id};
	PrincipalEntry *entry;
	bool		deactivated;

	rbac_replica_check();
	entry = rbac_cache_pin(&subject, rbac_instant());
	deactivated = entry->principal->deactivated;
	rbac_cache_unpin(entry);
	if (deactivated)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the session's principal is deactivated"),
				 errhint("The organization that manages the user can reactivate it.")));
}

static Datum
principal_as_actor(FunctionCallInfo fcinfo, const SessionPrincipal *session)
{
	pg_uuid_t	id = session->id;

	check_active(session);
	return make_actor(fcinfo, &id, false, false);
}

/*
 * On whose behalf administration acts: the session's principal or, while none
 * is set, the operator.  Every other caller is refused.
 *
 * So is code that runs for another role's table: when a superuser, or
 * autovacuum, analyzes it or refreshes a materialized view, its owner's functions
 * run in a session that is not the owner's.  The same goes for what a foreign
 * key sets off: it runs because another role changed the referenced row, not
 * because its owner may do it.  Where that row is the extension's, the operation
 * is security-restricted (rbac_cascade.c); where it is the application's, the
 * foreign key's own statement can be told.
 */
static const SessionPrincipal *
who_acts(void)
{
	const SessionPrincipal *session;

	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot administer within security-restricted operation"),
				 errdetail("The owner of a table has attached this code to it. It runs because the table is maintained, or because a row has changed that the table references.")));
	if (InNoForceRLSOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot administer within the action of a foreign key"),
				 errdetail("A trigger on a referencing table runs on behalf of the role that changed the referenced row.")));

	AcceptInvalidationMessages();
	session = rbac_session_get();
	if (session == NULL && !rbac_session_is_operator())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("no principal is set"),
				 errdetail("Without a principal, only superusers, the extension's owner and roles that may execute rbac_operate() can administer."),
				 errhint("A trusted back end calls rbac_set_principal() or rbac_authenticate() first.")));
	return session;
}

/*
 * aiven_rbac.current_actor() → aiven_rbac.actor
 */
Datum
rbac_current_actor(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session = who_acts();

	if (session == NULL)
		return make_actor(fcinfo, NULL, true, false);
	/* Before it can lock anything that ends the principal's access */
	rbac_acting_begin(&session->id);
	return principal_as_actor(fcinfo, session);
}

/*
 * The session's principal, which administers and is not deactivated; false if it
 * is the operator that does.  Every other caller is refused.
 */
bool
rbac_actor_subject(Subject *subject)
{
	const SessionPrincipal *session = who_acts();

	if (session == NULL)
		return false;
	check_active(session);
	return rbac_session_subject(NULL, subject);
}

/*
 * May the role that SET ROLE chose, or that logged in, set the principal?
 * Then it could act as any principal anyway.
 */
static bool
may_set_principal(void)
{
	Oid			types[] = {UUIDOID, TEXTOID, BOOLOID, BOOLOID, TEXTOID};

	return rbac_session_may_execute(GetOuterUserId(), "rbac_set_principal", lengthof(types), types);
}

/*
 * Does the caller know more than its principal: as the operator, or as a role
 * that may set the principal?  Code of a table's owner, which maintenance runs
 * in another session, does not.
 */
static bool
sees_everybody(void)
{
	return !InSecurityRestrictedOperation() &&
		(rbac_session_is_operator() || may_set_principal());
}

/*
 * Does the session's principal hold what lets it see the grants on a resource?
 */
static bool
sees_grants(const Question *question)
{
	static const char *const sight[] = {"project_permission.view", "permission.grant"};
	Subject		subject;
	PrincipalEntry *entry;
	volatile bool result = false;

	if (!rbac_session_subject(NULL, &subject))
		return false;
	entry = rbac_cache_pin(&subject, rbac_instant());
	PG_TRY();
	{
		const Verdict *verdict = question->id != NULL ?
			rbac_cache_verdict(entry, question->id) :
			rbac_cache_verdict_at(entry, question->path);

		for (int i = 0; verdict != NULL && !result && i < (int) lengthof(sight); i++)
		{
			Requirement requirement;

			rbac_resolve_or_fail(entry->catalogue, sight[i], &requirement);
			result = action_set_contains(&verdict->actions, &requirement.actions[verdict->kind]);
		}
	}
	PG_FINALLY();
	{
		rbac_cache_unpin(entry);
	}
	PG_END_TRY();
	return result;
}

/*
 * A caller that asks about another principal must be allowed to know.  What a
 * principal holds is told to the operator, to roles that may set a principal, to
 * the principal itself, and to principals that may see the grants on the
 * resource.  The refusal is the same whether the resource and the principal
 * exist or not.
 */
void
rbac_actor_check_question(const Question *question)
{
	const SessionPrincipal *session;

	if (question->principal == NULL)
		return;
	session = rbac_session_get();
	if (session != NULL && rbac_uuid_equal(&session->id, question->principal))
		return;
	if (sees_everybody() || sees_grants(question))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to ask about another principal"),
			 errdetail("It requires the action \"project_permission.view\" or \"permission.grant\" on the resource."),
			 errhint("Without a principal as the first argument, the function answers about the session's.")));
}

/*
 * aiven_rbac.current_viewer() → aiven_rbac.actor
 *
 * On whose behalf something is looked up: the session's principal or, while
 * none is set, the operator or a trusted back end that has yet to set one.
 * Every other caller is refused, and so is code of a table's owner that
 * maintenance runs in another session (see above).
 */
Datum
rbac_current_viewer(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session;

	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot look anything up within security-restricted operation"),
				 errdetail("The owner of a table has attached this code to it. It runs because the table is maintained, or because a row has changed that the table references.")));

	AcceptInvalidationMessages();
	session = rbac_session_get();
	if (session != NULL)
		return principal_as_actor(fcinfo, session);
	if (rbac_session_is_operator())
		return make_actor(fcinfo, NULL, true, false);
	if (may_set_principal())
		return make_actor(fcinfo, NULL, false, true);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("no principal is set"),
			 errdetail("Without a principal, only superusers, the extension's owner and roles that may execute rbac_operate() or rbac_set_principal() can look anything up."),
			 errhint("A trusted back end calls rbac_set_principal() or rbac_authenticate() first.")));
}

/*
 * rbac_operate() → boolean
 *
 * Does the session act as the operator?  The right to call this function makes a
 * database role an operator.
 */
Datum
rbac_operate(PG_FUNCTION_ARGS)
{
	AcceptInvalidationMessages();
	PG_RETURN_BOOL(rbac_session_is_operator());
}

/*
 * aiven_rbac.session_lacks_for(require_two_factor boolean, allowed_methods text[],
 *								personal_tokens boolean) → text
 *
 * What the session would lack for an authentication policy, or NULL.
 */
Datum
rbac_session_lacks_for(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session = rbac_session_get();
	AuthenticationPolicyRow policy = {0};
	const char *lacks;

	if (session == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("no principal is set"));
	policy.require_two_factor = PG_ARGISNULL(0) || PG_GETARG_BOOL(0);
	policy.personal_tokens = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	policy.any_method = PG_ARGISNULL(1);
	if (!policy.any_method)
	{
		Datum	   *methods;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
						  &methods, NULL, &policy.nmethods);
		policy.methods = palloc(Max(policy.nmethods, 1) * sizeof(char *));
		for (int i = 0; i < policy.nmethods; i++)
			policy.methods[i] = TextDatumGetCString(methods[i]);
	}
	lacks = rbac_lacks_for_policy(session, &policy);
	if (lacks == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(lacks));
}

/*
 * aiven_rbac.session_login() → (method text, two_factor boolean)
 *
 * How the session's principal has logged in; the method is NULL where it is not
 * known.
 */
Datum
rbac_session_login(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session = rbac_session_get();
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = session == NULL || session->method[0] == '\0';
	values[0] = nulls[0] ? (Datum) 0 : CStringGetTextDatum(session->method);
	values[1] = BoolGetDatum(session != NULL && session->two_factor);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
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
	if (subject.who.by_token)
		PG_RETURN_TEXT_P(cstring_to_text("The session was itself begun with a token."));
	entry = rbac_cache_pin(&subject, rbac_instant());
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
