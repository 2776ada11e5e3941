/*-------------------------------------------------------------------------
 *
 * rbac_portal.h
 *	  Queries that are run piece by piece: cursors and portals.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_PORTAL_H
#define RBAC_PORTAL_H

#include "postgres.h"

#include "rbac_cache.h"

/* What the rows that a query found can be owed to */
typedef enum RbacReliance
{
	RBAC_RELIES_ON_PRINCIPAL,	/* who it is, and that it is active */
	RBAC_RELIES_ON_MEMBERSHIPS,
	RBAC_RELIES_ON_NAMES,		/* that some names are held where they were */
	RBAC_RELIES_ON_ACTIONS		/* that all actions are held where they were */
} RbacReliance;

/*
 * Which piece of a cursor's query runs: no number comes twice, but a query that
 * is not run in pieces has that of the one around it.
 */
extern uint64 rbac_piece;

extern void rbac_portal_init(void);
extern bool rbac_portal_runs(MemoryContext context);
extern void rbac_portal_note(PrincipalEntry *entry, RbacReliance reliance, const NameList *names);

#endif							/* RBAC_PORTAL_H */
