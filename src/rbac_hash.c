/*-------------------------------------------------------------------------
 *
 * rbac_hash.c
 *	  Hashes of ids and of bytes that nobody can predict.
 *
 * Who names the resources of an organization chooses what the hash tables of
 * other people's sessions are filled with.  With a hash that can be computed
 * beforehand, it could be tens of thousands of names that all fall on one
 * place, and each look-up would walk through all of them.  So hashes depend on
 * random bytes that every backend draws for itself.  They are good within this
 * backend only, and are never stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "rbac_hash.h"
#include "rbac_secret.h"

uint64		rbac_hash_seed[2];

void
rbac_hash_init(void)
{
	rbac_secret_random((uint8 *) rbac_hash_seed, sizeof(rbac_hash_seed));
}
