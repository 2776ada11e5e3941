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
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_excerpt.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_self);
PG_FUNCTION_INFO_V1(rbac_own_organizations);
PG_FUNCTION_INFO_V1(rbac_organizations_with);
PG_FUNCTION_INFO_V1(rbac_each_scope);
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
	const ActionSet *any_of;	/* one of these; NULL: the name */
	const Requirement *name;
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
	needed = rbac_required_actions(decider->catalogue, sought->name,
								   sought->kind, &verdict->organization);
	return needed != NULL && action_set_contains(&verdict->actions, needed);
}

/*
 * Mark the organizations of an entry in which a name is held somewhere, on
 * projects.
 */
static void
mark_organizations(Decider *decider, const char *name, bool *marked)
{
	const Principal *principal = decider->entry->principal;
	Requirement requirement;
	Sought		sought = {.decider = decider, .kind = RBAC_PROJECT, .name = &requirement};
	const Place **places;
	int			nplaces;

	rbac_resolve_or_fail(decider->catalogue, name, &requirement);
	rbac_decider_rely_on(decider, RBAC_RELIES_ON_ACTIONS);
	rbac_cache_locate(decider->entry);
	places = rbac_principal_scopes(principal, held_below, &sought, &nplaces);
	for (int i = 0; i < nplaces; i++)
	{
		const Verdict *verdict = rbac_cache_verdict(decider->entry, &places[i]->grant->resource);
		int			low = 0,
					high = principal->nmemberships;

		if (verdict == NULL)
			continue;
		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (memcmp(&principal->memberships[middle].organization, &verdict->organization, UUID_LEN) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < principal->nmemberships &&
			rbac_uuid_equal(&principal->memberships[low].organization, &verdict->organization))
			marked[low] = true;
	}
}

/*
 * aiven_rbac.organizations_with(names text[], anywhere text) → setof uuid
 *
 * Of the organizations that the session's principal is a member of, those on
 * which it holds one of the names (NULL: all), and those in which it holds
 * another name somewhere, on projects.
 */
Datum
rbac_organizations_with(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Decider    *decider;
	const Principal *principal;
	bool	   *marked;

	rbac_materialize(fcinfo);
	decider = rbac_decider(fcinfo, NULL);
	rbac_decider_rely_on(decider, RBAC_RELIES_ON_MEMBERSHIPS);
	if (!PG_ARGISNULL(0))
		rbac_decider_set_names(decider, fcinfo, 0, true);
	if (decider->entry == NULL || decider->entry->principal->deactivated)
		return (Datum) 0;
	principal = decider->entry->principal;
	marked = palloc0(sizeof(bool) * (principal->nmemberships + 1));
	if (!PG_ARGISNULL(1))
		mark_organizations(decider, text_to_cstring(PG_GETARG_TEXT_PP(1)), marked);
	for (int i = 0; i < principal->nmemberships; i++)
	{
		const pg_uuid_t *organization = &principal->memberships[i].organization;
		Datum		values[1] = {UUIDPGetDatum(organization)};
		bool		nulls[1] = {false};

		if (marked[i] || PG_ARGISNULL(0) ||
			rbac_holds(decider, rbac_cache_number(decider->entry, organization)))
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
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
 * The topmost places at and below which the decider's principal holds the name
 * in an argument (NULL: anything) on resources of the kind in the next argument,
 * in order.
 */
static const Place **
scopes(FunctionCallInfo fcinfo, Decider *decider, int name_argument, int *nplaces)
{
	Sought		sought = {.decider = decider};
	ActionSet	concerning;

	sought.kind = kind_argument(fcinfo, name_argument + 1);
	if (PG_ARGISNULL(name_argument))
	{
		concerning = actions_concerning(decider->catalogue, sought.kind);
		sought.any_of = &concerning;
	}
	else
	{
		rbac_decider_set_names(decider, fcinfo, name_argument, false);
		sought.name = &decider->names->each[0];
	}

	rbac_decider_rely_on(decider, RBAC_RELIES_ON_ACTIONS);
	*nplaces = 0;
	if (decider->entry == NULL)
		return NULL;
	rbac_cache_locate(decider->entry);
	return rbac_principal_scopes(decider->entry->principal, held_below, &sought, nplaces);
}

static Datum
path_of(const Place *place)
{
	return PointerGetDatum(rbac_path_make(place->path, place->path_length));
}

/*
 * The same as an array of paths
 */
static Datum
array_of_scopes(FunctionCallInfo fcinfo, const pg_uuid_t *principal, int name_argument)
{
	Oid			path_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	ArrayBuildState *result = initArrayResult(path_type, CurrentMemoryContext, false);
	int			nplaces;
	const Place **places = scopes(fcinfo, rbac_decider(fcinfo, principal), name_argument, &nplaces);

	for (int i = 0; i < nplaces; i++)
		accumArrayResult(result, path_of(places[i]), false, path_type, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/*
 * aiven_rbac.each_scope(name text, kind text) → setof rbac_path
 */
Datum
rbac_each_scope(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Place **places;
	int			nplaces;

	rbac_materialize(fcinfo);
	places = scopes(fcinfo, rbac_decider(fcinfo, NULL), 0, &nplaces);
	for (int i = 0; i < nplaces; i++)
	{
		Datum		values[1] = {path_of(places[i])};
		bool		nulls[1] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * aiven_rbac.scopes(name text, kind text) → rbac_path[]
 */
Datum
rbac_scopes(PG_FUNCTION_ARGS)
{
	return array_of_scopes(fcinfo, NULL, 0);
}

/*
 * aiven_rbac.scopes_of(principal uuid, name text, kind text) → rbac_path[]
 */
Datum
rbac_scopes_of(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		elog(ERROR, "principal must not be null");
	return array_of_scopes(fcinfo, PG_GETARG_UUID_P(0), 1);
}
