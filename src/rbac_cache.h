/*-------------------------------------------------------------------------
 *
 * rbac_cache.h
 *	  What principals hold where, remembered by this backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_CACHE_H
#define RBAC_CACHE_H

#include "postgres.h"

#include "lib/ilist.h"

#include "rbac_principal.h"
#include "rbac_signal.h"

/* The number of no verdict */
#define RBAC_NOTHING_THERE	0

struct verdict_hash;
struct id_memo_hash;
struct path_memo_hash;

/*
 * One principal and what was found out about it, as of some generation.  Who
 * uses an entry over more than one call pins it.
 */
typedef struct PrincipalEntry
{
	Principal  *principal;
	MemoryContext context;		/* that all of it is in */
	MemoryContext places;		/* and what goes with the hierarchy: paths and reaches; NULL: nothing yet */
	int			nreaches;		/* see rbac_reach.c */
	struct Reach *reaches;

	/* What follows is rbac_cache.c's own. */
	dlist_node	lru;			/* while it is in the cache */
	bool		cached;
	int			pins;			/* the cache's own is one */
	Size		bytes;			/* of the context when last measured */
	uint64		generation;		/* that it is known to be true in */
	int			nkeys;
	int			nkeys_read;		/* of those, for what was read: all but hierarchies */
	Catalogue  *catalogue;		/* held */

	/*
	 * Resources on which the same is held share one verdict.  Each has a number;
	 * RBAC_NOTHING_THERE is that of none.
	 */
	struct verdict_hash *verdicts;
	const Verdict **numbered;
	uint32		nnumbered;		/* that one included; 0: no array yet */
	MemoryContext memo_context; /* NULL: nothing yet */
	struct id_memo_hash *by_id;
	struct path_memo_hash *by_path;
	bool		all_ids;		/* all that exist for the principal are in by_id ... */
	bool		all_paths;		/* ... or in by_path */
	uint32		id_misses;		/* since the memo was empty */
	uint32		path_misses;
	uint32		memo_check;		/* measure again at this many resources */
	uint32		memo_starts;	/* how often some of it was forgotten for want of room */

	SignalKey	keys[FLEXIBLE_ARRAY_MEMBER];	/* of the facts that it is made from */
} PrincipalEntry;

/*
 * What the cache of this backend has done so far.  Rows are not counted: a
 * statement counts once for each place in it that asks.
 */
typedef struct CacheCounters
{
	int64		hits;			/* principals asked for and at hand ... */
	int64		misses;			/* ... or not, or no longer as the tables say */
	int64		loads;			/* principals read from the tables */
	int64		lookups;		/* resources looked up there, one by one */
	int64		walks;			/* and subtree by subtree, for a list */
	int64		evictions;		/* principals forgotten for want of memory */
} CacheCounters;

extern CacheCounters rbac_cache_counters;

extern PrincipalEntry *rbac_cache_pin(const Subject *subject, TimestampTz now);
extern void rbac_cache_pin_again(PrincipalEntry *entry);
extern void rbac_cache_unpin(PrincipalEntry *entry);
extern bool rbac_cache_is_current(PrincipalEntry *entry, TimestampTz now);

extern uint32 rbac_cache_number(PrincipalEntry *entry, const pg_uuid_t *resource);
extern uint32 rbac_cache_number_at(PrincipalEntry *entry, const RbacPath *path);
extern const Verdict *rbac_cache_verdict_of(PrincipalEntry *entry, const ResourceRow *resource);
extern bool rbac_cache_still_holds(const PrincipalEntry *before, const NameList *names_before,
								   PrincipalEntry *now, const NameList *names_now);
extern MemoryContext rbac_cache_places(PrincipalEntry *entry);
extern void rbac_cache_locate(PrincipalEntry *entry);
extern void rbac_cache_name_groups(PrincipalEntry *entry);
extern void rbac_cache_grown(PrincipalEntry *entry);
extern bool rbac_cache_role_principal(Oid role, pg_uuid_t *principal);

/*
 * What an entry's principal holds on a resource, or NULL if there is no such
 * resource, or none in an organization that the principal is a member of.  The
 * verdict lives as long as the entry is pinned.
 */
static inline const Verdict *
rbac_cache_numbered(const PrincipalEntry *entry, uint32 number)
{
	return number == RBAC_NOTHING_THERE ? NULL : entry->numbered[number];
}

static inline const Verdict *
rbac_cache_verdict(PrincipalEntry *entry, const pg_uuid_t *resource)
{
	return rbac_cache_numbered(entry, rbac_cache_number(entry, resource));
}

static inline const Verdict *
rbac_cache_verdict_at(PrincipalEntry *entry, const RbacPath *path)
{
	return rbac_cache_numbered(entry, rbac_cache_number_at(entry, path));
}

#endif							/* RBAC_CACHE_H */
