/*-------------------------------------------------------------------------
 *
 * rbac_evidence.c
 *	  Digests of the log's rows, and the tree of them that shows what it was.
 *
 * The digest of a row is SHA-256 of its values, one after the other: each as text
 * in UTF-8, behind its length in bytes and a colon, or "-" for NULL.  So no two
 * rows make the same bytes, and anybody can make them.
 *
 * The tree is the Merkle tree of RFC 6962 (Certificate Transparency): a leaf is the
 * digest of 0x00 and what it is for, a node that of 0x01 and the two below.  The
 * root stands for all leaves in their order.
 *
 * A tree only grows, at its right end.  It is kept as its peaks: the roots of
 * the complete trees that it consists of, one for each bit of the number of
 * leaves, the largest first.  A leaf more is a peak of its own, and two peaks of
 * one size become one.
 *
 *	  7 leaves	4 2 1		the root is node(4, node(2, 1))
 *	  8 leaves	8
 *
 * In SQL, peaks are a bytea, one after the other, and so are leaves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "path.h"
#include "rbac_evidence.h"
#include "rbac_secret.h"

PG_FUNCTION_INFO_V1(rbac_audit_digest);

/* Room for a number as text */
#define NUMBER_LENGTH	32
PG_FUNCTION_INFO_V1(rbac_tree_append);
PG_FUNCTION_INFO_V1(rbac_tree_root);

/* As many as a number of leaves has bits */
#define MOST_PEAKS 64

typedef struct Tree
{
	int			npeaks;
	uint8		peaks[MOST_PEAKS + 1][RBAC_DIGEST_LENGTH];
} Tree;

/*
 * Digest of a byte that tells the kind, and of what follows
 */
static void
digest_of(uint8 kind, const uint8 *first, const uint8 *second, uint8 *digest)
{
	char		data[1 + 2 * RBAC_DIGEST_LENGTH];
	int			length = 1 + RBAC_DIGEST_LENGTH;

	data[0] = (char) kind;
	memcpy(data + 1, first, RBAC_DIGEST_LENGTH);
	if (second != NULL)
	{
		memcpy(data + length, second, RBAC_DIGEST_LENGTH);
		length += RBAC_DIGEST_LENGTH;
	}
	rbac_secret_digest(data, length, digest);
}

/*
 * A value as text, not yet in UTF-8
 */
static char *
value_text(int number, Datum value)
{
	char	   *number_text = palloc(NUMBER_LENGTH);
	Jsonb	   *json;
	RbacPath   *path;

	switch (number)
	{
		case TOLD_AT:
			pg_lltoa(DatumGetTimestampTz(value) - SetEpochTimestamp(), number_text);
			return number_text;
		case TOLD_TRANSACTION:
			pg_lltoa(DatumGetInt64(value), number_text);
			return number_text;
		case TOLD_INSTALLATION:
			pg_ltoa(DatumGetInt32(value), number_text);
			return number_text;
		case TOLD_ORGANIZATION:
		case TOLD_PROJECT:
		case TOLD_RESOURCE:
		case TOLD_ACTOR:
		case TOLD_SUBJECT:
			return DatumGetCString(DirectFunctionCall1(uuid_out, value));
		case TOLD_PATH:
			path = (RbacPath *) PG_DETOAST_DATUM_PACKED(value);
			return rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
		case TOLD_CLIENT_ADDRESS:
			return DatumGetCString(DirectFunctionCall1(inet_out, value));
		case TOLD_BEFORE:
		case TOLD_AFTER:
			json = DatumGetJsonbP(value);
			return JsonbToCString(NULL, &json->root, VARSIZE(json));
		default:
			return TextDatumGetCString(value);
	}
}

/*
 * The digest of a row of the log
 */
