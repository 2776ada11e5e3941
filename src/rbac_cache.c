/*-------------------------------------------------------------------------
 *
 * rbac_cache.c
 *	  What principals hold where, remembered by this backend.
 *
 * For each principal that was asked about there is an entry: what its rows say
 * (rbac_principal.c), and a memo of the verdicts on resources that were asked
 * about.  A principal is loaded by its grants alone; resources are looked up
 * one by one when they are first asked about, and then cost a hash probe.  What a
 * look-up brings, other principals need not look up again (rbac_hierarchy.c).
 *
 * A stale right is the worst bug that this file could have.  What keeps it
 * from happening:
 *
 * - Every change of a table that decisions read makes a new generation, in
 *   which some fact was touched (rbac_signal.c).  That can happen in the middle
 *   of anything here.
 * - An entry knows by which facts it was made: its principal's own, those of the
 *   groups that it is in, and the policy and the hierarchy of each organization
 *   that it is a member of.  It is true for as long as none of them is touched.
 *   If it is only the hierarchy, which has no part in what a principal was
 *   granted, then what was found out about resources is forgotten, and the rest
 *   stays; unless somebody holds the entry, who goes on with what was there.
 * - It is known to be true in the generation that was current before the snapshot
 *   that it was read with was taken, and after the tables were locked.  A
 *   message about one of its facts that comes while reading therefore leaves an
 *   entry that is already old: it serves the statement that asked, which began
 *   before, and is not kept.
 * - What is kept and old is never handed out.  It goes when it is asked for, for
 *   want of room, or with the last pin.
 * - Uncommitted changes of this transaction are seen like any other: they
 *   send their message at the end of the command.  If the transaction or
 *   subtransaction is rolled back, everything is touched.
 * - The memo is filled later than its entry, under newer snapshots.  That is
 *   sound because any change of the hierarchy where the principal belongs makes
 *   an end of the memo, for whoever asks next; who still holds it is in the
 *   middle of a statement that began before.  Elsewhere the verdict is that there
 *   is nothing, whatever there is.
 *
 * - Once the memo has all resources of the organizations that the principal is a
 *   member of, what is not in it is not there, or elsewhere.  A statement can make
 *   resources itself: what is not there is looked for again once anything of the
 *   entry is touched.
 *
 * An entry holds for an interval of time, too: at its ends the validity
 * period of some grant begins or ends (G7).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "rbac_cache.h"
#include "rbac_hash.h"
#include "rbac_hierarchy.h"
#include "rbac_signal.h"

PG_FUNCTION_INFO_V1(rbac_cache_stats);

/*
 * Measure an entry's memory again when its memo has doubled, and at least
 * after this many more resources.
 */
#define MEMO_CHECK_STEP		4096

/*
 * After so many resources that were looked up one by one, look all up that there
 * are where the principal belongs: that costs less than some thousand more.
 */
#define MISSES_BEFORE_FILL	1000

/* Most entries are asked about a resource or two: their tables begin small. */
#define FEW					2

typedef struct PrincipalSlot
{
	const Subject *subject;		/* the entry's */
	PrincipalEntry *entry;
	char		status;
} PrincipalSlot;

typedef struct VerdictSlot
{
	const Verdict *verdict;
	uint32		number;
	char		status;
} VerdictSlot;

/*
 * There are as many of these as resources: a number has three bytes, so that a
 * slot has 20.
 */
typedef struct VerdictNumber
{
	uint8		byte[3];
} VerdictNumber;

#define MAX_VERDICTS		(1 << 24)

typedef struct IdMemoSlot
{
	pg_uuid_t	id;
	VerdictNumber verdict;
	char		status;
} IdMemoSlot;

typedef struct PathMemoSlot
{
	PathKey		path;
	pg_uuid_t	id;				/* of whichever resource has the path; nil if none */
	uint32		hash;
	VerdictNumber verdict;
	char		status;
} PathMemoSlot;

static inline uint32
number_of(VerdictNumber number)
{
	return number.byte[0] | (uint32) number.byte[1] << 8 | (uint32) number.byte[2] << 16;
}

static inline VerdictNumber
as_bytes(uint32 number)
{
	return (VerdictNumber){{number, number >> 8, number >> 16}};
}

