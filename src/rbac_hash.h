/*-------------------------------------------------------------------------
 *
 * rbac_hash.h
 *	  Hashes of ids and of bytes that no user can predict.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_HASH_H
#define RBAC_HASH_H

#include "postgres.h"

#include "utils/uuid.h"

/* Random, this backend's own, and the same as long as it lives */
extern uint64 rbac_hash_seed[2];

extern void rbac_hash_init(void);

/*
 * Both halves of the product of two words, as one word
 */
static inline uint64
rbac_hash_mix(uint64 a, uint64 b)
{
#ifdef HAVE_INT128
	uint128		product = (uint128) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
#else
	uint64		a_low = (uint32) a;
	uint64		a_high = a >> 32;
	uint64		b_low = (uint32) b;
	uint64		b_high = b >> 32;
	uint64		middle = (a_low * b_low >> 32) + (uint32) (a_high * b_low) + a_low * b_high;

	return (a * b) ^ (a_high * b_high + (a_high * b_low >> 32) + (middle >> 32));
#endif
}

/* Cheap: this and the next are what a check per row spends its time on. */
static inline uint32
rbac_hash_uuid(const pg_uuid_t *id)
{
	uint64		half[2];
	uint64		mixed;

	memcpy(half, id->data, UUID_LEN);
	mixed = rbac_hash_mix(half[0] ^ rbac_hash_seed[0], half[1] ^ rbac_hash_seed[1]);
	return (uint32) (mixed ^ (mixed >> 32));
}

/* Eight bytes at a time */
static inline uint32
rbac_hash_data(const char *data, int length)
{
	uint64		mixed = rbac_hash_seed[0] ^ length;
	uint64		chunk;
	int	   i;

	for (i = 0; i + 8 <= length; i += 8)
	{
		memcpy(&chunk, data + i, 8);
		mixed = rbac_hash_mix(mixed ^ chunk, rbac_hash_seed[1]);
	}
	chunk = 0;
	memcpy(&chunk, data + i, length - i);
	mixed = rbac_hash_mix(mixed ^ chunk, rbac_hash_seed[1]);
	return (uint32) (mixed ^ (mixed >> 32));
}

#endif /* RBAC_HASH_H */
