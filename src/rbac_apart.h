/*-------------------------------------------------------------------------
 *
 * rbac_apart.h
 *	  Running the code of a table's owner apart from the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_APART_H
#define RBAC_APART_H

#include "postgres.h"

typedef struct Apart
{
	Oid			user;
	int			context;
	int			settings;		/* nest level */
} Apart;

extern Oid	rbac_owner_of(Oid relation);
extern void rbac_apart_begin(Apart *before, Oid owner);
extern void rbac_apart_end(const Apart *before);
extern void rbac_run_apart(Oid owner, const char *command);

#endif							/* RBAC_APART_H */
