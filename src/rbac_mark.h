/*-------------------------------------------------------------------------
 *
 * rbac_mark.h
 *	  How far a server has come: marks, and waiting for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_MARK_H
#define RBAC_MARK_H

#include "postgres.h"

#include "fmgr.h"

/* How long a principal is not set, at most, because a replica has to come to a mark */
#define RBAC_MARK_WAIT USECS_PER_SEC

extern bool rbac_mark_wait(FunctionCallInfo fcinfo, const text *mark, int64 timeout);

#endif /* RBAC_MARK_H */
