/*-------------------------------------------------------------------------
 *
 * rbac_reach.c
 *	  All resources on which a principal holds something.
 *
 * A check of one row asks the cache about one resource.  A query that has an
 * index on the resource does better to ask the other way round: for which
 * resources is the answer yes?  That list is found by walking the subtrees
 * that hang on the principal's scopes.  It is worth having for a principal
 * that reaches few resources (an organization's worth) and not for one that
 * reaches most of them, so the walk first goes as far as RBAC_NARROW_LIMIT
 * only, and to the end when a complete list is asked for.  What part of all
 * resources is in reach beyond that is estimated from statistics.
 *
 * Rights add up downwards, so below a place where the names are held they are
 * held everywhere, and the walk need not judge what it finds.  That is so if
 * the names require the same actions on every kind of resource; roles that
 * require fewer further down, and roles of one organization, are judged resource by
 * resource.
 *
 * What is found lives in the principal's cache entry and goes with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "rbac_reach.h"

/* A walk that judges gives up on being narrow after this many resources. */
#define WALK_LIMIT	(10 * RBAC_NARROW_LIMIT)

typedef struct Found
{
	pg_uuid_t	id;
	RbacPath   *path;
} Found;

typedef struct Walk
{
	PrincipalEntry *entry;
	TableView	view;
	Reach	   *reach;
	bool		to_the_end;
	int			seen;
	int			room;
	int			nfound;
	Found	   *found;
	int			of_kind[RBAC_RESOURCE_KINDS];
} Walk;

/* What holds_from() needs to know */
typedef struct Holding
{
	PrincipalEntry *entry;
	const NameList *names;
} Holding;

static bool
holds_from(const Place *place, void *arg)
{
	const Holding *holding = arg;
	const Verdict *verdict = rbac_cache_verdict(holding->entry, &place->grant->resource);

	return verdict != NULL && rbac_names_held(holding->entry->catalogue, holding->names, verdict);
}

/*
 * The places to walk from: where a grant stands and, if that settles all that
 * is below, the names are held.
 */
static void
find_scopes(PrincipalEntry *entry, Reach *reach)
{
	Holding		holding = {.entry = entry, .names = reach->names};
	const Place **places;

	rbac_cache_locate(entry);
	places = rbac_principal_scopes(entry->principal, reach->exact ? holds_from : NULL, &holding,
								   &reach->nscopes);
	reach->scopes = palloc(Max(reach->nscopes, 1) * sizeof(RbacPath *));
	for (int i = 0; i < reach->nscopes; i++)
		reach->scopes[i] = rbac_path_make(places[i]->path, places[i]->path_length);
	pfree(places);
}

static void
visit(void *row, void *arg)
{
	ResourceRow *resource = row;
	Walk	   *walk = arg;

	CHECK_FOR_INTERRUPTS();
	walk->seen++;
	if (walk->reach->exact ||
		rbac_names_held(walk->entry->catalogue, walk->reach->names,
						rbac_cache_verdict_of(walk->entry, resource)))
	{
		if (walk->nfound == walk->room)
		{
			walk->room *= 2;
			walk->found = repalloc_huge(walk->found, walk->room * sizeof(Found));
		}
		walk->found[walk->nfound].id = resource->id;
		walk->found[walk->nfound].path = resource->path;
		walk->nfound++;
		walk->of_kind[resource->kind]++;
	}
	if (!walk->to_the_end && (walk->nfound > RBAC_NARROW_LIMIT || walk->seen > WALK_LIMIT))
		walk->view.enough = true;
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(((const Found *) a)->id.data, ((const Found *) b)->id.data, UUID_LEN);
}

/*
 * Walk below the scopes, and keep what was found if that is all of it.
 */
typedef enum WalkAim
{
	WALK_FOR_WIDTH,				/* as far as the limit; keeps both lists */
	WALK_FOR_IDS,
	WALK_FOR_PATHS
} WalkAim;

