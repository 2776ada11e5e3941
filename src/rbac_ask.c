/*-------------------------------------------------------------------------
 *
 * rbac_ask.c
 *	  The questions that policies ask: is a name held on a resource?
 *
 * These are the functions that run for each row.  What they keep from row to
 * row is the decider's (rbac_decide.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rbac_actor.h"

static pg_noinline Decider *
prepare_anew(FunctionCallInfo fcinfo, const Question *question, bool any_of)
{
	Decider    *decider = rbac_decider(fcinfo, question->principal);

	rbac_actor_check_question(question);
	rbac_decider_set_names(decider, fcinfo, question->name, any_of);
	return decider;
}

/*
 * The call site's state, made ready for a question
 */
static inline Decider *
prepare(FunctionCallInfo fcinfo, const Question *question, bool any_of)
{
	Decider    *decider = fcinfo->flinfo->fn_extra;

	if (likely(question->principal == NULL && rbac_decider_is_settled(decider)))
		return decider;
	return prepare_anew(fcinfo, question, any_of);
}

/*
 * rbac_has_permission([principal uuid,] resource, name text) → boolean
 *
 * Is every action of the permission, role or action held on the resource
 * (G2, G3, G7, G10)?  An unknown name is an error.
 */
static inline Datum
rbac_has_permission(FunctionCallInfo fcinfo, const Question *question)
{
	Decider    *decider = prepare(fcinfo, question, false);

	PG_RETURN_BOOL(rbac_holds(decider, rbac_number_on(decider, question)));
}

DEFINE_DECISION(rbac_has_permission);

/*
 * rbac_has_any_permission([principal uuid,] resource, VARIADIC names text[]) → boolean
 */
static inline Datum
rbac_has_any_permission(FunctionCallInfo fcinfo, const Question *question)
{
	Decider    *decider = prepare(fcinfo, question, true);

	PG_RETURN_BOOL(rbac_holds(decider, rbac_number_on(decider, question)));
}

DEFINE_DECISION(rbac_has_any_permission);
