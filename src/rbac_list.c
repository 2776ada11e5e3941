/*-------------------------------------------------------------------------
 *
 * rbac_list.c
 *	  What lists of resources begin with: where something is held.
 *
 * A list never tests every resource there is.  What is held on a resource is
 * the union of what was granted on it and above it, so that a principal holds
 * the same all the way down from a place where a grant stands until the next
 * such place, and never less further down.  The places where a name is held
 * and above which it is not are therefore all that one needs to know: each of
 * their subtrees is one range of an index, and together they are the list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_self);
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

	if (decider->entry == NULL || !decider->entry->exists || decider->entry->deactivated)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = decider->entry->subject.who.id;
	PG_RETURN_UUID_P(result);
}

static int
compare_places(const void *a, const void *b)
{
	const PrincipalGrant *left = *(PrincipalGrant *const *) a;
	const PrincipalGrant *right = *(PrincipalGrant *const *) b;

	return rbac_path_compare(left->path, left->path_length, right->path, right->path_length);
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

/*
 * Is the required name held on resources of a kind from this place down, or,
 * when there is none, one of the actions in "any_of"?
 */
static bool
held_below(const Decider *decider, const PrincipalGrant *place, ResourceKind kind, const ActionSet *any_of)
{
	const Verdict *verdict = rbac_cache_verdict(decider->entry, &place->resource);
	const ActionSet *needed;

	if (verdict == NULL || any_of != NULL)
		return verdict != NULL && action_set_overlaps(&verdict->actions, any_of);
	needed = rbac_required_actions(decider->catalogue, &decider->requirements[0],
								   decider->required_names[0], kind, &verdict->organization);
	return needed != NULL && action_set_contains(&verdict->actions, needed);
}

/*
 * The topmost places from which on "principal" (NULL: the session's) holds
 * the name in an argument (NULL: anything) on resources of the kind in the
 * next one, in order.
 */
static Datum
scopes(FunctionCallInfo fcinfo, const pg_uuid_t *principal, int name_argument)
{
	Oid			path_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	ArrayBuildState *result = initArrayResult(path_type, CurrentMemoryContext, false);
	Decider    *decider = rbac_decider(fcinfo, principal);
	const PrincipalEntry *entry = decider->entry;
	ActionSet	concerning;
	const ActionSet *any_of = NULL;
	char	   *kind_name;
	ResourceKind kind;
	PrincipalGrant **places;
	const PrincipalGrant *last = NULL;
	int			nplaces = 0;

	if (PG_ARGISNULL(name_argument + 1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("kind of resource must not be null")));
	kind_name = text_to_cstring(PG_GETARG_TEXT_PP(name_argument + 1));
	if (!rbac_kind_from_name(kind_name, &kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kind of resource \"%s\" does not exist", kind_name),
				 errhint("The kinds are organization, unit, project and service.")));
	if (PG_ARGISNULL(name_argument))
	{
		concerning = actions_concerning(decider->catalogue, kind);
		any_of = &concerning;
	}
	else
		rbac_decider_require(decider, fcinfo, name_argument, false);

	if (entry != NULL)
		rbac_cache_locate(decider->entry);
	places = palloc(Max(entry != NULL ? entry->ngrants : 0, 1) * sizeof(PrincipalGrant *));
	for (int i = 0; entry != NULL && i < entry->ngrants; i++)
	{
		if (entry->grants[i].active)
			places[nplaces++] = &entry->grants[i];
	}
	qsort(places, nplaces, sizeof(PrincipalGrant *), compare_places);

	for (int i = 0; i < nplaces; i++)
	{
		const PrincipalGrant *place = places[i];

		if ((last != NULL && rbac_path_contains(last->path, last->path_length,
												place->path, place->path_length)) ||
			!held_below(decider, place, kind, any_of))
			continue;
		last = place;
		accumArrayResult(result, PointerGetDatum(rbac_path_make(place->path, place->path_length)),
						 false, path_type, CurrentMemoryContext);
	}
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
