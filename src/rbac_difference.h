/*-------------------------------------------------------------------------
 *
 * rbac_difference.h
 *	  Who holds more, and who less, after a change than before it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_DIFFERENCE_H
#define RBAC_DIFFERENCE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/array.h"

#include "rbac_principal.h"

/*
 * A table of which rows are counted, and which resources' rows they are
 */
typedef struct CountedTable
{
	Oid			table;
	NameList   *names;			/* of which its rows require one; resolved */
	bool		by_path;		/* rather than by id */
	char	   *query;			/* counts rows of an array of resources */
} CountedTable;

/* The rows of one table that are gained or lost */
typedef struct CountedRows
{
	const CountedTable *table;
	ArrayType  *resources;
	int64		rows;			/* to be counted by the caller */
} CountedRows;

/* Something that is held on a place, and not on the other side */
typedef struct HeldPlace
{
	RbacPath   *path;
	char	   *name;
} HeldPlace;

/* What several principals gain or lose alike */
typedef struct Share
{
	bool		gained;
	Size		length;
	const void *key;			/* by which it is known */
	List	   *held;			/* HeldPlaces */
	List	   *rows;			/* CountedRows */
} Share;

typedef struct Difference
{
	PrincipalRow principal;
	const char *name;
	Share	   *share;
} Difference;

typedef struct Touched Touched;

extern Touched *rbac_touched_begin(void);
extern void rbac_touched_end(Touched *touched);
extern List *rbac_differences(const Touched *touched, CommandId since, const Subject *viewer,
							  List *tables, List **shares);

#endif							/* RBAC_DIFFERENCE_H */
