/*-------------------------------------------------------------------------
 *
 * rbac_evidence.c
 *	  The tree of digests that shows what the log was.
 *
 * It is the Merkle tree of RFC 6962 (Certificate Transparency): a leaf is the
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
#include "port/pg_bitutils.h"

#include "rbac_secret.h"

PG_FUNCTION_INFO_V1(rbac_tree_append);
PG_FUNCTION_INFO_V1(rbac_tree_root);

/* As many as a number of leaves has bits */
#define MOST_PEAKS	64

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