#define SH_PREFIX principal
#define SH_ELEMENT_TYPE PrincipalSlot
#define SH_KEY_TYPE const Subject *
#define SH_KEY subject
#define SH_HASH_KEY(tb, key) rbac_hash_uuid(&(key)->who.id)
#define SH_EQUAL(tb, a, b) (memcmp((a), (b), sizeof(Subject)) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX verdict
#define SH_ELEMENT_TYPE VerdictSlot
#define SH_KEY_TYPE const Verdict *
#define SH_KEY verdict
#define SH_HASH_KEY(tb, key) rbac_hash_data((const char *) (key), sizeof(Verdict))
#define SH_EQUAL(tb, a, b) (memcmp((a), (b), sizeof(Verdict)) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX id_memo
#define SH_ELEMENT_TYPE IdMemoSlot
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY id
#define SH_HASH_KEY(tb, key) rbac_hash_uuid(&(key))
#define SH_EQUAL(tb, a, b) rbac_uuid_equal(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX path_memo
#define SH_ELEMENT_TYPE PathMemoSlot
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

CacheCounters rbac_cache_counters;

static MemoryContext cache_context = NULL;
static principal_hash *principals = NULL;
static dlist_head least_recently_used = DLIST_STATIC_INIT(least_recently_used);
static Size cache_bytes = 0;
static uint64 swept_generation = 0; /* all of that was let go, if everything was touched */

/* The last database role asked about (rbac_database_role_map) */
static struct
{
	uint64		generation;
	Oid			role;
	bool		mapped;
	pg_uuid_t	principal;
}			role_memo;

static void
free_entry(PrincipalEntry *entry)
{
	rbac_catalogue_release(entry->catalogue);
	MemoryContextDelete(entry->context);
}

/*
 * One pin more for an entry that is pinned
 */
void
rbac_cache_pin_again(PrincipalEntry *entry)
{
	Assert(entry->pins > 0);
	entry->pins++;
}

void
rbac_cache_unpin(PrincipalEntry *entry)
{
	Assert(entry->pins > 0);
	if (--entry->pins == 0)
		free_entry(entry);
}

static void
drop_from_cache(PrincipalEntry *entry)
{
	principal_delete(principals, &entry->principal->subject);
	dlist_delete(&entry->lru);
	entry->cached = false;
	cache_bytes -= entry->bytes;
	rbac_cache_unpin(entry);
}

/*
 * Everything was touched: let go of it.
 */
static void
drop_all_entries(void)
{
	while (!dlist_is_empty(&least_recently_used))
		drop_from_cache(dlist_container(PrincipalEntry, lru,
										dlist_tail_node(&least_recently_used)));
}

static void
sweep(void)
{
	if (!rbac_signal_is_untouched(NULL, 0, swept_generation))
		drop_all_entries();
	swept_generation = rbac_generation;
}

/*
 * Do the facts still stand that an entry was made by?  What they were then they
 * are now, so that the next question looks no further back.
 */
static bool
is_untouched(PrincipalEntry *entry)
{
	if (!rbac_signal_is_untouched(entry->keys, entry->nkeys, entry->generation))
		return false;
	entry->generation = rbac_generation;
	return true;
}

static void
empty_memo(PrincipalEntry *entry)
{
	if (entry->memo_context != NULL)
		MemoryContextReset(entry->memo_context);
	entry->by_id = NULL;
	entry->by_path = NULL;
	entry->all_ids = false;
	entry->all_paths = false;
	entry->id_misses = 0;
	entry->path_misses = 0;
	entry->memo_check = 0;
}

/*
 * If nothing but the hierarchy has changed, and nobody holds the entry, it needs
 * only to forget what was found there.
 */
static void
forget_old_places(PrincipalEntry *entry)
{
	if (entry->pins > 1 || is_untouched(entry) ||
		!rbac_signal_is_untouched(entry->keys, entry->nkeys_read, entry->generation))
		return;
	empty_memo(entry);
	if (entry->places != NULL)
		MemoryContextReset(entry->places);
	entry->reaches = NULL;
	entry->nreaches = 0;
	rbac_principal_forget_places(entry->principal);
	entry->generation = rbac_generation;
}

static void
drop_stale_entries(void)
{
	dlist_mutable_iter position;

	sweep();
	dlist_foreach_modify(position, &least_recently_used)
	{
		PrincipalEntry *entry = dlist_container(PrincipalEntry, lru, position.cur);

		forget_old_places(entry);
		if (!is_untouched(entry))
			drop_from_cache(entry);
	}
}

/*
 * Measure an entry that has grown, and keep the whole within its bound: drop
 * the principals that were not asked about for longest.
 */
