/*-------------------------------------------------------------------------
 *
 * rbac_hierarchy.c
 *	  Resources, remembered once for all principals of this backend.
 *
 * What a principal holds on a resource depends on the resource's kind, on its
 * parent and on its organization.  That is the same whoever asks.  So a session
 * that serves many principals, or one whose grants have changed, need not look
 * resources up again that it has seen: to judge one costs a probe here.
 *
 * What is remembered of an organization is true for as long as the fact of its
 * hierarchy is untouched (rbac_signal.c).  When it is touched nothing is
 * searched for and removed: all resources of the organization point to one
 * OrganizationState, which is marked as old.  What is read afterwards points to
 * a new one.  A resource that leaves an organization, or whose path another one
 * takes, touches the organization that it was in.
 *
 * A resource is read under some snapshot.  It is remembered only if its
 * organization is still untouched since the generation that was current after
 * the table was locked and before the snapshot was taken.
 *
 * That something is not here tells nothing: neither are resources that do not
 * exist, nor those that nobody has asked about.
 *
 * Records are put into blocks one after the other, and go together, when there
 * is too much of them: then those that are old are left out, and if few are, so
 * is every other one of the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "rbac_hash.h"
#include "rbac_hierarchy.h"

#define BLOCK_SIZE			8192

/* Look at the memory in use after so many more records. */
#define RECORDS_PER_CHECK	256

typedef struct OrganizationState
{
	pg_uuid_t	id;
	SignalKey	key;			/* of the fact that all of it depends on */
	uint64		generation;		/* that all of it is known to be true in */
	bool		old;
} OrganizationState;

typedef struct Record
{
	pg_uuid_t	id;				/* first: what by_id points to */
	pg_uuid_t	parent;			/* nil for an organization */
	OrganizationState *organization;
	int16		path_length;	/* -1: nobody has asked by path */
	uint8		kind;			/* ResourceKind */
	char		path[FLEXIBLE_ARRAY_MEMBER];
} Record;

typedef struct IdSlot
{
	const pg_uuid_t *id;		/* a Record's */
	uint32		hash;
	char		status;
} IdSlot;

typedef struct PathSlot
{
	PathKey		path;			/* the record's */
	const Record *record;
	uint32		hash;
	char		status;
} PathSlot;

typedef struct OrganizationSlot
{
	pg_uuid_t	id;
	OrganizationState *state;
	char		status;
} OrganizationSlot;

#define SH_PREFIX known_id
#define SH_ELEMENT_TYPE IdSlot
#define SH_KEY_TYPE const pg_uuid_t *
#define SH_KEY id
#define SH_HASH_KEY(tb, key) rbac_hash_uuid(key)
#define SH_EQUAL(tb, a, b) rbac_uuid_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, slot) ((slot)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX known_path
#define SH_ELEMENT_TYPE PathSlot
#define SH_KEY_TYPE PathKey
#define SH_KEY path
#define SH_HASH_KEY(tb, key) rbac_hash_data((key).data, (key).length)
#define SH_EQUAL(tb, a, b) rbac_equal_paths(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, slot) ((slot)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX known_organization
#define SH_ELEMENT_TYPE OrganizationSlot
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY id
#define SH_HASH_KEY(tb, key) rbac_hash_uuid(&(key))
#define SH_EQUAL(tb, a, b) rbac_uuid_equal(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/*
 * All that is remembered, in one context
 */
typedef struct Hierarchy
{
	MemoryContext context;		/* NULL: nothing yet */
	known_organization_hash *organizations;
	OrganizationState *last;	/* found last; NULL: none */
	known_id_hash *by_id;
	known_path_hash *by_path;
	char	   *block;			/* that records are put into ... */
	Size		left;			/* ... and how much of it is left, at its end */
	uint64		records;		/* that were put there, those replaced included */
} Hierarchy;

int			rbac_cache_size_kb = 16384;

static Hierarchy hierarchy;

/*
 * Begin aside: an error leaves nothing.
 */
static void
begin(Hierarchy *made)
{
	memset(made, 0, sizeof(Hierarchy));
	made->context = AllocSetContextCreate(CurrentMemoryContext, "rbac hierarchy", ALLOCSET_SMALL_SIZES);
	made->organizations = known_organization_create(made->context, 2, NULL);
	made->by_id = known_id_create(made->context, 2, NULL);
	made->by_path = known_path_create(made->context, 2, NULL);
}

static void *
take(Hierarchy *from, Size size)
{
	size = MAXALIGN(size);
	if (from->left < size)
	{
		from->block = MemoryContextAlloc(from->context, BLOCK_SIZE);
		from->left = BLOCK_SIZE;
	}
	from->left -= size;
	return from->block + (BLOCK_SIZE - from->left - size);
}

/*
 * Is what was read of an organization still so?  What was true then is true now,
 * so that the next question looks no further back.
 */
static inline bool
is_current(OrganizationState *state)
{
	if (state->old || !rbac_signal_is_untouched(&state->key, 1, state->generation))
	{
		state->old = true;
		return false;
	}
	state->generation = rbac_generation;
	return true;
}

static OrganizationState *
new_state(Hierarchy *of, const pg_uuid_t *organization)
{
	OrganizationState *state = take(of, sizeof(OrganizationState));

	state->id = *organization;
	state->key = rbac_signal_key(RBAC_FACT_HIERARCHY, organization);
	state->generation = rbac_generation;
	state->old = false;
	return state;
}

/*
 * An organization as it is now, whose resources have been read.  Most often it is
 * that of the resource before.  What a slot gets is made before the slot is: where
 * memory ends, none is left with what another organization had there.
 */
