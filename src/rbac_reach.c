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
 * only, and to the end when a complete list is asked for.
 *
 * Rights add up downwards, so below a place where the names are held they are
 * held everywhere, and the walk need not judge what it finds.  That is so if
 * the names take the same actions on every kind of resource; roles that take
 * fewer further down, and roles of one organization, are judged resource by
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

typedef struct Names
{
	int			count;
	char	  **names;
	Requirement *requirements;
} Names;

typedef struct Found
{
	pg_uuid_t	id;
	RbacPath   *path;
} Found;

typedef struct Walk
{
	PrincipalEntry *entry;
	TableView	view;
	const Names *names;
	Reach	   *reach;
	bool		to_the_end;
	int			seen;
	int			room;
	int			nfound;
	Found	   *found;
	int			of_kind[RBAC_RESOURCE_KINDS];
} Walk;

/*
 * Do the names take the same everywhere?
 */
static bool
is_uniform(const Names *names)
{
	for (int i = 0; i < names->count; i++)
	{
		if (names->requirements[i].custom)
			return false;
		for (int kind = 1; kind < RBAC_RESOURCE_KINDS; kind++)
		{
			if (!action_set_equal(&names->requirements[i].actions[0],
								  &names->requirements[i].actions[kind]))
				return false;
		}
	}
	return true;
}

static bool
holds_any(const PrincipalEntry *entry, const Names *names, const Verdict *verdict)
{
	for (int i = 0; i < names->count; i++)
	{
		const ActionSet *needed = rbac_required_actions(entry->catalogue, &names->requirements[i],
														names->names[i], verdict->kind,
														&verdict->organization);

		if (needed != NULL && action_set_contains(&verdict->actions, needed))
			return true;
	}
	return false;
}

static int
compare_paths(const void *a, const void *b)
{
	RbacPath   *left = *(RbacPath *const *) a;
	RbacPath   *right = *(RbacPath *const *) b;

	return rbac_path_compare(RBAC_PATH_DATA(left), RBAC_PATH_LEN(left),
							 RBAC_PATH_DATA(right), RBAC_PATH_LEN(right));
}

/*
 * The places to walk from: where a grant stands and, if that settles all that
 * is below, the names are held.  None is inside another.
 */
static void
find_scopes(PrincipalEntry *entry, const Names *names, Reach *reach)
{
	int			kept = 0;

	rbac_cache_locate(entry);
	reach->scopes = palloc(Max(entry->ngrants, 1) * sizeof(RbacPath *));
	for (int i = 0; i < entry->ngrants; i++)
	{
		const PrincipalGrant *grant = &entry->grants[i];
		const Verdict *verdict;

		if (!grant->active)
			continue;
		verdict = reach->exact ? rbac_cache_verdict(entry, &grant->resource) : NULL;
		if (!reach->exact || (verdict != NULL && holds_any(entry, names, verdict)))
			reach->scopes[reach->nscopes++] = rbac_path_make(grant->path, grant->path_length);
	}
	qsort(reach->scopes, reach->nscopes, sizeof(RbacPath *), compare_paths);
	for (int i = 0; i < reach->nscopes; i++)
	{
		RbacPath   *outer = kept > 0 ? reach->scopes[kept - 1] : NULL;
		RbacPath   *inner = reach->scopes[i];

		if (outer == NULL ||
			!rbac_path_contains(RBAC_PATH_DATA(outer), RBAC_PATH_LEN(outer),
								RBAC_PATH_DATA(inner), RBAC_PATH_LEN(inner)))
			reach->scopes[kept++] = inner;
	}
	reach->nscopes = kept;
}

static void
visit(void *row, void *arg)
{
	ResourceRow *resource = row;
	Walk	   *walk = arg;

	CHECK_FOR_INTERRUPTS();
	walk->seen++;
	if (walk->reach->exact ||
		holds_any(walk->entry, walk->names, rbac_cache_judge(walk->entry, resource)))
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
walk_scopes(PrincipalEntry *entry, const Names *names, Reach *reach, WalkAim wanted)
{
	bool		to_the_end = wanted != WALK_FOR_WIDTH;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rbac walk",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Walk		walk = {.entry = entry,.names = names,.reach = reach,.to_the_end = to_the_end};

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
 * Resolve the names of a reach again; unknown ones are an error.
 */
static Names *
resolve(const Catalogue *catalogue, int nnames, char **names)
{
	Names	   *result = palloc(sizeof(Names));

	result->count = nnames;
	result->names = names;
	result->requirements = palloc(Max(nnames, 1) * sizeof(Requirement));
	for (int i = 0; i < nnames; i++)
		rbac_require(catalogue, names[i], &result->requirements[i]);
	return result;
}

/*
 * The reach of a pinned entry's principal with a list of names.
 */
Reach *
rbac_reach(PrincipalEntry *entry, int nnames, char **names)
{
	Size		size = 0;
	char	   *key;
	Reach	   *reach;
	MemoryContext caller;
	MemoryContext aside;
	Names	   *resolved;

	for (int i = 0; i < nnames; i++)
		size += strlen(names[i]) + 1;
	key = palloc(size + 1);
	size = 0;
	for (int i = 0; i < nnames; i++)
	{
		strcpy(key + size, names[i]);
		size += strlen(names[i]) + 1;
	}
	for (reach = entry->reaches; reach != NULL; reach = reach->next)
	{
		if (reach->size == size && memcmp(reach->names, key, size) == 0)
		{
			pfree(key);
			return reach;
		}
	}

	/* Build it aside: an error half-way must leave nothing in the entry. */
	aside = AllocSetContextCreate(CurrentMemoryContext, "rbac reach", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(aside);
	resolved = resolve(entry->catalogue, nnames, names);
	reach = palloc0(sizeof(Reach));
	reach->context = aside;
	reach->size = size;
	reach->names = memcpy(palloc(size + 1), key, size);
	reach->exact = is_uniform(resolved);
	find_scopes(entry, resolved, reach);
	MemoryContextSwitchTo(caller);
	walk_scopes(entry, resolved, reach, WALK_FOR_WIDTH);
	pfree(key);

	if (entry->nreaches < RBAC_REACHES_KEPT)
	{
		MemoryContextSetParent(aside, entry->context);
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
	char	  **names;
	int			nnames = 0;

	for (Size i = 0; i < reach->size; i += strlen(reach->names + i) + 1)
		nnames++;
	names = palloc(Max(nnames, 1) * sizeof(char *));
	nnames = 0;
	for (Size i = 0; i < reach->size; i += strlen(reach->names + i) + 1)
		names[nnames++] = unconstify(char *, reach->names + i);
	walk_scopes(entry, resolve(entry->catalogue, nnames, names), reach, wanted);
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
	return reach->ids;
}

ArrayType *
rbac_reach_paths(PrincipalEntry *entry, Reach *reach)
{
	if (reach->paths == NULL)
		complete(entry, reach, WALK_FOR_PATHS);
	return reach->paths;
}