void
rbac_cache_grown(PrincipalEntry *entry)
{
	Size		limit = (Size) rbac_cache_size_kb * 1024;
	Size		before = entry->bytes;

	entry->bytes = MemoryContextMemAllocated(entry->context, true);
	if (!entry->cached)
		return;
	cache_bytes += entry->bytes - before;
	dlist_move_head(&least_recently_used, &entry->lru);

	while (cache_bytes + rbac_hierarchy_bytes() > limit)
	{
		PrincipalEntry *oldest = dlist_container(PrincipalEntry, lru,
												 dlist_tail_node(&least_recently_used));

		if (oldest == entry)
		{
			rbac_hierarchy_keep_within(limit - Min(limit, cache_bytes));
			break;
		}
		drop_from_cache(oldest);
		rbac_cache_counters.evictions++;
	}
}

/*
 * By which facts was an entry made?  Its principal has been read, and there is room.
 */
static void
note_keys(PrincipalEntry *entry)
{
	const Principal *principal = entry->principal;
	SignalKey  *key = entry->keys;

	*key++ = rbac_signal_key(RBAC_FACT_PRINCIPAL, &principal->subject.who.id);
	for (int i = 0; i < principal->ngroups; i++)
		*key++ = rbac_signal_key(RBAC_FACT_PRINCIPAL, &principal->groups[i]);
	for (int i = 0; i < principal->nmemberships; i++)
		*key++ = rbac_signal_key(RBAC_FACT_POLICY, &principal->memberships[i].organization);
	entry->nkeys_read = key - entry->keys;
	for (int i = 0; i < principal->nmemberships; i++)
		*key++ = rbac_signal_key(RBAC_FACT_HIERARCHY, &principal->memberships[i].organization);
	entry->nkeys = key - entry->keys;
}

/*
 * An entry for a principal that has been read.  It is kept small, since there are
 * to be many: what most never need is made when somebody needs it.
 */
static PrincipalEntry *
make_entry(const Principal *principal, Catalogue *catalogue)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rbac principal",
												  ALLOCSET_SMALL_SIZES);
	Size		nkeys = 1 + principal->ngroups + 2 * (Size) principal->nmemberships;
	Size		size = offsetof(PrincipalEntry, keys) + nkeys * sizeof(SignalKey);
	PrincipalEntry *entry = MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	entry->context = context;
	entry->catalogue = catalogue;
	entry->principal = rbac_principal_pack(principal, context);
	note_keys(entry);
	return entry;
}

/*
 * Build an entry aside.  It belongs to nobody yet: an error leaves nothing.
 */
static PrincipalEntry *
load_entry(const Subject *subject, TimestampTz now, Catalogue *catalogue)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext reading = AllocSetContextCreate(caller, "rbac reading", ALLOCSET_DEFAULT_SIZES);
	PrincipalEntry *entry;
	TableView	view;
	uint64		generation;
	const Principal *principal;

	MemoryContextSwitchTo(reading);
	rbac_tables_lock(&view, rbac_tables_read_for(RBAC_FOR_PRINCIPALS));
	generation = rbac_generation;
	rbac_tables_look(&view);
	principal = rbac_principal_load(&view, subject, now, catalogue);
	rbac_tables_close(&view);
	MemoryContextSwitchTo(caller);

	entry = make_entry(principal, catalogue);
	entry->generation = generation;
	MemoryContextDelete(reading);
	return entry;
}

/*
 * Does the entry still say what the tables say, for a statement that started
 * at "now"?  As far as the messages accepted so far tell.
 */
bool
rbac_cache_is_current(PrincipalEntry *entry, TimestampTz now)
{
	return is_untouched(entry) &&
		rbac_catalogue_is_current(entry->catalogue) &&
		entry->principal->since <= now && now < entry->principal->until;
}

/*
 * The entry of a principal for a statement that started at "now", pinned:
 * give it back with rbac_cache_unpin().  A principal that does not exist has
 * an entry, too, in which it holds nothing.
 *
 * What was committed before the last call of AcceptInvalidationMessages() is
 * taken into account; the caller decides when that is.
 */