static void
walk_scopes(PrincipalEntry *entry, Reach *reach, WalkAim wanted)
{
	bool		to_the_end = wanted != WALK_FOR_WIDTH;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rbac walk",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Walk		walk = {.entry = entry, .reach = reach, .to_the_end = to_the_end};

	walk.room = 64;
	walk.found = palloc(walk.room * sizeof(Found));
	rbac_tables_lock(&walk.view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&walk.view);
	for (int i = 0; i < reach->nscopes && !walk.view.enough; i++)
		rbac_tables_subtree(&walk.view, RBAC_PATH_DATA(reach->scopes[i]),
							 RBAC_PATH_LEN(reach->scopes[i]), visit, &walk);
	rbac_tables_close(&walk.view);
	rbac_cache_counters.walks++;

	if (!to_the_end)
		reach->wide = walk.view.enough;
	if (!walk.view.enough)
	{
		Datum	   *values = MemoryContextAllocHuge(scratch, Max(walk.nfound, 1) * sizeof(Datum));
		Oid			path_type = rbac_path_type_oid();

		memcpy(reach->of_kind, walk.of_kind, sizeof(walk.of_kind));
		MemoryContextSwitchTo(reach->context);
		if (wanted != WALK_FOR_IDS)
		{
			for (int i = 0; i < walk.nfound; i++)
				values[i] = PointerGetDatum(walk.found[i].path);
			reach->paths = construct_array(values, walk.nfound, path_type, -1, false, TYPALIGN_INT);
		}
		if (wanted != WALK_FOR_PATHS)
		{
			qsort(walk.found, walk.nfound, sizeof(Found), compare_ids);
			for (int i = 0; i < walk.nfound; i++)
				values[i] = UUIDPGetDatum(&walk.found[i].id);
			reach->ids = construct_array(values, walk.nfound, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

/*
 * How many of some paths, in order, are in or below a scope?
 */
static int
count_in_scopes(const Reach *reach, RbacPath **paths, int npaths)
{
	int			scope = 0;
	int			count = 0;

	for (int i = 0; i < npaths && scope < reach->nscopes; i++)
	{
		const char *data = RBAC_PATH_DATA(paths[i]);
		int			length = RBAC_PATH_LEN(paths[i]);

		/* Pass by the subtrees that end before the path. */
		while (scope < reach->nscopes &&
			   rbac_path_compare(RBAC_PATH_DATA(reach->scopes[scope]), RBAC_PATH_LEN(reach->scopes[scope]), data, length) <= 0 &&
			   !rbac_path_contains(RBAC_PATH_DATA(reach->scopes[scope]), RBAC_PATH_LEN(reach->scopes[scope]), data, length))
			scope++;
		if (scope < reach->nscopes &&
			rbac_path_contains(RBAC_PATH_DATA(reach->scopes[scope]), RBAC_PATH_LEN(reach->scopes[scope]), data, length))
			count++;
	}
	return count;
}

/*
 * Is what a wide principal reaches worth listing, since it is a small part of
 * all resources?
 */
static bool
is_worth_listing(Reach *reach)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rbac sample", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	int			count;
	double		total;
	RbacPath  **paths = rbac_tables_path_sample(&count, &total);
	double		part = count > 0 ? (count_in_scopes(reach, paths, count) + 0.5) / count : 1;

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	reach->estimate = part * total;
	return part <= RBAC_LISTED_PART && reach->estimate <= RBAC_LISTED_LIMIT;
}

static Reach *
kept_reach(const PrincipalEntry *entry, const NameList *names)
{
	Reach	   *reach = entry->reaches;

	while (reach != NULL && !rbac_names_equal(reach->names, names))
		reach = reach->next;
	return reach;
}

/*
 * To a session's principal, roles of organizations of others are unknown names.
 */
static void
refuse_unknown_name(const PrincipalEntry *entry, const NameList *names)
{
	const char *name;

	if (!entry->principal->subject.in_session)
		return;
	name = rbac_principal_unknown_name(entry->principal, names);
	if (name != NULL)
		rbac_unknown_name(entry->catalogue, name);
}

/*
 * The reach of a pinned entry's principal with a list of names; unknown ones
 * are an error.
 */
Reach *
rbac_reach(PrincipalEntry *entry, const NameList *names)
{
	Reach	   *reach;
	MemoryContext caller;
	MemoryContext aside;

	reach = kept_reach(entry, names);
	if (reach != NULL)
		return reach;

	/* Build it aside: an error half-way must leave nothing in the entry. */
	aside = AllocSetContextCreate(CurrentMemoryContext, "rbac reach", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(aside);
	reach = palloc0(sizeof(Reach));
	reach->context = aside;
	reach->names = rbac_names_copy(names);
	rbac_names_resolve_or_fail(entry->catalogue, reach->names);
	refuse_unknown_name(entry, reach->names);
	reach->exact = rbac_names_are_uniform(reach->names);
	find_scopes(entry, reach);
	MemoryContextSwitchTo(caller);
	walk_scopes(entry, reach, WALK_FOR_WIDTH);
	reach->listed = reach->wide && is_worth_listing(reach);

	if (entry->nreaches < RBAC_REACHES_KEPT)
	{
		MemoryContextSetParent(aside, rbac_cache_places(entry));
		reach->next = entry->reaches;
		entry->reaches = reach;
		entry->nreaches++;
		rbac_cache_grown(entry);
	}
	return reach;
}

/*
 * Make the list that a wide principal's reach does not have yet.
 */
static void
complete(PrincipalEntry *entry, Reach *reach, WalkAim wanted)
{
	walk_scopes(entry, reach, wanted);
	rbac_cache_grown(entry);
}

/*
 * The ids, or paths, of all resources in reach, in order: an array that lives
 * as long as the entry is pinned (or the reach, if the entry does not keep it).
 */
ArrayType *
rbac_reach_ids(PrincipalEntry *entry, Reach *reach)
{
	if (reach->ids == NULL)
		complete(entry, reach, WALK_FOR_IDS);
	reach->gave_ids = true;
	return reach->ids;
}

ArrayType *
rbac_reach_paths(PrincipalEntry *entry, Reach *reach)
{
	if (reach->paths == NULL)
		complete(entry, reach, WALK_FOR_PATHS);
	reach->gave_paths = true;
	return reach->paths;
}

static int
compare_elements(Oid type, Datum a, Datum b)
{
	const RbacPath *left = (const RbacPath *) DatumGetPointer(a);
	const RbacPath *right = (const RbacPath *) DatumGetPointer(b);

	if (type == UUIDOID)
		return memcmp(DatumGetUUIDP(a)->data, DatumGetUUIDP(b)->data, UUID_LEN);
	return rbac_path_compare(RBAC_PATH_DATA(left), RBAC_PATH_LEN(left),
							 RBAC_PATH_DATA(right), RBAC_PATH_LEN(right));
}

/*
 * Are all elements of one list in another?  Both are in order.
 */
static bool
is_part_of(ArrayType *part, ArrayType *whole)
{
	Oid			type = ARR_ELEMTYPE(part);
	bool		ids = type == UUIDOID;
	int			length = ids ? UUID_LEN : -1;
	char		align = ids ? TYPALIGN_CHAR : TYPALIGN_INT;
	Datum	   *few;
	Datum	   *many;
	int			nfew;
	int			nmany;
	int			found = 0;

	deconstruct_array(part, type, length, false, align, &few, NULL, &nfew);
	deconstruct_array(whole, type, length, false, align, &many, NULL, &nmany);
	for (int i = 0; i < nmany && found < nfew; i++)
	{
		if (compare_elements(type, few[found], many[i]) == 0)
			found++;
	}
	pfree(few);
	pfree(many);
	return found == nfew;
}

/*
 * Are all resources in reach now that are in the lists which an older entry gave
 * for some names?  Both entries are pinned.  A path can come to be another
 * resource's, so that with the paths the ids are compared, where there are any.
 */
bool
rbac_reach_still_holds(const PrincipalEntry *before, const NameList *names_before,
					   PrincipalEntry *now, const NameList *names_now)
{
	const Reach *old = kept_reach(before, names_before);
	Reach	   *reach;

	if (old == NULL)
		return before->nreaches < RBAC_REACHES_KEPT;
	if (!old->gave_ids && !old->gave_paths)
		return true;
	reach = rbac_reach(now, names_now);
	return (old->ids == NULL || is_part_of(old->ids, rbac_reach_ids(now, reach))) &&
		(!old->gave_paths || is_part_of(old->paths, rbac_reach_paths(now, reach)));
}
