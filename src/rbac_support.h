/*-------------------------------------------------------------------------
 *
 * rbac_support.h
 *	  What the planner is told about decision functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SUPPORT_H
#define RBAC_SUPPORT_H

#include "postgres.h"

extern void rbac_support_principal_changed(void);

#endif							/* RBAC_SUPPORT_H */
