/*-------------------------------------------------------------------------
 *
 * rbac_reach.h
 *	  All resources on which a principal holds something.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_REACH_H
#define RBAC_REACH_H

#include "postgres.h"

#include "utils/array.h"

#include "rbac_cache.h"

/*
 * Up to so many resources a principal is narrow for a name: worth listing,
 * however few there are.
 */
#define RBAC_NARROW_LIMIT	2500

/*
 * And up to so many, and such a part of all, they are worth listing because
 * there are many more.
 */
#define RBAC_LISTED_LIMIT	50000
#define RBAC_LISTED_PART	0.2

/* An entry keeps so many; what is asked beyond that is made each time. */
#define RBAC_REACHES_KEPT	64

/*
 * The reach of one principal with one list of names, any of which will do.
 * It belongs to the principal's cache entry, and is as current as that; or, if
 * the entry has enough of them, to the memory context that was current.
 */
typedef struct Reach
{
	struct Reach *next;
	MemoryContext context;		/* that all of it is in */
	NameList   *names;			/* resolved */
	int			nscopes;		/* topmost places that it holds from */
	RbacPath  **scopes;
	bool		exact;			/* all that is below a scope is held */
	bool		wide;			/* more resources than the narrow limit */
	bool		listed;			/* wide, but worth listing */
	double		estimate;		/* how many there are then, by statistics */
	int			of_kind[RBAC_RESOURCE_KINDS];	/* how many, if not wide */
	ArrayType  *ids;			/* all of them, in order; a wide principal's are ... */
	ArrayType  *paths;			/* ... NULL until they are wanted */
	bool		gave_ids;		/* was somebody given the list? */
	bool		gave_paths;
} Reach;

extern Reach *rbac_reach(PrincipalEntry *entry, const NameList *names);
extern ArrayType *rbac_reach_ids(PrincipalEntry *entry, Reach *reach);
extern ArrayType *rbac_reach_paths(PrincipalEntry *entry, Reach *reach);
extern bool rbac_reach_still_holds(const PrincipalEntry *before, const NameList *names_before,
								   PrincipalEntry *now, const NameList *names_now);

#endif							/* RBAC_REACH_H */