bytea *
rbac_evidence_digest(const NullableDatum *told)
{
	uint8		digest[RBAC_DIGEST_LENGTH];
	StringInfoData bytes;
	bytea	   *result = palloc(VARHDRSZ + RBAC_DIGEST_LENGTH);
	char		number[NUMBER_LENGTH];
	int			length;

	initStringInfo(&bytes);
	for (int i = 0; i < TOLD_VALUES; i++)
	{
		char	   *text;

		if (told[i].isnull)
		{
			appendStringInfoChar(&bytes, '-');
			continue;
		}
		text = value_text(i, told[i].value);
		if (GetDatabaseEncoding() != PG_SQL_ASCII)
			text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
		length = pg_ltoa((int) strlen(text), number);
		appendBinaryStringInfo(&bytes, number, length);
		appendStringInfoChar(&bytes, ':');
		appendStringInfoString(&bytes, text);
	}
	rbac_secret_digest(bytes.data, bytes.len, digest);
	SET_VARSIZE(result, VARHDRSZ + RBAC_DIGEST_LENGTH);
	memcpy(VARDATA(result), digest, RBAC_DIGEST_LENGTH);
	return result;
}

Datum
rbac_audit_digest(PG_FUNCTION_ARGS)
{
	NullableDatum told[TOLD_VALUES];

	if (PG_NARGS() != TOLD_VALUES)
		elog(ERROR, "a row of the log has %d values, not %d", TOLD_VALUES, PG_NARGS());
	for (int i = 0; i < TOLD_VALUES; i++)
		told[i] = fcinfo->args[i];
	PG_RETURN_BYTEA_P(rbac_evidence_digest(told));
}

/*
 * How many digests are in a bytea?
 */
static int
count_digests(const bytea *digests)
{
	if (VARSIZE_ANY_EXHDR(digests) % RBAC_DIGEST_LENGTH != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid length of digests: %d", (int) VARSIZE_ANY_EXHDR(digests))));
	return (int) (VARSIZE_ANY_EXHDR(digests) / RBAC_DIGEST_LENGTH);
}

static void
read_peaks(Tree *tree, const bytea *peaks)
{
	tree->npeaks = count_digests(peaks);
	if (tree->npeaks > MOST_PEAKS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("too many peaks: %d", tree->npeaks)));
	memcpy(tree->peaks, VARDATA_ANY(peaks), VARSIZE_ANY_EXHDR(peaks));
}

static bytea *
make_bytea(const void *data, int length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), data, length);
	return result;
}

/*
 * Replace the last two peaks by the node above them.
 */
static void
join_last(Tree *tree)
{
	uint8		node[RBAC_DIGEST_LENGTH];

	digest_of(1, tree->peaks[tree->npeaks - 2], tree->peaks[tree->npeaks - 1], node);
	tree->npeaks--;
	memcpy(tree->peaks[tree->npeaks - 1], node, RBAC_DIGEST_LENGTH);
}

/*
 * aiven_rbac.tree_append(peaks bytea, size bigint, leaves bytea) → bytea
 */
Datum
rbac_tree_append(PG_FUNCTION_ARGS)
{
	bytea	   *leaves = PG_GETARG_BYTEA_PP(2);
	uint64		size = (uint64) PG_GETARG_INT64(1);
	int			nleaves = count_digests(leaves);
	Tree		tree;

	read_peaks(&tree, PG_GETARG_BYTEA_PP(0));
	if (PG_GETARG_INT64(1) < 0 || tree.npeaks != pg_popcount64(size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a tree of " INT64_FORMAT " leaves does not have %d peaks", PG_GETARG_INT64(1), tree.npeaks)));
	for (int i = 0; i < nleaves; i++)
	{
		digest_of(0, (const uint8 *) VARDATA_ANY(leaves) + (Size) i * RBAC_DIGEST_LENGTH, NULL, tree.peaks[tree.npeaks++]);
		/* Each bit of the size that the new leaf carries over joins two peaks. */
		for (uint64 bits = size; (bits & 1) != 0; bits >>= 1)
			join_last(&tree);
		size++;
	}
	PG_RETURN_BYTEA_P(make_bytea(tree.peaks, tree.npeaks * RBAC_DIGEST_LENGTH));
}

/*
 * aiven_rbac.tree_root(peaks bytea) → bytea
 *
 * Without leaves it is the digest of nothing.
 */
Datum
rbac_tree_root(PG_FUNCTION_ARGS)
{
	Tree		tree;

	read_peaks(&tree, PG_GETARG_BYTEA_PP(0));
	if (tree.npeaks == 0)
		rbac_secret_digest("", 0, tree.peaks[tree.npeaks++]);
	while (tree.npeaks > 1)
		join_last(&tree);
	PG_RETURN_BYTEA_P(make_bytea(tree.peaks, RBAC_DIGEST_LENGTH));
}
