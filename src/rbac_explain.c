/*-------------------------------------------------------------------------
 *
 * rbac_explain.c
 *	  What is held, where it comes from, and why something is not held.
 *
 * The answers here are made for a person who reads them: permissions and
 * actions by name, the places where they were granted, and, for a name that is
 * not held, each reason and what grant would give it.  They come from the same
 * verdicts as the decisions (rbac_decide.c), so that an explanation can't
 * differ from what a policy did.  The grants of the principal's entry only say
 * where a verdict comes from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "rbac_actor.h"

/* How many roles or permissions rbac_explain() offers */
#define ADVICE_SHOWN	3

PG_FUNCTION_INFO_V1(rbac_effective_permissions_all);

/*
 * Result rows
 */
static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
path_datum(const char *payload, int length)
{
	return PointerGetDatum(rbac_path_make(payload, length));
}

/*
 * Look the resource of a question up.
 */
static bool
find_resource(const Question *question, ResourceRow *resource)
{
	TableView	view;
	bool		found;

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&view);
	found = question->id != NULL ?
		rbac_tables_resource(&view, question->id, resource) :
		rbac_tables_resource_at(&view, question->path, resource);
	rbac_tables_close(&view);
	return found;
}

static bool
place_contains(const Place *place, const RbacPath *path)
{
	return rbac_path_contains(place->path, place->path_length,
							  RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
}

static text *
via_text(const Principal *principal, const PrincipalGrant *grant)
{
	return cstring_to_text(grant->group == RBAC_NO_GROUP ? "direct" :
						   psprintf("group:%s", principal->group_names[grant->group]));
}

/*
 * The places that "permission" comes from, and through what: the grants in
 * force that reach the resource and give at least one of its actions.
 */
static void
collect_sources(const Principal *principal, const ActionSet *needed, const RbacPath *path,
				Oid path_array_element, Datum *granted_on, Datum *via)
{
	ArrayBuildState *places = initArrayResult(path_array_element, CurrentMemoryContext, false);
	ArrayBuildState *ways = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int depth = 1; depth <= RBAC_PATH_LEN(path); depth++)
	{
		bool		stands = false;

		for (int i = 0; i < principal->nplaces; i++)
		{
			const Place *place = &principal->places[i];
			Datum		way;
			bool		known = false;

			if (place->path_length != depth || !place->grant->active || !place_contains(place, path) ||
				!action_set_overlaps(rbac_grant_allows(place->grant), needed))
				continue;
			stands = true;
			way = PointerGetDatum(via_text(principal, place->grant));
			for (int j = 0; j < ways->nelems && !known; j++)
				known = DatumGetBool(DirectFunctionCall2Coll(texteq, DEFAULT_COLLATION_OID,
															 ways->dvalues[j], way));
			if (!known)
				accumArrayResult(ways, way, false, TEXTOID, CurrentMemoryContext);
		}
		if (stands)
			accumArrayResult(places, path_datum(RBAC_PATH_DATA(path), depth), false,
							 path_array_element, CurrentMemoryContext);
	}
	*granted_on = makeArrayResult(places, CurrentMemoryContext);
	*via = makeArrayResult(ways, CurrentMemoryContext);
}

/*
 * Element type of an array column of the result
 */
static Oid
result_element_type(FunctionCallInfo fcinfo, int column)
{
	TupleDesc	desc = ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc;

	return get_element_type(TupleDescAttr(desc, column)->atttypid);
}

static bool
is_permission_in(const Grantable *grantable, const pg_uuid_t *organization)
{
	return grantable->type == RBAC_PERMISSION &&
		(rbac_uuid_is_nil(&grantable->organization) ||
		 rbac_uuid_equal(&grantable->organization, organization));
}

/*
 * Is a permission held by a verdict?  Sets *needed to what it requires.
 */
static bool
permission_held(const Grantable *grantable, const Verdict *verdict, const ActionSet **needed)
{
	*needed = rbac_grantable_requires(grantable, verdict->kind);
	return *needed != NULL && action_set_contains(&verdict->actions, *needed);
}

