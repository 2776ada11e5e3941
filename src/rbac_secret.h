/*-------------------------------------------------------------------------
 *
 * rbac_secret.h
 *	  Secrets: making, hashing and comparing tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SECRET_H
#define RBAC_SECRET_H

#include "postgres.h"

#include "common/sha2.h"

#define RBAC_DIGEST_LENGTH	PG_SHA256_DIGEST_LENGTH

/* "rbac_", then what tells a token from others */
#define RBAC_TOKEN_PREFIX_LENGTH	17
/* The prefix, an underscore and the secret */
#define RBAC_TOKEN_LENGTH			(RBAC_TOKEN_PREFIX_LENGTH + 1 + 52)

extern void rbac_token_make(char *token);
extern bool rbac_token_split(const char *token, int length, char *prefix);
extern void rbac_secret_digest(const char *token, int length, uint8 *digest);
extern bool rbac_secret_equal(const uint8 *a, const uint8 *b);

#endif							/* RBAC_SECRET_H */