PrincipalEntry *
rbac_cache_pin(const Subject *subject, TimestampTz now)
{
	PrincipalEntry *entry;
	PrincipalSlot *slot;
	Catalogue  *catalogue;
	bool		found;

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext, "rbac cache",
											  ALLOCSET_DEFAULT_SIZES);
	if (principals == NULL)
		principals = principal_create(cache_context, 16, NULL);

	sweep();
	slot = principal_lookup(principals, subject);
	if (slot != NULL)
	{
		entry = slot->entry;
		forget_old_places(entry);
		if (rbac_cache_is_current(entry, now))
		{
			dlist_move_head(&least_recently_used, &entry->lru);
			entry->pins++;
			rbac_cache_counters.hits++;
			return entry;
		}
		drop_from_cache(entry);
	}
	rbac_cache_counters.misses++;

	catalogue = rbac_catalogue_acquire();
	PG_TRY();
	{
		entry = load_entry(subject, now, catalogue);
	}
	PG_CATCH();
	{
		rbac_catalogue_release(catalogue);
		PG_RE_THROW();
	}
	PG_END_TRY();
	rbac_cache_counters.loads++;
	MemoryContextSetParent(entry->context, cache_context);
	entry->pins = 1;

	/*
	 * If something changed while reading, the entry serves this caller, whose
	 * statement began before the change, and nobody else.
	 */
	if (!rbac_cache_is_current(entry, now))
		return entry;

	slot = principal_insert(principals, &entry->principal->subject, &found);
	Assert(!found);
	slot->entry = entry;
	dlist_push_head(&least_recently_used, &entry->lru);
	entry->cached = true;
	entry->pins++;
	rbac_cache_grown(entry);
	return entry;
}

/*
 * Another verdict that nobody has had so far
 */