static OrganizationState *
current_state(Hierarchy *of, const pg_uuid_t *organization)
{
	OrganizationSlot *slot;
	OrganizationState *state;
	bool		found;

	if (of->last != NULL && rbac_uuid_equal(&of->last->id, organization) && is_current(of->last))
		return of->last;
	slot = known_organization_lookup(of->organizations, *organization);
	if (slot != NULL && is_current(slot->state))
		state = slot->state;
	else
	{
		state = new_state(of, organization);
		known_organization_insert(of->organizations, *organization, &found)->state = state;
	}
	of->last = state;
	return state;
}

static void
put(Hierarchy *into, const Record *what, OrganizationState *organization, PathKey path)
{
	Record	   *record = take(into, offsetof(Record, path) + Max(path.length, 0));
	PathSlot   *slot;
	bool		found;

	memcpy(record, what, offsetof(Record, path));
	record->organization = organization;
	record->path_length = path.length;
	into->records++;
	if (path.length >= 0)
	{
		path.data = memcpy(record->path, path.data, path.length);
		slot = known_path_insert(into->by_path, path, &found);
		slot->path = path;		/* which goes with its record */
		slot->record = record;
	}
	known_id_insert(into->by_id, &record->id, &found)->id = &record->id;
}

/*
 * Copy what is current, or every other record of it.  They are in the order of a
 * hash that is this backend's own, so that it is any half.
 */
static void
copy_records(Hierarchy *into, bool all)
{
	known_id_iterator position;
	IdSlot	   *slot;
	bool		keep = false;

	known_id_start_iterate(hierarchy.by_id, &position);
	while ((slot = known_id_iterate(hierarchy.by_id, &position)) != NULL)
	{
		const Record *record = (const Record *) slot->id;
		OrganizationState *state = record->organization;
		PathKey		path = {record->path, record->path_length};

		keep = all || !keep;
		if (keep && is_current(state))
			put(into, record, current_state(into, &state->id), path);
	}
}

static uint64
current_records(void)
{
	known_id_iterator position;
	IdSlot	   *slot;
	uint64		count = 0;

	known_id_start_iterate(hierarchy.by_id, &position);
	while ((slot = known_id_iterate(hierarchy.by_id, &position)) != NULL)
		count += is_current(((const Record *) slot->id)->organization);
	return count;
}

static void
adopt(const Hierarchy *made)
{
	if (hierarchy.context != NULL)
		MemoryContextDelete(hierarchy.context);
	MemoryContextSetParent(made->context, TopMemoryContext);
	hierarchy = *made;
}

/*
 * Let go of what is old and, unless that is most of it, of half of the rest.
 */
static void
forget_half(void)
{
	Hierarchy	kept;

	begin(&kept);
	copy_records(&kept, current_records() <= hierarchy.records / 2);
	adopt(&kept);
}

static void
forget_all(void)
{
	MemoryContextDelete(hierarchy.context);
	memset(&hierarchy, 0, sizeof(Hierarchy));
}

Size
rbac_hierarchy_bytes(void)
{
	return hierarchy.context != NULL ? MemoryContextMemAllocated(hierarchy.context, false) : 0;
}

/*
 * Forget as much as is too much.
 */
void
rbac_hierarchy_keep_within(Size bytes)
{
	while (rbac_hierarchy_bytes() > bytes)
	{
		if (rbac_hierarchy_bytes() / 4 > bytes || hierarchy.records < RECORDS_PER_CHECK)
			forget_all();
		else
			forget_half();
	}
}

static bool
tell(const Record *record, ResourceRow *resource)
{
	if (!is_current(record->organization))
		return false;
	resource->id = record->id;
	resource->kind = record->kind;
	resource->organization = record->organization->id;
	resource->parent = record->parent;
	resource->path = NULL;
	return true;
}

/*
 * What is remembered of a resource, without its path.  False if that is nothing.
 */
bool
rbac_hierarchy_find(const pg_uuid_t *id, ResourceRow *resource)
{
	IdSlot	   *slot = hierarchy.context != NULL ? known_id_lookup(hierarchy.by_id, id) : NULL;

	return slot != NULL && tell((const Record *) slot->id, resource);
}

bool
rbac_hierarchy_find_at(const RbacPath *path, ResourceRow *resource)
{
	PathKey		key = {RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)};
	PathSlot   *slot = hierarchy.context != NULL ? known_path_lookup(hierarchy.by_path, key) : NULL;

	return slot != NULL && tell(slot->record, resource);
}

static bool
is_known(const pg_uuid_t *id, bool by_path)
{
	IdSlot	   *slot = known_id_lookup(hierarchy.by_id, id);
	const Record *record = slot != NULL ? (const Record *) slot->id : NULL;

	return record != NULL && is_current(record->organization) && (!by_path || record->path_length >= 0);
}

/*
 * Remember a resource that was read under a snapshot that was taken in
 * "generation" or later, by its path, too, or only by its id.
 */
void
rbac_hierarchy_remember(const ResourceRow *resource, uint64 generation, bool by_path)
{
	Record		record = {.id = resource->id, .parent = resource->parent, .kind = resource->kind};
	PathKey		path = {NULL, -1};
	OrganizationState *state;
	Hierarchy	made;

	if (hierarchy.context == NULL)
	{
		begin(&made);
		adopt(&made);
	}
	if (is_known(&resource->id, by_path))
		return;
	state = current_state(&hierarchy, &resource->organization);
	if (!rbac_signal_is_untouched(&state->key, 1, generation))
		return;
	if (by_path)
		path = (PathKey){RBAC_PATH_DATA(resource->path), RBAC_PATH_LEN(resource->path)};
	put(&hierarchy, &record, state, path);
	if (hierarchy.records % RECORDS_PER_CHECK == 0)
		rbac_hierarchy_keep_within((Size) rbac_cache_size_kb * 1024 / 2);
}
