/*-------------------------------------------------------------------------
 *
 * rbac_secret.h
 *	  Secrets: random bytes, digests, comparison.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SECRET_H
#define RBAC_SECRET_H

#include "postgres.h"

#include "common/sha2.h"

#define RBAC_DIGEST_LENGTH	PG_SHA256_DIGEST_LENGTH

extern void rbac_secret_random(uint8 *bytes, int length);
extern void rbac_secret_digest(const char *data, int length, uint8 *digest);
extern bool rbac_secret_equal(const uint8 *a, const uint8 *b, int length);

#endif							/* RBAC_SECRET_H */