static uint32
new_number(PrincipalEntry *entry, const Verdict *verdict)
{
	uint32		number = Max(entry->nnumbered, 1);
	Size		room = 8;

	if (number == MAX_VERDICTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a principal holds too many different things")));
	while (room < number)
		room *= 2;
	if (entry->numbered == NULL)
		entry->numbered = MemoryContextAlloc(entry->context, room * sizeof(Verdict *));
	else if (number == room)
		entry->numbered = repalloc_huge(entry->numbered, 2 * room * sizeof(Verdict *));
	entry->numbered[number] = verdict;
	entry->nnumbered = number + 1;
	return number;
}

/*
 * The union of what is granted on a resource and above it, as the number of a
 * shared verdict; for a service with what its project has.
 */
static uint32
add_up(PrincipalEntry *entry, const ResourceRow *resource, const Verdict *project)
{
	Verdict		verdict;
	VerdictSlot *slot;
	bool		found;

	memset(&verdict, 0, sizeof(Verdict));	/* padding is hashed, too */
	verdict.kind = resource->kind;
	verdict.organization = resource->organization;
	rbac_principal_add_granted(entry->principal, &resource->id, &verdict.actions);
	if (project != NULL)
		action_set_union(&verdict.actions, &project->actions);
	if (resource->kind == RBAC_UNIT || resource->kind == RBAC_PROJECT)
	{
		rbac_principal_add_granted(entry->principal, &resource->parent, &verdict.actions);
		rbac_principal_add_granted(entry->principal, &resource->organization, &verdict.actions);
	}

	if (entry->verdicts == NULL)
		entry->verdicts = verdict_create(entry->context, FEW, NULL);
	slot = verdict_lookup(entry->verdicts, &verdict);
	if (slot == NULL)
	{
		Verdict    *shared = MemoryContextAlloc(entry->context, sizeof(Verdict));

		uint32		number;

		memcpy(shared, &verdict, sizeof(Verdict));
		number = new_number(entry, shared);
		slot = verdict_insert(entry->verdicts, shared, &found);
		slot->number = number;
	}
	return slot->number;
}

/*
 * The number of the union of what is granted on a resource and above it, as a
 * shared verdict.  A resource's row has the ids of its parent and its organization:
 * for all but services that is everything above.  A service has what its
 * project has, which is remembered.
 */
static uint32
number_for(PrincipalEntry *entry, const ResourceRow *resource)
{
	const Verdict *project = NULL;

	/* Elsewhere nothing exists, and nothing tells whether it does. */
	if (rbac_principal_membership(entry->principal, &resource->organization) == NULL)
		return RBAC_NOTHING_THERE;
	if (resource->kind == RBAC_SERVICE)
		project = rbac_cache_verdict(entry, &resource->parent);
	return add_up(entry, resource, project);
}

const Verdict *
rbac_cache_verdict_of(PrincipalEntry *entry, const ResourceRow *resource)
{
	return rbac_cache_numbered(entry, number_for(entry, resource));
}

static MemoryContext
memo_context(PrincipalEntry *entry)
{
	if (entry->memo_context == NULL)
		entry->memo_context = AllocSetContextCreate(entry->context, "rbac verdicts", ALLOCSET_SMALL_SIZES);
	return entry->memo_context;
}

/*
 * Room for one more in the memo, by id or by path
 */
static VerdictNumber *
id_slot(PrincipalEntry *entry, const pg_uuid_t *id)
{
	bool		found;

	if (entry->by_id == NULL)
		entry->by_id = id_memo_create(memo_context(entry), FEW, NULL);
	return &id_memo_insert(entry->by_id, *id, &found)->verdict;
}

static PathMemoSlot *
path_slot(PrincipalEntry *entry, PathKey key)
{
	PathMemoSlot *slot;
	bool		found;

	if (entry->by_path == NULL)
		entry->by_path = path_memo_create(memo_context(entry), FEW, NULL);
	slot = path_memo_lookup(entry->by_path, key);
	if (slot != NULL)
		return slot;
	key.data = memcpy(MemoryContextAlloc(entry->memo_context, Max(key.length, 1)), key.data, key.length);
	return path_memo_insert(entry->by_path, key, &found);
}

/*
 * Looking all resources up
 */
typedef struct Filling
{
	PrincipalEntry *entry;
	TableView	view;
	uint64		generation;		/* that the view is of, or of a later one */
	bool		by_path;
	uint32		count;
	pg_uuid_t	project;		/* the last one, after which come its services */
	uint32		of_project;
} Filling;

static void
fill_in(void *row, void *arg)
{
	ResourceRow *resource = row;
	Filling    *filling = arg;
	PrincipalEntry *entry = filling->entry;
	PathKey		key = {RBAC_PATH_DATA(resource->path), RBAC_PATH_LEN(resource->path)};
	uint32		verdict;

	CHECK_FOR_INTERRUPTS();
	rbac_hierarchy_remember(resource, filling->generation, filling->by_path);
	if (resource->kind == RBAC_SERVICE && rbac_uuid_equal(&resource->parent, &filling->project))
		verdict = add_up(entry, resource, rbac_cache_numbered(entry, filling->of_project));
	else
		verdict = number_for(entry, resource);
	if (resource->kind == RBAC_PROJECT)
	{
		filling->project = resource->id;
		filling->of_project = verdict;
	}
	if (filling->by_path)
	{
		PathMemoSlot *slot = path_slot(entry, key);

		slot->verdict = as_bytes(verdict);
		slot->id = resource->id;
	}
	else
		*id_slot(entry, &resource->id) = as_bytes(verdict);
	pfree(resource->path);
	if (++filling->count % MEMO_CHECK_STEP == 0 &&
		MemoryContextMemAllocated(memo_context(entry), true) > (Size) rbac_cache_size_kb * 1024 / 2)
		filling->view.enough = true;
}

/*
 * Look up all resources of the organizations that the principal is a member of.
 * False if the memo has no room for all.  What an error leaves in it is right.
 */
static bool
fill_memo(PrincipalEntry *entry, bool by_path)
{
	const Principal *principal = entry->principal;
	Filling		filling = {.entry = entry, .by_path = by_path};
	bool		complete = true;

	rbac_tables_lock(&filling.view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	filling.generation = rbac_generation;
	rbac_tables_look(&filling.view);
	for (int i = 0; i < principal->nmemberships && complete; i++)
	{
		ResourceRow organization;

		if (!rbac_tables_resource(&filling.view, &principal->memberships[i].organization, &organization))
			continue;
		rbac_tables_subtree(&filling.view, RBAC_PATH_DATA(organization.path), RBAC_PATH_LEN(organization.path),
							fill_in, &filling);
		complete = !filling.view.enough;
	}
	rbac_tables_close(&filling.view);
	rbac_cache_counters.walks++;
	rbac_cache_grown(entry);
	entry->memo_check = filling.count + MEMO_CHECK_STEP;
	return complete;
}

/*
 * Every other of a memo's resources, in another context.  They are in the order of
 * a hash that is this backend's own, so that it is any half.
 */
static id_memo_hash *
half_of_ids(id_memo_hash *memo, MemoryContext context)
{
	id_memo_hash *half;
	id_memo_iterator position;
	IdMemoSlot *slot;
	bool		keep = false;
	bool		found;

	if (memo == NULL)
		return NULL;
	half = id_memo_create(context, memo->members / 2 + FEW, NULL);
	id_memo_start_iterate(memo, &position);
	while ((slot = id_memo_iterate(memo, &position)) != NULL)
	{
		keep = !keep;
		if (keep)
			id_memo_insert(half, slot->id, &found)->verdict = slot->verdict;
	}
	return half;
}

static path_memo_hash *
half_of_paths(path_memo_hash *memo, MemoryContext context)
{
	path_memo_hash *half;
	path_memo_iterator position;
	PathMemoSlot *slot;
	bool		keep = false;
	bool		found;

	if (memo == NULL)
		return NULL;
	half = path_memo_create(context, memo->members / 2 + FEW, NULL);
	path_memo_start_iterate(memo, &position);
	while ((slot = path_memo_iterate(memo, &position)) != NULL)
	{
		PathMemoSlot *copy;
		PathKey		key = slot->path;

		keep = !keep;
		if (!keep)
			continue;
		key.data = memcpy(MemoryContextAlloc(context, Max(key.length, 1)), key.data, key.length);
		copy = path_memo_insert(half, key, &found);
		copy->verdict = slot->verdict;
		copy->id = slot->id;
	}
	return half;
}

/*
 * Forget half of the memo.  Were it all, rows that come in the same order again
 * would never find theirs.
 */
static void
halve_memo(PrincipalEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rbac verdicts", ALLOCSET_SMALL_SIZES);
	id_memo_hash *by_id = half_of_ids(entry->by_id, context);
	path_memo_hash *by_path = half_of_paths(entry->by_path, context);

	MemoryContextDelete(entry->memo_context);
	MemoryContextSetParent(context, entry->context);
	entry->memo_context = context;
	entry->by_id = by_id;
	entry->by_path = by_path;
	entry->all_ids = false;
	entry->all_paths = false;
	entry->id_misses = MISSES_BEFORE_FILL;	/* all of them have no room */
	entry->path_misses = MISSES_BEFORE_FILL;
	entry->memo_starts++;
}

static uint32
memo_members(const PrincipalEntry *entry)
{
	return (entry->by_id != NULL ? entry->by_id->members : 0) +
		(entry->by_path != NULL ? entry->by_path->members : 0);
}

/*
 * The memo has taken one more resource.  When it alone uses the memory up, half
 * of it goes: verdicts are worth less than the bound.  What else is in the entry
 * does not count: a memo that had to make up for that might be emptied at every
 * resource.
 */
static void
memo_grown(PrincipalEntry *entry)
{
	uint32		members = memo_members(entry);

	if (members < entry->memo_check)
		return;
	rbac_cache_grown(entry);
	if (MemoryContextMemAllocated(memo_context(entry), true) > (Size) rbac_cache_size_kb * 1024)
	{
		halve_memo(entry);
		members = memo_members(entry);
		rbac_cache_grown(entry);
	}
	entry->memo_check = members + Min(members, MEMO_CHECK_STEP);
}

/*
 * Look a resource up, by path if one is given, by id otherwise; "there" is then
 * set to the id of the resource that has the path.
 */
static uint32
look_up(PrincipalEntry *entry, const pg_uuid_t *id, const RbacPath *path, pg_uuid_t *there)
{
	TableView	view;
	uint64		generation;
	ResourceRow resource;
	bool		found;

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	generation = rbac_generation;
	rbac_tables_look(&view);
	found = path != NULL ?
		rbac_tables_resource_at(&view, path, &resource) :
		rbac_tables_resource(&view, id, &resource);
	rbac_tables_close(&view);
	rbac_cache_counters.lookups++;
	if (!found)
		return RBAC_NOTHING_THERE;
	if (there != NULL)
		*there = resource.id;
	rbac_hierarchy_remember(&resource, generation, path != NULL);
	return number_for(entry, &resource);
}

/*
 * Is what is remembered of a resource for this principal?  Of one that is
 * elsewhere it is not: how long an answer takes must not tell that somebody else
 * was asked about it.
 */
static bool
is_where_it_belongs(const PrincipalEntry *entry, const ResourceRow *resource)
{
	return rbac_principal_membership(entry->principal, &resource->organization) != NULL;
}

/*
 * The number of the verdict on a resource that the memo does not have
 */
static pg_noinline uint32
find_out(PrincipalEntry *entry, const pg_uuid_t *resource)
{
	ResourceRow known;
	uint32		verdict;

	if (entry->all_ids && is_untouched(entry))
		return RBAC_NOTHING_THERE;
	if (rbac_hierarchy_find(resource, &known) && is_where_it_belongs(entry, &known))
		verdict = number_for(entry, &known);
	else if (++entry->id_misses == MISSES_BEFORE_FILL)
	{
		entry->all_ids = fill_memo(entry, false);
		return rbac_cache_number(entry, resource);
	}
	else
		verdict = look_up(entry, resource, NULL, NULL);
	*id_slot(entry, resource) = as_bytes(verdict);
	memo_grown(entry);
	return verdict;
}

static pg_noinline uint32
find_out_at(PrincipalEntry *entry, const RbacPath *path)
{
	PathKey		key = {RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)};
	PathMemoSlot *slot;
	ResourceRow known;
	pg_uuid_t	there = {{0}};
	uint32		verdict;

	if (entry->all_paths && is_untouched(entry))
		return RBAC_NOTHING_THERE;
	if (rbac_hierarchy_find_at(path, &known) && is_where_it_belongs(entry, &known))
	{
		verdict = number_for(entry, &known);
		there = known.id;
	}
	else if (++entry->path_misses == MISSES_BEFORE_FILL)
	{
		entry->all_paths = fill_memo(entry, true);
		return rbac_cache_number_at(entry, path);
	}
	else
		verdict = look_up(entry, NULL, path, &there);
	slot = path_slot(entry, key);
	slot->verdict = as_bytes(verdict);
	slot->id = there;
	memo_grown(entry);
	return verdict;
}

/*
 * The number of the verdict on a resource, by its id or its path.  For a row this
 * is most of the work.
 */
uint32
rbac_cache_number(PrincipalEntry *entry, const pg_uuid_t *resource)
{
	IdMemoSlot *slot = entry->by_id != NULL ? id_memo_lookup(entry->by_id, *resource) : NULL;

	return likely(slot != NULL) ? number_of(slot->verdict) : find_out(entry, resource);
}

uint32
rbac_cache_number_at(PrincipalEntry *entry, const RbacPath *path)
{
	PathKey		key = {RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)};
	PathMemoSlot *slot = entry->by_path != NULL ? path_memo_lookup(entry->by_path, key) : NULL;

	return likely(slot != NULL) ? number_of(slot->verdict) : find_out_at(entry, path);
}

