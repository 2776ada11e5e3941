/*-------------------------------------------------------------------------
 *
 * rbac_id.c
 *	  Ids of resources, made from the keys that an application has already.
 *
 * A schema whose tenants have numbers or names keeps them.  The resource of
 * tenant 42 is given the id that is made from a space, such as 'tenant', and the
 * key, and a policy makes the same id from the column:
 *
 *		rbac_has_permission(rbac_id('tenant', tenant_id), 'project:services:read')
 *
 * So that a client can make it as well, and so that it is the same for ever
 * (indexes hold it): the id is the first 16 bytes of
 *
 *		SHA-256(space || zero byte || key as text)
 *
 * with the version (8, for an application's own) and the variant of a UUID set
 * in them.  A text holds no zero byte, so that no two pairs give the same
 * bytes.  Whoever can choose a key finds no second one with the same id.
 *
 * A digest takes longer than everything else about a row, and few tenants have
 * many rows: a call site remembers ids.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/uuid.h"

#include "rbac_hash.h"
#include "rbac_secret.h"

PG_FUNCTION_INFO_V1(rbac_id_of_number);
PG_FUNCTION_INFO_V1(rbac_id_of_text);

/* Ids that a call site remembers; a power of two */
#define IDS_KEPT		256

/* Bytes of a key that is remembered */
#define KEY_KEPT		23

typedef struct KeptId
{
	uint8		length;			/* of the key, and 1; 0 if there is none */
	char		key[KEY_KEPT];
	pg_uuid_t	id;
} KeptId;

/* What a call site remembers, all of one space */
typedef struct KeptIds
{
	text	   *space;
	KeptId		kept[IDS_KEPT];
} KeptIds;

static void
make_id(text *space, const char *key, int length, pg_uuid_t *id)
{
	int			space_length = VARSIZE_ANY_EXHDR(space);
	char	   *bytes = palloc(space_length + 1 + length);
	uint8		digest[RBAC_DIGEST_LENGTH];

	memcpy(bytes, VARDATA_ANY(space), space_length);
	bytes[space_length] = '\0';
	memcpy(bytes + space_length + 1, key, length);
	rbac_secret_digest(bytes, space_length + 1 + length, digest);
	pfree(bytes);

	memcpy(id->data, digest, UUID_LEN);
	id->data[6] = (id->data[6] & 0x0f) | 0x80;
	id->data[8] = (id->data[8] & 0x3f) | 0x80;
}

static bool
is_same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * The call site's ids of a space, which are forgotten when it asks for another
 * one.
 */
static KeptIds *
kept_ids(FmgrInfo *flinfo, const text *space)
{
	KeptIds    *ids = flinfo->fn_extra;

	if (ids != NULL && is_same_text(ids->space, space))
		return ids;
	if (ids == NULL)
		ids = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(KeptIds));
	else
	{
		pfree(ids->space);
		memset(ids, 0, sizeof(KeptIds));
	}
	ids->space = MemoryContextAlloc(flinfo->fn_mcxt, VARSIZE_ANY(space));
	memcpy(ids->space, space, VARSIZE_ANY(space));
	flinfo->fn_extra = ids;
	return ids;
}

/*
 * The place for a key; whether it holds that key's id is to be asked.
 */
static KeptId *
place_of(KeptIds *ids, const char *key, int length)
{
	return &ids->kept[rbac_hash_data(key, length) & (IDS_KEPT - 1)];
}

static bool
is_kept(const KeptId *place, const char *key, int length)
{
	return place->length == length + 1 && memcmp(place->key, key, length) == 0;
}

static void
keep(KeptId *place, const char *key, int length, const pg_uuid_t *id)
{
	place->length = length + 1;
	memcpy(place->key, key, length);
	place->id = *id;
}

static Datum
copy_of(const pg_uuid_t *id)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *id;
	return UUIDPGetDatum(copy);
}

/*
 * rbac_id(space text, key bigint) → uuid
 *
 * The id of the resource that has a number in a space of keys; the same as that
 * of the number as text.
 */
Datum
rbac_id_of_number(PG_FUNCTION_ARGS)
{
	text	   *space = PG_GETARG_TEXT_PP(0);
	int64		key = PG_GETARG_INT64(1);
	KeptId	   *place = place_of(kept_ids(fcinfo->flinfo, space), (const char *) &key, sizeof(key));

	if (!is_kept(place, (const char *) &key, sizeof(key)))
	{
		char		digits[MAXINT8LEN + 1];
		pg_uuid_t	id;

		make_id(space, digits, pg_lltoa(key, digits), &id);
		keep(place, (const char *) &key, sizeof(key), &id);
	}
	return copy_of(&place->id);
}

/*
 * rbac_id(space text, key text) → uuid
 *
 * The id of the resource that has a text as its key in a space of keys.
 */
Datum
rbac_id_of_text(PG_FUNCTION_ARGS)
{
	text	   *space = PG_GETARG_TEXT_PP(0);
	text	   *key = PG_GETARG_TEXT_PP(1);
	int			length = VARSIZE_ANY_EXHDR(key);
	KeptId	   *place = NULL;
	pg_uuid_t	id;

	if (length <= KEY_KEPT)
		place = place_of(kept_ids(fcinfo->flinfo, space), VARDATA_ANY(key), length);
	if (place != NULL && is_kept(place, VARDATA_ANY(key), length))
		return copy_of(&place->id);

	make_id(space, VARDATA_ANY(key), length, &id);
	if (place != NULL)
		keep(place, VARDATA_ANY(key), length, &id);
	return copy_of(&id);
}
