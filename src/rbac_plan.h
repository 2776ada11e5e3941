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

extern void rbac_plan_init(void);
extern void rbac_plan_follow_principal(void);

#endif							/* RBAC_PLAN_H */