/*
 * rbac_effective_permissions([principal uuid,] resource)
 *	 → (permission text, granted_on rbac_path[], via text[])
 *
 * One row for each permission that is held, by name.
 */
static Datum
rbac_effective_permissions(FunctionCallInfo fcinfo, const Question *question)
{
	Decider    *decider;
	const Verdict *verdict;
	ResourceRow resource;

	rbac_materialize(fcinfo);
	decider = rbac_decider(fcinfo, question->principal);
	rbac_actor_check_question(question);
	verdict = rbac_verdict_on(decider, question);
	if (verdict == NULL || !find_resource(question, &resource))
		return (Datum) 0;

	rbac_cache_locate(decider->entry);
	rbac_cache_name_groups(decider->entry);
	for (int i = 0; i < decider->catalogue->ngrantables; i++)
	{
		const Grantable *grantable = &decider->catalogue->grantables[i];
		const ActionSet *needed;
		Datum		values[3];
		bool		nulls[3] = {false};

		if (!is_permission_in(grantable, &verdict->organization) ||
			!permission_held(grantable, verdict, &needed))
			continue;
		values[0] = CStringGetTextDatum(grantable->name);
		collect_sources(decider->entry->principal, needed, resource.path, result_element_type(fcinfo, 1),
						&values[1], &values[2]);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

DEFINE_DECISION(rbac_effective_permissions);

/*
 * rbac_effective_permissions() → (resource rbac_path, permission text)
 *
 * For the session's principal: every place where a grant stands, with each
 * permission held there to which a grant at that very place contributes.
 */
Datum
rbac_effective_permissions_all(PG_FUNCTION_ARGS)
{
	Decider    *decider;
	PrincipalEntry *entry;
	const Place **places;
	int			nplaces;

	rbac_materialize(fcinfo);
	decider = rbac_decider(fcinfo, NULL);
	entry = decider->entry;
	if (entry == NULL)
		return (Datum) 0;

	rbac_cache_locate(entry);
	places = rbac_principal_places(entry->principal, &nplaces);
	for (int first = 0, next; first < nplaces; first = next)
	{
		const Place *place = places[first];
		ActionSet	here = {{0}};
		const Verdict *verdict = rbac_cache_verdict(entry, &place->grant->resource);

		for (next = first;
			 next < nplaces && rbac_principal_compare_places(&places[first], &places[next]) == 0;
			 next++)
			action_set_union(&here, rbac_grant_allows(places[next]->grant));
		for (int i = 0; verdict != NULL && i < decider->catalogue->ngrantables; i++)
		{
			const Grantable *grantable = &decider->catalogue->grantables[i];
			const ActionSet *needed;
			Datum		values[2];
			bool		nulls[2] = {false};

			if (!is_permission_in(grantable, &verdict->organization) ||
				!permission_held(grantable, verdict, &needed) ||
				!action_set_overlaps(needed, &here))
				continue;
			values[0] = path_datum(place->path, place->path_length);
			values[1] = CStringGetTextDatum(grantable->name);
			put_row(fcinfo, values, nulls);
		}
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/*
 * rbac_effective_actions([principal uuid,] resource) → (action text)
 */
static Datum
rbac_effective_actions(FunctionCallInfo fcinfo, const Question *question)
{
	Decider    *decider;
	const Verdict *verdict;

	rbac_materialize(fcinfo);
	decider = rbac_decider(fcinfo, question->principal);
	rbac_actor_check_question(question);
	verdict = rbac_verdict_on(decider, question);
	for (int i = 0; verdict != NULL && i < RBAC_MAX_ACTIONS; i++)
	{
		Datum		values[1];
		bool		nulls[1] = {false};

		if (decider->catalogue->actions[i].name == NULL || !action_set_has(&verdict->actions, i))
			continue;
		values[0] = CStringGetTextDatum(decider->catalogue->actions[i].name);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

DEFINE_DECISION(rbac_effective_actions);

/*
 * Names of the actions in a set
 */
static char *
action_names(const Catalogue *catalogue, const ActionSet *set)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
	{
		if (catalogue->actions[i].name != NULL && action_set_has(set, i))
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", catalogue->actions[i].name);
	}
	return names.data;
}

static int
count_actions(const ActionSet *set)
{
	int			count = 0;

	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
		count += action_set_has(set, i);
	return count;
}

/*
 * What would give "missing" on a resource: the roles and permissions that
 * allow all of it, those that allow the least first, each with the lowest
 * place at or above the resource where it can be granted.
 */
static char *
advise(const Catalogue *catalogue, const ActionSet *missing, const ResourceRow *resource)
{
	const char *path = RBAC_PATH_DATA(resource->path);
	int			length = RBAC_PATH_LEN(resource->path);
	const Grantable *best[ADVICE_SHOWN] = {NULL};
	int			size[ADVICE_SHOWN];
	int			place[ADVICE_SHOWN];
	StringInfoData advice;

	for (int i = 0; i < catalogue->ngrantables; i++)
	{
		const Grantable *grantable = &catalogue->grantables[i];
		ResourceKind kind = resource->kind;
		int			end = length;

		if (!rbac_uuid_is_nil(&grantable->organization) &&
			!rbac_uuid_equal(&grantable->organization, &resource->organization))
			continue;

		/* Climb from the resource to the first place that will do. */
		for (;;)
		{
			if ((grantable->grantable_on & (1 << kind)) != 0 &&
				action_set_contains(&grantable->allowed[kind], missing))
				break;
			do
				end--;
			while (end > 0 && path[end] != RBAC_PATH_SEPARATOR);
			if (end <= 0)
				break;
			/* What is above a project and not the root is its unit. */
			kind = memchr(path, RBAC_PATH_SEPARATOR, end) == NULL ? RBAC_ORGANIZATION :
				(kind == RBAC_SERVICE ? RBAC_PROJECT : RBAC_UNIT);
		}
		if (end <= 0)
			continue;
		for (int j = 0, count = count_actions(&grantable->allowed[kind]); j < ADVICE_SHOWN; j++)
		{
			if (best[j] == NULL || count < size[j])
			{
				int			moved = ADVICE_SHOWN - 1 - j;

				memmove(&best[j + 1], &best[j], moved * sizeof(best[0]));
				memmove(&size[j + 1], &size[j], moved * sizeof(size[0]));
				memmove(&place[j + 1], &place[j], moved * sizeof(place[0]));
				best[j] = grantable;
				size[j] = count;
				place[j] = end;
				break;
			}
		}
	}

	initStringInfo(&advice);
	for (int j = 0; j < ADVICE_SHOWN && best[j] != NULL; j++)
		appendStringInfo(&advice, "%s \"%s\" on %s", j == 0 ? "Grant" : ", or",
						 best[j]->name, rbac_path_text(path, place[j]));
	if (best[0] == NULL)
		appendStringInfoString(&advice, "No single grant gives all of it; super admins have it, and several grants may add up to it.");
	else
		appendStringInfoChar(&advice, '.');
	return advice.data;
}

/*
 * One row of rbac_explain(); NULLs where a grant or an advice has no part
 */
static void
put_reason(FunctionCallInfo fcinfo, const Principal *principal, bool allowed, const char *reason,
		   const Place *place, const char *advice)
{
	Datum		values[6] = {0};
	bool		nulls[6] = {false, false, true, true, true, true};

	values[0] = BoolGetDatum(allowed);
	values[1] = CStringGetTextDatum(reason);
	if (place != NULL)
	{
		values[2] = CStringGetTextDatum(place->grant->grantable->name);
		values[3] = path_datum(place->path, place->path_length);
		values[4] = PointerGetDatum(via_text(principal, place->grant));
		nulls[2] = nulls[3] = nulls[4] = false;
	}
	if (advice != NULL)
	{
		values[5] = CStringGetTextDatum(advice);
		nulls[5] = false;
	}
	put_row(fcinfo, values, nulls);
}

/*
 * rbac_explain([principal uuid,] resource, name text)
 *	 → (allowed boolean, reason text, grant_name text, granted_on rbac_path, via text, advice text)
 *
 * When allowed, one row for each grant in force that contributes.  When
 * denied, one row for each reason: what is missing and what would give it,
 * and each grant that gives only a part or is outside its period.
 */
static Datum
rbac_explain(FunctionCallInfo fcinfo, const Question *question)
{
	Decider    *decider;
	const Principal *principal;
	const Membership *membership;
	const Verdict *verdict;
	const ActionSet *needed;
	ActionSet	missing;
	ResourceRow resource;
	bool		allowed;

	rbac_materialize(fcinfo);
	decider = rbac_decider(fcinfo, question->principal);
	rbac_actor_check_question(question);
	rbac_decider_set_names(decider, fcinfo, question->name, false);
	principal = decider->entry != NULL ? decider->entry->principal : NULL;

	if (principal == NULL)
		put_reason(fcinfo, principal, false, "no principal is set", NULL,
				   "A trusted back end calls rbac_set_principal() or rbac_authenticate() first.");
	else if (!principal->exists)
		put_reason(fcinfo, principal, false, "the principal does not exist", NULL, NULL);
	else if (principal->deactivated)
		put_reason(fcinfo, principal, false, "the principal is deactivated", NULL,
				   "The organization that manages the user can reactivate it.");
	if (principal == NULL || !principal->exists || principal->deactivated)
		return (Datum) 0;

	/* Outside its organization no principal learns that a resource exists. */
	verdict = rbac_verdict_on(decider, question);
	membership = verdict == NULL ? NULL : rbac_principal_membership(principal, &verdict->organization);
	if (membership == NULL || !find_resource(question, &resource))
	{
		put_reason(fcinfo, principal, false,
				   "the resource does not exist, or the principal is not a member of its organization",
				   NULL, "Invite the user to the organization, and grant something after acceptance.");
		return (Datum) 0;
	}
	if (membership->barred != NULL)
	{
		put_reason(fcinfo, principal, false,
				   psprintf("the session does not satisfy the organization's authentication policy: %s",
							membership->barred),
				   NULL,
				   "Log in again in a way that the organization accepts.");
		return (Datum) 0;
	}

	needed = rbac_required_actions(decider->catalogue, &decider->names->each[0],
								   verdict->kind, &verdict->organization);
	if (needed == NULL)
	{
		put_reason(fcinfo, principal, false, "the name means nothing in this organization, or allows no action",
				   NULL, NULL);
		return (Datum) 0;
	}

	allowed = action_set_contains(&verdict->actions, needed);
	missing = action_set_difference(needed, &verdict->actions);
	if (!allowed)
		put_reason(fcinfo, principal, false,
				   psprintf("not held: %s", action_names(decider->catalogue, &missing)), NULL,
				   advise(decider->catalogue, &missing, &resource));

	rbac_cache_locate(decider->entry);
	rbac_cache_name_groups(decider->entry);
	for (int i = 0; i < principal->nplaces; i++)
	{
		const Place *place = &principal->places[i];
		const PrincipalGrant *grant = place->grant;
		ActionSet	lacks;

		if (!place_contains(place, resource.path) || !action_set_overlaps(rbac_grant_allows(grant), needed))
			continue;
		lacks = action_set_difference(needed, rbac_grant_allows(grant));
		if (!grant->active)
		{
			const char *part = action_set_is_empty(&lacks) ? "it" :
				psprintf("%d of the %d actions",
						 count_actions(needed) - count_actions(&lacks), count_actions(needed));

			if (!allowed)
				put_reason(fcinfo, principal, false,
						   grant->valid_from > rbac_instant() ?
						   psprintf("would give %s from %s on", part, timestamptz_to_str(grant->valid_from)) :
						   psprintf("gave %s until %s", part, timestamptz_to_str(grant->valid_until)),
						   place, "Grant it again with another period of validity.");
		}
		else if (action_set_is_empty(&lacks))
			put_reason(fcinfo, principal, allowed, "gives it", place, NULL);
		else
			put_reason(fcinfo, principal, allowed,
					   psprintf("gives %d of the %d actions, not %s",
								count_actions(needed) - count_actions(&lacks), count_actions(needed),
								action_names(decider->catalogue, &lacks)),
					   place, NULL);
	}
	return (Datum) 0;
}

DEFINE_DECISION(rbac_explain);
