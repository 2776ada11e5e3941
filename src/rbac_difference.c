/*-------------------------------------------------------------------------
 *
 * rbac_difference.c
 *	  Who holds more, and who less, after a change than before it.
 *
 * While something is changed, the triggers that signal tell of each row
 * (rbac_signal_watcher), and what was touched is remembered: principals, resources
 * that are made, moved or deleted, roles and permissions.  Only principals whom
 * that can concern are compared, so that the work depends on the change and not
 * on the size of the organization.
 *
 * A principal is read twice, as decisions read it: from a look that shows what is
 * there now, and from one of the same moment that shows what was there before the
 * change.  So what others commit meanwhile is no difference.
 *
 * What it holds can differ at and below the places where something else stands
 * for it than before, and where a touched resource is.  There the places where it
 * has grants are gone through from the top: something is told of the topmost place
 * where it is gained or lost, and not below again.  Resources that the viewer has
 * grants on are places, too, since what is above them may not be for its eyes.
 *
 * Principals for whom all of that is the same, such as the members of a group,
 * share the answer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "rbac_difference.h"
#include "rbac_signal.h"

struct Touched
{
	MemoryContext context;
	Touched    *outer;			/* that was told before, and will be again */
	RowWatcher	outer_watcher;
	HTAB	   *principals;
	HTAB	   *resources;
	HTAB	   *grantables;
	bool		catalogue;		/* anything of it */
	bool		everybody;		/* what every principal holds */
	bool		truncated;
};

/* Before the change, or after it */
typedef struct Side
{
	TableView	view;
	Catalogue  *catalogue;
	Requirement sight[2];		/* what lets somebody see who holds something */
	const Principal *viewer;	/* NULL: sees everything */
} Side;

typedef struct Comparison
{
	const Touched *touched;
	Side		before;
	Side		after;
	const Subject *viewer;
	List	   *tables;
	HTAB	   *candidates;
	List	   *shares;
	HTAB	   *shares_by_key;	/* hash → list of Shares */
	List	   *result;
	MemoryContext kept;
} Comparison;

/*
 * A place in the order of paths, and what is held there
 */
typedef struct Spot
{
	ResourceRow resource;		/* on the side that is told of */
	ActionSet	here;			/* on this side ... */
	ActionSet	there;			/* ... and on the other; empty if it is not there */
	uint8		seen;			/* bits of kinds at and below it */
	int			above;			/* the nearest place above it, or -1 */
} Spot;

static Touched *telling = NULL;

/* --- what is touched ---------------------------------------------------------------------- */