/*
 * What is forgotten when the hierarchy changes, and most entries never have
 */
MemoryContext
rbac_cache_places(PrincipalEntry *entry)
{
	if (entry->places == NULL)
		entry->places = AllocSetContextCreate(entry->context, "rbac places", ALLOCSET_SMALL_SIZES);
	return entry->places;
}

/*
 * A grant stands on a resource: who looks for that will ask what is held there.
 */
static void
remember_place(void *row, void *arg)
{
	PrincipalEntry *entry = arg;
	ResourceRow *resource = row;
	uint32		verdict = number_for(entry, resource);

	*id_slot(entry, &resource->id) = as_bytes(verdict);
}

/*
 * Find out where the grants stand, for those who list or explain.
 */
void
rbac_cache_locate(PrincipalEntry *entry)
{
	TableView	view;
	MemoryContext caller;

	if (entry->principal->places != NULL)
		return;
	caller = MemoryContextSwitchTo(rbac_cache_places(entry));
	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&view);
	rbac_principal_locate(&view, entry->principal, remember_place, entry);
	rbac_tables_close(&view);
	MemoryContextSwitchTo(caller);
	rbac_cache_grown(entry);
}

/*
 * Find out what the groups are called, for those who explain.
 */
void
rbac_cache_name_groups(PrincipalEntry *entry)
{
	TableView	view;
	MemoryContext caller;

	if (entry->principal->group_names != NULL)
		return;
	caller = MemoryContextSwitchTo(rbac_cache_places(entry));
	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_PRINCIPAL));
	rbac_tables_look(&view);
	rbac_principal_name_groups(&view, entry->principal);
	rbac_tables_close(&view);
	MemoryContextSwitchTo(caller);
	rbac_cache_grown(entry);
}

