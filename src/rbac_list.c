/*-------------------------------------------------------------------------
 *
 * rbac_list.c
 *	  The topmost places where something is held, at which lists begin.
 *
 * A list never tests every resource there is.  What is held on a resource is
 * the union of what was granted on it and above it, so that a principal holds
 * the same all the way down from a place where a grant stands until the next
 * such place, and never less further down.  A list therefore needs only the
 * places where a name is held and above which it is not: each of their subtrees
 * is one range of an index, and together they are the list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_excerpt.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_self);
PG_FUNCTION_INFO_V1(rbac_own_organizations);
PG_FUNCTION_INFO_V1(rbac_scopes);
PG_FUNCTION_INFO_V1(rbac_scopes_of);

/*
 * aiven_rbac.self() → uuid
 *
 * The session's principal if there is one that can hold anything: it exists
 * and is not deactivated.  NULL otherwise.
 */
Datum
rbac_self(PG_FUNCTION_ARGS)
{
	Decider    *decider = rbac_decider(fcinfo, NULL);
	pg_uuid_t  *result;

	if (decider->entry == NULL || !decider->entry->principal->exists ||
		decider->entry->principal->deactivated)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = decider->entry->principal->subject.who.id;
	PG_RETURN_UUID_P(result);
}

/*
 * aiven_rbac.own_organizations() → uuid[]
 *
 * The organizations that the session's principal is a member of at this
 * moment, whatever the transaction's snapshot shows.
 */
Datum
rbac_own_organizations(PG_FUNCTION_ARGS)
{
	Decider    *decider = rbac_decider(fcinfo, NULL);
	const PrincipalEntry *entry = decider->entry;
	ArrayBuildState *result = initArrayResult(UUIDOID, CurrentMemoryContext, false);

	rbac_decider_rely_on(decider, RBAC_RELIES_ON_MEMBERSHIPS);
	for (int i = 0; entry != NULL && !entry->principal->deactivated && i < entry->principal->nmemberships; i++)
		accumArrayResult(result, UUIDPGetDatum(&entry->principal->memberships[i].organization), false,
						 UUIDOID, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/*
 * The actions of which one is enough to hold "anything" on a resource of a
 * kind: those that are done to it or to what can be inside it.  Those that are
 * done to a unit are, but for creating projects, about its projects, too.
 */
static ActionSet
actions_concerning(const Catalogue *catalogue, ResourceKind kind)
{
	ActionSet	result = {{0}};

	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
	{
		if (catalogue->actions[i].name != NULL &&
			catalogue->actions[i].kind >= (kind == RBAC_PROJECT ? RBAC_UNIT : kind))
			action_set_add(&result, i);
	}
	return result;
}

/* What is to be held from a place down on resources of a kind */
typedef struct Sought
{
	const Decider *decider;
	ResourceKind kind;
	const ActionSet *any_of;	/* one of these; NULL: the decider's name */
} Sought;

static bool
held_below(const Place *place, void *arg)
{
	const Sought *sought = arg;
	const Decider *decider = sought->decider;
	const Verdict *verdict = rbac_cache_verdict(decider->entry, &place->grant->resource);
	const ActionSet *needed;

	if (verdict == NULL)
		return false;
	if (sought->any_of != NULL)
		return action_set_overlaps(&verdict->actions, sought->any_of);
	needed = rbac_required_actions(decider->catalogue, &decider->names->each[0],
								   sought->kind, &verdict->organization);
	return needed != NULL && action_set_contains(&verdict->actions, needed);
}

/*
 * The kind of resource that an argument names
 */
static ResourceKind
kind_argument(FunctionCallInfo fcinfo, int argument)
{
	char	   *name;
	ResourceKind kind;

	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("kind of resource must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (!rbac_kind_from_name(name, &kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kind of resource \"%s\" does not exist", rbac_excerpt(name, strlen(name))),
				 errhint("The kinds are organization, unit, project and service.")));
	return kind;
}

/*
 * The topmost places at and below which "principal" (NULL: the session's) holds
 * the name in an argument (NULL: anything) on resources of the kind in the next
 * argument, in order.
 */
static Datum
scopes(FunctionCallInfo fcinfo, const pg_uuid_t *principal, int name_argument)
{
	Oid			path_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	ArrayBuildState *result = initArrayResult(path_type, CurrentMemoryContext, false);
	Decider    *decider = rbac_decider(fcinfo, principal);
	Sought		sought = {.decider = decider};
	ActionSet	concerning;
	const Place **places = NULL;
	int			nplaces = 0;

	sought.kind = kind_argument(fcinfo, name_argument + 1);
	if (PG_ARGISNULL(name_argument))
	{
		concerning = actions_concerning(decider->catalogue, sought.kind);
		sought.any_of = &concerning;
	}
	else
		rbac_decider_set_names(decider, fcinfo, name_argument, false);

	rbac_decider_rely_on(decider, RBAC_RELIES_ON_ACTIONS);
	if (decider->entry != NULL)
	{
		rbac_cache_locate(decider->entry);
		places = rbac_principal_scopes(decider->entry->principal, held_below, &sought, &nplaces);
	}
	for (int i = 0; i < nplaces; i++)
		accumArrayResult(result,
						 PointerGetDatum(rbac_path_make(places[i]->path, places[i]->path_length)),
						 false, path_type, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/*
 * aiven_rbac.scopes(name text, kind text) → rbac_path[]
 */
Datum
rbac_scopes(PG_FUNCTION_ARGS)
{
	return scopes(fcinfo, NULL, 0);
}

/*
 * aiven_rbac.scopes_of(principal uuid, name text, kind text) → rbac_path[]
 */
Datum
rbac_scopes_of(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		elog(ERROR, "principal must not be null");
	return scopes(fcinfo, PG_GETARG_UUID_P(0), 1);
}
