/*-------------------------------------------------------------------------
 *
 * rbac_secret.c
 *	  Secrets: making, hashing and comparing tokens.
 *
 * A token is one word that its owner stores and shows to log in:
 *
 *		rbac_7k2m9x4qdw0h_4v8r…		52 characters at the end
 *		`--- prefix ----' `secret'
 *
 * The prefix is no secret.  It names the token in lists, in logs and to
 * whoever revokes it, and it is the key that the token is looked up by; its
 * first five characters let scanners of source code recognize a token that
 * was published by mistake.  The secret has 260 random bits, so that nobody
 * can guess one, however often; for the same reason one round of SHA-256 over
 * the whole token is enough to store it by.  What is looked up is the prefix
 * and what is compared is a digest, so that neither an index nor the time
 * that a comparison takes tells anything about a secret.
 *
 * The alphabet is that of Crockford's base 32, in lower case: one character
 * is five bits, and none is mistaken for another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"

#include "rbac_secret.h"

#define MARK		"rbac_"
#define MARK_LENGTH 5

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/*
 * Make a new token, RBAC_TOKEN_LENGTH characters and a terminating zero.
 */
void
rbac_token_make(char *token)
{
	uint8		random[RBAC_TOKEN_LENGTH];

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random token")));
	for (int i = 0; i < RBAC_TOKEN_LENGTH; i++)
		token[i] = alphabet[random[i] & 31];
	memcpy(token, MARK, MARK_LENGTH);
	token[RBAC_TOKEN_PREFIX_LENGTH] = '_';
	token[RBAC_TOKEN_LENGTH] = '\0';
	explicit_bzero(random, sizeof(random));
}

/*
 * Copy the prefix of what may be a token to "prefix", which has room for it
 * and a terminating zero.  False if no token looks like this.
 */
bool
rbac_token_split(const char *token, int length, char *prefix)
{
	if (length != RBAC_TOKEN_LENGTH || memcmp(token, MARK, MARK_LENGTH) != 0 ||
		token[RBAC_TOKEN_PREFIX_LENGTH] != '_')
		return false;
	for (int i = MARK_LENGTH; i < RBAC_TOKEN_LENGTH; i++)
	{
		if (i != RBAC_TOKEN_PREFIX_LENGTH && (token[i] == '\0' || strchr(alphabet, token[i]) == NULL))
			return false;
	}
	memcpy(prefix, token, RBAC_TOKEN_PREFIX_LENGTH);
	prefix[RBAC_TOKEN_PREFIX_LENGTH] = '\0';
	return true;
}

/*
 * SHA-256 of a whole token: the digest belongs to the prefix as much as to the
 * secret.
 */
void
rbac_secret_digest(const char *token, int length, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bool		done;

	done = context != NULL &&
		pg_cryptohash_init(context) >= 0 &&
		pg_cryptohash_update(context, (const uint8 *) token, length) >= 0 &&
		pg_cryptohash_final(context, digest, RBAC_DIGEST_LENGTH) >= 0;
	pg_cryptohash_free(context);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the digest of a token")));
}

/*
 * Compare two digests in a time that does not depend on what they hold.
 */
bool
rbac_secret_equal(const uint8 *a, const uint8 *b)
{
	volatile uint8 difference = 0;

	for (int i = 0; i < RBAC_DIGEST_LENGTH; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}