/*
 * Two entries of one principal, and what is asked of both
 */
typedef struct Comparison
{
	const PrincipalEntry *before;
	const NameList *names_before;	/* NULL: every action */
	PrincipalEntry *now;
	const NameList *names_now;
} Comparison;

static bool
asked_for(const Comparison *comparison, const Verdict *verdict)
{
	if (verdict == NULL)
		return false;
	if (comparison->names_before == NULL)
		return true;
	return rbac_names_held(comparison->before->catalogue, comparison->names_before, verdict);
}

static bool
held_as_well(const Comparison *comparison, const Verdict *before, const Verdict *now)
{
	if (now == NULL)
		return false;
	if (comparison->names_now == NULL)
		return action_set_contains(&now->actions, &before->actions);
	return rbac_names_held(comparison->now->catalogue, comparison->names_now, now);
}

static bool
ids_still_held(const Comparison *comparison)
{
	id_memo_iterator position;
	IdMemoSlot *slot;

	id_memo_start_iterate(comparison->before->by_id, &position);
	while ((slot = id_memo_iterate(comparison->before->by_id, &position)) != NULL)
	{
		const Verdict *before = rbac_cache_numbered(comparison->before, number_of(slot->verdict));

		CHECK_FOR_INTERRUPTS();
		if (asked_for(comparison, before) &&
			!held_as_well(comparison, before, rbac_cache_verdict(comparison->now, &slot->id)))
			return false;
	}
	return true;
}

