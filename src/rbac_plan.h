/*-------------------------------------------------------------------------
 *
 * rbac_plan.h
 *	  What the planner is told about decision functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_PLAN_H
#define RBAC_PLAN_H

#include "postgres.h"

extern void rbac_plan_principal_changed(void);

#endif							/* RBAC_PLAN_H */
