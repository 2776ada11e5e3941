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

#include "rbac_catalogue.h"

/* Longest name of a login method ("password", "saml", …) */
#define RBAC_METHOD_MAX		63

/* The method of sessions that rbac_authenticate() makes */
#define RBAC_METHOD_TOKEN	"token"

/*
 * Somebody who has logged in, and how
 */
typedef struct SessionPrincipal
{
	pg_uuid_t	id;
	bool		two_factor;
	char		method[RBAC_METHOD_MAX + 1];	/* "": not told */
} SessionPrincipal;

/*
 * Whose rights are asked about: a principal as such, or as far as its session
 * lets it use them (G9).  Compared as bytes, so what is unused is zero.
 */
typedef struct Subject
{
	SessionPrincipal who;
	bool		in_session;		/* else, of "who" only the id counts */
} Subject;

/*
 * An organization that a principal is a member of
 */
typedef struct Membership
{
	pg_uuid_t	organization;
	const char *barred;			/* why its session holds nothing there, or NULL */
} Membership;

/*
 * A grant that a principal has, directly or by a group.  Super admin standing
 * is one too: of the built-in grantable, on the organization, by its account
 * owners group.
 */
typedef struct PrincipalGrant
{
	const Grantable *grantable;
	const ActionSet *allowed;	/* on this kind of resource */
	pg_uuid_t	resource;
	pg_uuid_t	organization;
	ResourceKind kind;
	uint16		path_length;
	const char *path;			/* payload; NULL before rbac_cache_locate() */
	const char *group_name;		/* NULL: granted directly */
	TimestampTz valid_from;
	TimestampTz valid_until;
	bool		active;			/* at the instants that the entry is for */
} PrincipalGrant;

struct granted_hash;
struct verdict_hash;
struct id_memo_hash;
struct path_memo_hash;

/*
 * One principal, as of one generation and for the instants in [since, until).
 * Who uses an entry over more than one call pins it.
 */
typedef struct PrincipalEntry
{
	Subject		subject;
	dlist_node	lru;			/* while it is in the cache */
	bool		cached;
	int			pins;			/* the cache's own is one */
	MemoryContext context;
	Size		bytes;			/* of the context when last measured */
	uint64		generation;
	Catalogue  *catalogue;

	bool		exists;
	bool		deactivated;
	PrincipalKind kind;
	TimestampTz since;
	TimestampTz until;
	int			ngrants;
	PrincipalGrant *grants;
	bool		located;		/* all grants have their paths */
	int			nmemberships;
	Membership *memberships;

	struct granted_hash *granted;	/* resource → actions granted on it */
	struct verdict_hash *verdicts;
	MemoryContext memo_context;
	struct id_memo_hash *by_id;
	struct path_memo_hash *by_path;
	uint32		memo_check;		/* measure again at this many resources */
	int			nreaches;
	struct Reach *reaches;		/* see rbac_reach.c */
} PrincipalEntry;

/* Does a place count for whoever looks for the topmost ones? */
typedef bool (*PlaceFilter) (const PrincipalGrant *place, void *arg);

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

extern int	rbac_cache_size_kb;
extern CacheCounters rbac_cache_counters;

extern void rbac_cache_init(void);
extern PrincipalEntry *rbac_cache_pin(const Subject *subject, TimestampTz now);
extern void rbac_cache_unpin(PrincipalEntry *entry);
extern bool rbac_cache_is_current(const PrincipalEntry *entry, TimestampTz now);

extern const Verdict *rbac_cache_verdict(PrincipalEntry *entry, const pg_uuid_t *resource);
extern const Verdict *rbac_cache_verdict_at(PrincipalEntry *entry, const RbacPath *path);
extern const Verdict *rbac_cache_verdict_of(PrincipalEntry *entry, const ResourceRow *resource);
extern void rbac_cache_locate(PrincipalEntry *entry);
extern int	rbac_cache_compare_places(const void *a, const void *b);
extern PrincipalGrant **rbac_cache_places(PrincipalEntry *entry, int *count);
extern PrincipalGrant **rbac_cache_scopes(PrincipalEntry *entry, PlaceFilter counts, void *arg, int *count);
extern void rbac_cache_grown(PrincipalEntry *entry);
extern const Membership *rbac_cache_membership(const PrincipalEntry *entry, const pg_uuid_t *organization);
extern bool rbac_cache_role_principal(Oid role, pg_uuid_t *principal);

#endif							/* RBAC_CACHE_H */