/*
 * Is the resource that had a path still the one that has it?  A row that was found
 * by its path can be of the one that has gone elsewhere.
 */
static bool
is_same_resource(const PrincipalEntry *now, const PathMemoSlot *before)
{
	PathMemoSlot *slot = now->by_path != NULL ? path_memo_lookup(now->by_path, before->path) : NULL;

	return slot != NULL && rbac_uuid_equal(&slot->id, &before->id);
}

static bool
paths_still_held(const Comparison *comparison)
{
	path_memo_iterator position;
	PathMemoSlot *slot;

	path_memo_start_iterate(comparison->before->by_path, &position);
	while ((slot = path_memo_iterate(comparison->before->by_path, &position)) != NULL)
	{
		const Verdict *before = rbac_cache_numbered(comparison->before, number_of(slot->verdict));
		RbacPath   *path;
		bool		held;

		CHECK_FOR_INTERRUPTS();
		if (!asked_for(comparison, before))
			continue;
		path = rbac_path_make(slot->path.data, slot->path.length);
		held = held_as_well(comparison, before, rbac_cache_verdict_at(comparison->now, path)) &&
			is_same_resource(comparison->now, slot);
		pfree(path);
		if (!held)
			return false;
	}
	return true;
}

/*
 * Is everything held now that the memo of an older entry says was held: one of
 * the names or, with none given, all actions?  Both entries are pinned, and the
 * names are resolved, each by its entry's catalogue.  A memo that has
 * forgotten some since (memo_starts) can't tell all.
 */
bool
rbac_cache_still_holds(const PrincipalEntry *before, const NameList *names_before,
					   PrincipalEntry *now, const NameList *names_now)
{
	Comparison	comparison = {before, names_before, now, names_now};

	return (before->by_id == NULL || ids_still_held(&comparison)) &&
		(before->by_path == NULL || paths_still_held(&comparison));
}

/*
 * The principal that a database role is when it logs in directly.
 */
bool
rbac_cache_role_principal(Oid role, pg_uuid_t *principal)
{
	TableView	view;
	uint64		seen;
	bool		mapped;

	if (role_memo.role == role && rbac_signal_is_untouched(NULL, 0, role_memo.generation))
	{
		*principal = role_memo.principal;
		return role_memo.mapped;
	}

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_DATABASE_ROLE));
	seen = rbac_generation;
	rbac_tables_look(&view);
	mapped = rbac_tables_role_principal(&view, role, principal);
	rbac_tables_close(&view);

	role_memo.role = role;
	role_memo.mapped = mapped;
	role_memo.principal = *principal;
	role_memo.generation = seen;
	return mapped;
}

/*
 * rbac_cache_stats()
 *	 → (entries integer, bytes bigint, hits, misses, loads, lookups, walks,
 *		evictions, invalidations bigint)
 *
 * How large the cache is now, and what it has done since the backend started.
 * Every message makes a generation, so that those are the invalidations.
 */
Datum
rbac_cache_stats(PG_FUNCTION_ARGS)
{
	const CacheCounters *counters = &rbac_cache_counters;
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	AcceptInvalidationMessages();
	if (principals != NULL)
		drop_stale_entries();
	values[0] = Int32GetDatum(principals != NULL ? principals->members : 0);
	values[1] = Int64GetDatum(cache_bytes + rbac_hierarchy_bytes());
	values[2] = Int64GetDatum(counters->hits);
	values[3] = Int64GetDatum(counters->misses);
	values[4] = Int64GetDatum(counters->loads);
	values[5] = Int64GetDatum(counters->lookups);
	values[6] = Int64GetDatum(counters->walks);
	values[7] = Int64GetDatum(counters->evictions);
	values[8] = Int64GetDatum(rbac_generation - 1);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}