static HTAB *
make_set(MemoryContext context)
{
	HASHCTL		control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(pg_uuid_t), .hcxt = context};

	return hash_create("rbac ids", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
add_to_set(HTAB *set, const pg_uuid_t *id)
{
	(void) hash_search(set, id, HASH_ENTER, NULL);
}

/*
 * A resource that is renamed stays where it is.
 */
static void
touch_resource(Relation table, HeapTuple before, HeapTuple after)
{
	ResourceRow old;
	ResourceRow new;

	if (before != NULL)
		(void) rbac_tables_read_resource(table, before, &old);
	if (after != NULL)
		(void) rbac_tables_read_resource(table, after, &new);
	if (before != NULL && after != NULL && rbac_uuid_equal(&old.id, &new.id) &&
		rbac_uuid_equal(&old.parent, &new.parent) && rbac_uuid_equal(&old.organization, &new.organization))
		return;
	if (before != NULL)
		add_to_set(telling->resources, &old.id);
	if (after != NULL)
		add_to_set(telling->resources, &new.id);
}

static void
touch_row(Relation table, HeapTuple row)
{
	pg_uuid_t	about;

	if (rbac_tables_grantable(table, row, &about))
	{
		telling->catalogue = true;
		add_to_set(telling->grantables, &about);
		return;
	}
	if (RelationGetRelid(table) == rbac_table_oid(RBAC_TABLE_ACTION))
	{
		telling->catalogue = telling->everybody = true;
		return;
	}
	if (rbac_tables_fact(table, row, &about) == RBAC_FACT_PRINCIPAL)
		add_to_set(telling->principals, &about);
}

static void
row_changed(Relation table, HeapTuple before, HeapTuple after)
{
	if (before == NULL && after == NULL)
		telling->truncated = true;
	else if (RelationGetRelid(table) == rbac_table_oid(RBAC_TABLE_RESOURCE))
		touch_resource(table, before, after);
	else
	{
		if (before != NULL)
			touch_row(table, before);
		if (after != NULL)
			touch_row(table, after);
	}
}

/*
 * Remember what is touched from now on, in the current memory context.
 */
Touched *
rbac_touched_begin(void)
{
	Touched    *touched = palloc0(sizeof(Touched));

	touched->context = CurrentMemoryContext;
	touched->principals = make_set(touched->context);
	touched->resources = make_set(touched->context);
	touched->grantables = make_set(touched->context);
	touched->outer = telling;
	touched->outer_watcher = rbac_signal_watcher;
	telling = touched;
	rbac_signal_watcher = row_changed;
	return touched;
}

/*
 * No more; also after an error.
 */
void
rbac_touched_end(Touched *touched)
{
	telling = touched->outer;
	rbac_signal_watcher = touched->outer_watcher;
}

/* --- whom it can concern ------------------------------------------------------------------- */

static void
add_member(void *row, void *arg)
{
	add_to_set(((Comparison *) arg)->candidates, &((GroupMemberRow *) row)->member);
}

static void
add_principal_row(void *row, void *arg)
{
	add_to_set(((Comparison *) arg)->candidates, &((PrincipalRow *) row)->id);
}

typedef struct Finding
{
	Comparison *comparison;
	Side	   *side;
} Finding;

/*
 * A principal or, if it is a group, its members
 */
static void
add_candidate(Comparison *c, Side *side, const pg_uuid_t *id)
{
	PrincipalRow row;

	if (!rbac_tables_principal(&side->view, id, &row))
		return;
	if (row.kind == RBAC_GROUP)
		rbac_tables_members(&side->view, id, add_member, c);
	else
		add_to_set(c->candidates, id);
}

static void
add_granted(void *row, void *arg)
{
	Finding    *finding = arg;

	add_candidate(finding->comparison, finding->side, &((AccessGrantRow *) row)->principal);
}

/*
 * Everybody who has a grant on a resource or above it
 */
static void
add_around_resource(Comparison *c, Side *side, const pg_uuid_t *id)
{
	Finding		finding = {c, side};
	ResourceRow resource = {.id = *id};

	while (rbac_tables_resource(&side->view, &resource.id, &resource))
	{
		rbac_tables_grants_on(&side->view, &resource.id, add_granted, &finding);
		if (resource.kind == RBAC_ORGANIZATION)
		{
			rbac_tables_account_owners(&side->view, &resource.id, add_member, c);
			break;
		}
		resource.id = resource.parent;
	}
}

/*
 * Everybody who has a role; for a role or permission of all organizations, simply
 * everybody.
 */
static void
add_around_grantable(Comparison *c, Side *side, const pg_uuid_t *id)
{
	const Grantable *grantable = rbac_grantable_by_id(side->catalogue, id);
	Finding		finding = {c, side};

	if (grantable == NULL)
		return;
	if (grantable->type == RBAC_ROLE && !rbac_uuid_is_nil(&grantable->organization))
		rbac_tables_grants_of(&side->view, id, add_granted, &finding);
	else
		rbac_tables_principals(&side->view, add_principal_row, c);
}

static void
for_each(HTAB *set, Comparison *c, Side *side, void (*add)(Comparison *, Side *, const pg_uuid_t *))
{
	HASH_SEQ_STATUS status;
	pg_uuid_t  *id;

	hash_seq_init(&status, set);
	while ((id = hash_seq_search(&status)) != NULL)
		add(c, side, id);
}

static void
find_candidates(Comparison *c, Side *side)
{
	for_each(c->touched->principals, c, side, add_candidate);
	for_each(c->touched->resources, c, side, add_around_resource);
	for_each(c->touched->grantables, c, side, add_around_grantable);
	if (c->touched->everybody)
		rbac_tables_principals(&side->view, add_principal_row, c);
}

/* --- what is held ------------------------------------------------------------------------------ */

/*
 * What stands for a principal on a resource and above it
 */
static ActionSet
held_on(Side *side, const Principal *principal, const ResourceRow *resource)
{
	ActionSet	result = {{0}};
	ResourceRow project;

	rbac_principal_add_granted(principal, &resource->id, &result);
	if (resource->kind == RBAC_SERVICE)
	{
		if (!rbac_tables_resource(&side->view, &resource->parent, &project))
			return result;
		rbac_principal_add_granted(principal, &project.id, &result);
		resource = &project;
	}
	if (resource->kind != RBAC_ORGANIZATION)
	{
		rbac_principal_add_granted(principal, &resource->parent, &result);
		rbac_principal_add_granted(principal, &resource->organization, &result);
	}
	return result;
}

/*
 * On which kinds of resources, at a place and below, does the viewer see who holds
 * something?
 */
static uint8
seen_kinds(Side *side, const ResourceRow *resource)
{
	ActionSet	held;
	uint8		result = 0;

	if (side->viewer == NULL)
		return ~0;
	held = held_on(side, side->viewer, resource);
	for (int kind = resource->kind; kind < RBAC_RESOURCE_KINDS; kind++)
	{
		if (action_set_contains(&held, &side->sight[0].actions[kind]) ||
			action_set_contains(&held, &side->sight[1].actions[kind]))
			result |= 1 << kind;
	}
	return result;
}

static void
add_grant_places(HTAB *places, const Principal *principal)
{
	for (int i = 0; principal != NULL && i < principal->ngrants; i++)
	{
		if (principal->grants[i].active)
			add_to_set(places, &principal->grants[i].resource);
	}
}

/*
 * Does something else stand on a resource itself than on the other side?
 */
static bool
differs_itself(const Comparison *c, const Principal *here, const Principal *there, const pg_uuid_t *resource)
{
	ActionSet	one = {{0}};
	ActionSet	two = {{0}};

	rbac_principal_add_granted(here, resource, &one);
	rbac_principal_add_granted(there, resource, &two);
	return !action_set_equal(&one, &two) || hash_search(c->touched->resources, resource, HASH_FIND, NULL) != NULL;
}

static int
compare_places(const void *a, const void *b)
{
	const RbacPath *left = ((const Spot *) a)->resource.path;
	const RbacPath *right = ((const Spot *) b)->resource.path;

	return rbac_path_compare(RBAC_PATH_DATA(left), RBAC_PATH_LEN(left), RBAC_PATH_DATA(right), RBAC_PATH_LEN(right));
}

static bool
is_within(const ResourceRow *inner, const Spot *outer)
{
	return rbac_path_contains(RBAC_PATH_DATA(outer->resource.path), RBAC_PATH_LEN(outer->resource.path),
							  RBAC_PATH_DATA(inner->path), RBAC_PATH_LEN(inner->path));
}

/*
 * The nearest of the places from "last" upwards that a resource is within, or -1
 */
static int
nearest(const Spot *places, int last, const ResourceRow *resource)
{
	while (last >= 0 && !is_within(resource, &places[last]))
		last = places[last].above;
	return last;
}

/*
 * A new permission means something else with the same actions: then every place
 * counts.
 */
static bool
means_differ(const Comparison *c)
{
	return c->before.catalogue != c->after.catalogue;
}

/*
 * The places at and below what differs, on one side, in the order of paths
 */
static Spot *
find_places(Comparison *c, Side *side, Side *other, const Principal *here, const Principal *there, int *count)
{
	HTAB	   *ids = make_set(CurrentMemoryContext);
	HASH_SEQ_STATUS status;
	Spot	   *places;
	pg_uuid_t  *id;
	int			n = 0;
	int			kept = 0;

	add_grant_places(ids, here);
	add_grant_places(ids, there);
	add_grant_places(ids, side->viewer);
	hash_seq_init(&status, c->touched->resources);
	while ((id = hash_seq_search(&status)) != NULL)
		add_to_set(ids, id);
	places = palloc0(Max(hash_get_num_entries(ids), 1) * sizeof(Spot));
	hash_seq_init(&status, ids);
	while ((id = hash_seq_search(&status)) != NULL)
		n += rbac_tables_resource(&side->view, id, &places[n].resource);
	qsort(places, n, sizeof(Spot), compare_places);

	for (int i = 0; i < n; i++)
	{
		Spot	   *place = &places[kept];
		ResourceRow elsewhere;
		int			above;

		*place = places[i];
		above = nearest(places, kept - 1, &place->resource);
		if (above < 0 && !means_differ(c) && !differs_itself(c, here, there, &place->resource.id))
			continue;
		place->above = above;
		place->here = held_on(side, here, &place->resource);
		if (rbac_tables_resource(&other->view, &place->resource.id, &elsewhere))
			place->there = held_on(other, there, &elsewhere);
		place->seen = seen_kinds(side, &place->resource);
		kept++;
	}
	*count = kept;
	return places;
}

/* --- what is gained or lost -------------------------------------------------------------------- */

static bool
holds_permission(const Catalogue *catalogue, const Grantable *permission, ResourceKind kind, const ActionSet *held)
{
	const Grantable *meant = rbac_grantable_by_id(catalogue, &permission->id);
	const ActionSet *needed = meant == NULL ? NULL : rbac_grantable_requires(meant, kind);

	return needed != NULL && action_set_contains(held, needed);
}

static void
tell_held(Share *share, const Spot *place, char *name)
{
	HeldPlace  *held = palloc(sizeof(HeldPlace));

	held->path = rbac_path_make(RBAC_PATH_DATA(place->resource.path), RBAC_PATH_LEN(place->resource.path));
	held->name = name;
	share->held = lappend(share->held, held);
}

static bool
permission_counts(const Grantable *grantable, const ResourceRow *resource)
{
	return grantable->type == RBAC_PERMISSION &&
		(rbac_uuid_is_nil(&grantable->organization) ||
		 rbac_uuid_equal(&grantable->organization, &resource->organization));
}

/*
 * The permissions that are held at a place and not on the other side, and the
 * actions that are and belong to no permission that is held.  What was told above
 * is not told again.
 */
static void
tell_place(Share *share, Side *side, Side *other, Spot *place, Bitmapset **told, ActionSet *told_actions)
{
	ActionSet	actions = action_set_difference(&place->here, &place->there);

	for (int i = 0; i < side->catalogue->ngrantables; i++)
	{
		const Grantable *permission = &side->catalogue->grantables[i];

		if (!permission_counts(permission, &place->resource) ||
			!holds_permission(side->catalogue, permission, place->resource.kind, &place->here))
			continue;
		actions = action_set_difference(&actions, rbac_grantable_requires(permission, place->resource.kind));
		if (bms_is_member(i, *told) ||
			holds_permission(other->catalogue, permission, place->resource.kind, &place->there))
			continue;
		tell_held(share, place, pstrdup(permission->name));
		*told = bms_add_member(*told, i);
	}
	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
	{
		if (!action_set_has(&actions, i) || action_set_has(told_actions, i) || side->catalogue->actions[i].name == NULL)
			continue;
		tell_held(share, place, psprintf("action:%s", side->catalogue->actions[i].name));
		action_set_add(told_actions, i);
	}
}

static void
tell_permissions(Share *share, Side *side, Side *other, Spot *places, int count)
{
	Bitmapset **told = palloc0(Max(count, 1) * sizeof(Bitmapset *));
	ActionSet  *told_actions = palloc0(Max(count, 1) * sizeof(ActionSet));

	for (int i = 0; i < count; i++)
	{
		Spot	   *place = &places[i];

		if (place->above >= 0)
		{
			told[i] = bms_copy(told[place->above]);
			told_actions[i] = told_actions[place->above];
		}
		if (place->seen & (1 << place->resource.kind))
			tell_place(share, side, other, place, &told[i], &told_actions[i]);
	}
}

/*
 * Does a place, or what is below it, show rows of a table on this side alone?
 */
static bool
shows_rows(const CountedTable *table, Side *side, Side *other, const Spot *place, ResourceKind kind)
{
	Verdict		here = {place->here, place->resource.organization, kind};
	Verdict		there = {place->there, place->resource.organization, kind};

	return (place->seen & (1 << kind)) != 0 && rbac_names_held(side->catalogue, table->names, &here) &&
		!rbac_names_held(other->catalogue, table->names, &there);
}

/*
 * Going through all resources at and below some places
 */
typedef struct Walk
{
	const CountedTable *table;
	Side	   *side;
	Side	   *other;
	const Spot *places;
	int			count;
	int			last;			/* the last place not after the resource */
	ArrayBuildState *found;
} Walk;

static void
walk_resource(void *row, void *arg)
{
	ResourceRow *resource = row;
	Walk	   *walk = arg;
	int			place;

	CHECK_FOR_INTERRUPTS();
	while (walk->last + 1 < walk->count &&
		   rbac_path_compare(RBAC_PATH_DATA(walk->places[walk->last + 1].resource.path),
							 RBAC_PATH_LEN(walk->places[walk->last + 1].resource.path),
							 RBAC_PATH_DATA(resource->path), RBAC_PATH_LEN(resource->path)) <= 0)
		walk->last++;
	place = nearest(walk->places, walk->last, resource);
	if (place < 0 || !shows_rows(walk->table, walk->side, walk->other, &walk->places[place], resource->kind))
		return;
	if (walk->table->by_path)
		(void) accumArrayResult(walk->found, PointerGetDatum(resource->path), false, rbac_path_type_oid(), CurrentMemoryContext);
	else
		(void) accumArrayResult(walk->found, UUIDPGetDatum(&resource->id), false, UUIDOID, CurrentMemoryContext);
}

static bool
may_show_rows(const CountedTable *table, Side *side, Side *other, const Spot *places, int count)
{
	for (int i = 0; i < count; i++)
	{
		for (int kind = places[i].resource.kind; kind < RBAC_RESOURCE_KINDS; kind++)
		{
			if (shows_rows(table, side, other, &places[i], (ResourceKind) kind))
				return true;
		}
	}
	return false;
}

static void
tell_rows(Share *share, const CountedTable *table, Side *side, Side *other, const Spot *places, int count)
{
	Walk		walk = {table, side, other, places, count, -1, NULL};
	CountedRows *rows;

	if (!may_show_rows(table, side, other, places, count))
		return;
	walk.found = initArrayResult(table->by_path ? rbac_path_type_oid() : UUIDOID, CurrentMemoryContext, false);
	for (int i = 0; i < count; i++)
	{
		if (places[i].above < 0)
			rbac_tables_subtree(&side->view, RBAC_PATH_DATA(places[i].resource.path),
								RBAC_PATH_LEN(places[i].resource.path), walk_resource, &walk);
	}
	rows = palloc0(sizeof(CountedRows));
	rows->table = table;
	rows->resources = DatumGetArrayTypeP(makeArrayResult(walk.found, CurrentMemoryContext));
	share->rows = lappend(share->rows, rows);
}

/* --- shared answers ------------------------------------------------------------------------------ */

typedef struct ShareSlot
{
	uint64		hash;
	List	   *shares;
} ShareSlot;

typedef struct SpotKey
{
	pg_uuid_t	id;
	ActionSet	here;
	ActionSet	there;
	uint64		seen;
} SpotKey;

static Share *
make_share(Comparison *c, bool gained, Spot *places, int count)
{
	Side	   *side = gained ? &c->after : &c->before;
	Side	   *other = gained ? &c->before : &c->after;
	Share	   *share = palloc0(sizeof(Share));
	ListCell   *lc;

	share->gained = gained;
	tell_permissions(share, side, other, places, count);
	foreach(lc, c->tables)
		tell_rows(share, lfirst(lc), side, other, places, count);
	c->shares = lappend(c->shares, share);
	return share;
}

static Share *
find_share(Comparison *c, bool gained, Spot *places, int count)
{
	Size		length = count * sizeof(SpotKey);
	SpotKey   *key = palloc0(length);
	MemoryContext caller = MemoryContextSwitchTo(c->kept);
	ShareSlot  *slot;
	uint64		hash;
	bool		found;
	ListCell   *lc;
	Share	   *share;

	for (int i = 0; i < count; i++)
	{
		key[i].id = places[i].resource.id;
		key[i].here = places[i].here;
		key[i].there = places[i].there;
		key[i].seen = places[i].seen;
	}
	hash = hash_bytes_extended((unsigned char *) key, length, gained);
	slot = hash_search(c->shares_by_key, &hash, HASH_ENTER, &found);
	if (!found)
		slot->shares = NIL;
	foreach(lc, slot->shares)
	{
		share = lfirst(lc);
		if (share->gained == gained && share->length == length && memcmp(share->key, key, length) == 0)
		{
			MemoryContextSwitchTo(caller);
			return share;
		}
	}
	share = make_share(c, gained, places, count);
	share->length = length;
	share->key = memcpy(palloc(length), key, length);
	slot->shares = lappend(slot->shares, share);
	MemoryContextSwitchTo(caller);
	return share;
}

/* --- one principal ---------------------------------------------------------------------------------- */

static void
compare_side(Comparison *c, bool gained, const Principal *before, const Principal *after, const PrincipalRow *row)
{
	Side	   *side = gained ? &c->after : &c->before;
	Side	   *other = gained ? &c->before : &c->after;
	int			count;
	Spot	   *places = find_places(c, side, other, gained ? after : before, gained ? before : after, &count);
	bool		is_viewer = c->viewer != NULL && rbac_uuid_equal(&c->viewer->who.id, &row->id);
	Difference *difference;
	Share	   *share;
	MemoryContext caller;

	/* What it holds itself everybody may know. */
	for (int i = 0; i < count && is_viewer; i++)
		places[i].seen = ~0;
	if (count == 0)
		return;
	share = find_share(c, gained, places, count);
	if (share->held == NIL && share->rows == NIL)
		return;
	caller = MemoryContextSwitchTo(c->kept);
	difference = palloc(sizeof(Difference));
	difference->principal = *row;
	difference->name = rbac_tables_principal_name(&c->after.view, &row->id);
	if (difference->name == NULL)
		difference->name = rbac_tables_principal_name(&c->before.view, &row->id);
	difference->share = share;
	c->result = lappend(c->result, difference);
	MemoryContextSwitchTo(caller);
}

static void
compare_principal(Comparison *c, const pg_uuid_t *id, TimestampTz now)
{
	Subject		subject = {.who.id = *id};
	PrincipalRow row;
	Principal  *before;
	Principal  *after;

	if (c->viewer != NULL && rbac_uuid_equal(&c->viewer->who.id, id))
		subject = *c->viewer;
	if (!rbac_tables_principal(&c->after.view, id, &row) && !rbac_tables_principal(&c->before.view, id, &row))
		return;
	if (row.kind == RBAC_GROUP)
		return;
	before = rbac_principal_load(&c->before.view, &subject, now, c->before.catalogue);
	after = rbac_principal_load(&c->after.view, &subject, now, c->after.catalogue);
	compare_side(c, true, before, after, &row);
	compare_side(c, false, before, after, &row);
}

static void
compare_all(Comparison *c)
{
	TimestampTz now = rbac_instant();
	HASH_SEQ_STATUS status;
	pg_uuid_t  *id;
	MemoryContext one = AllocSetContextCreate(CurrentMemoryContext, "rbac comparison", ALLOCSET_DEFAULT_SIZES);

	hash_seq_init(&status, c->candidates);
	while ((id = hash_seq_search(&status)) != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(one);

		CHECK_FOR_INTERRUPTS();
		compare_principal(c, id, now);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(one);
	}
	MemoryContextDelete(one);
}

static void
open_side(Comparison *c, Side *side)
{
	rbac_resolve_or_fail(side->catalogue, "project_permission.view", &side->sight[0]);
	rbac_resolve_or_fail(side->catalogue, "permission.grant", &side->sight[1]);
	if (c->viewer != NULL)
		side->viewer = rbac_principal_load(&side->view, c->viewer, rbac_instant(), side->catalogue);
}

/*
 * Compare what is there now with what was there before the command "since" of this
 * transaction, as far as it was touched and the viewer (NULL: the operator) may
 * know.  A list of Differences; *shares are what they have in common.
 */
List *
rbac_differences(const Touched *touched, CommandId since, const Subject *viewer, List *tables, List **shares)
{
	HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(ShareSlot), .hcxt = CurrentMemoryContext};
	Comparison	c = {.touched = touched, .viewer = viewer, .kept = CurrentMemoryContext};
	uint64		read = rbac_tables_read_for(RBAC_FOR_PRINCIPALS | RBAC_FOR_CATALOGUE);
	ListCell   *lc;

	if (touched->truncated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot compare with what TRUNCATE has removed"),
				 errhint("Use DELETE instead.")));
	rbac_tables_lock(&c.before.view, read);
	rbac_tables_lock(&c.after.view, read);
	rbac_tables_look_around(&c.before.view, &c.after.view, since);
	/* Both are of this memory context, so that an error leaves nothing. */
	c.after.catalogue = rbac_catalogue_read(&c.after.view);
	c.before.catalogue = touched->catalogue ? rbac_catalogue_read(&c.before.view) : c.after.catalogue;
	open_side(&c, &c.before);
	open_side(&c, &c.after);
	foreach(lc, tables)
	{
		CountedTable *table = lfirst(lc);

		/* A policy can name what is not there any more. */
		if (rbac_names_resolve(c.after.catalogue, table->names))
			c.tables = lappend(c.tables, table);
	}

	c.candidates = make_set(CurrentMemoryContext);
	c.shares_by_key = hash_create("rbac shares", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	find_candidates(&c, &c.before);
	find_candidates(&c, &c.after);
	compare_all(&c);
	rbac_tables_close(&c.after.view);
	rbac_tables_close(&c.before.view);
	*shares = c.shares;
	return c.result;
}
