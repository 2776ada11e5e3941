/*-------------------------------------------------------------------------
 *
 * rbac_ending.h
 *	  Calls that end access, which nobody who loses it can hold up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_ENDING_H
#define RBAC_ENDING_H

#include "postgres.h"

extern void rbac_ending_init(void);

#endif							/* RBAC_ENDING_H */
