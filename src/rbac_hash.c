/*-------------------------------------------------------------------------
 *
 * rbac_hash.c
 *	  Hashes of ids and of bytes that no user can predict.
 *
 * A user who names the resources of an organization chooses the keys of hash
 * tables in other users' sessions.  If the hash could be computed beforehand,
 * the user could choose tens of thousands of names with one hash value, and each
 * look-up would walk through all of them.  So hashes depend on random bytes that
 * every backend draws for itself.  They are valid within this backend only, and
 * are never stored.
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
