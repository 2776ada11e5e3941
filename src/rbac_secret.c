/*-------------------------------------------------------------------------
 *
 * rbac_secret.c
 *	  Secrets: random bytes, digests, comparison.
 *
 * A secret is made of random bytes that nobody can predict, is kept as a
 * digest, and is checked by comparing digests in a time that tells nothing
 * about them.  Each function either does that or raises an error: no caller
 * goes on with bytes that are not random or with a digest that is not one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"

#include "rbac_secret.h"

/*
 * Fill "bytes" with random ones that are fit for a secret.
 */
void
rbac_secret_random(uint8 *bytes, int length)
{
	if (!pg_strong_random(bytes, length))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
}

/*
 * SHA-256 of some data, RBAC_DIGEST_LENGTH bytes.
 */
void
rbac_secret_digest(const char *data, int length, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bool		done;

	done = context != NULL &&
		pg_cryptohash_init(context) >= 0 &&
		pg_cryptohash_update(context, (const uint8 *) data, length) >= 0 &&
		pg_cryptohash_final(context, digest, RBAC_DIGEST_LENGTH) >= 0;
	pg_cryptohash_free(context);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a digest")));
}

/*
 * Are two digests equal?  The time that this takes does not depend on what
 * they hold.
 */
bool
rbac_secret_equal(const uint8 *a, const uint8 *b, int length)
{
	volatile uint8 difference = 0;

	for (int i = 0; i < length; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}
