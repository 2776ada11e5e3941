/*-------------------------------------------------------------------------
 *
 * rbac_evidence.h
 *	  Digests of the log's rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_EVIDENCE_H
#define RBAC_EVIDENCE_H

#include "postgres.h"

/* Values of a row that its digest is of, in this order */
enum
{
	TOLD_AT,
	TOLD_TRANSACTION,
	TOLD_INSTALLATION,
	TOLD_ORGANIZATION,
	TOLD_PROJECT,
	TOLD_RESOURCE,
	TOLD_ACTOR,
	TOLD_SUBJECT,
	TOLD_EVENT,
	TOLD_ACTOR_NAME,
	TOLD_SUBJECT_NAME,
	TOLD_PATH,
	TOLD_DATABASE_ROLE,
	TOLD_CLIENT_ADDRESS,
	TOLD_APPLICATION_NAME,
	TOLD_BEFORE,
	TOLD_AFTER,
	TOLD_VALUES
};

extern bytea *rbac_evidence_digest(const NullableDatum *told);

#endif							/* RBAC_EVIDENCE_H */
