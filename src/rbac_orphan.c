/*-------------------------------------------------------------------------
 *
 * rbac_orphan.c
 *	  Rows whose resource does not exist.
 *
 * A foreign key to the resource sees to it that there is none such, where a table
 * has one.  Ids that are made from keys have none, and those of a migration have
 * often none yet.  The lint looks for the rows: nobody sees them, until somebody
 * creates the resource.
 *
 * The lint may have more rights than the owner of the table.  So the rows are
 * read here, by a scan of the table, which runs nothing that belongs to the table:
 * no policy, no function of an index, no cast.  It stops at the first row that it
 * looks for, and in a large table after some millions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_has_orphans);

/* Rows of a table, all of its partitions together, that are looked at */
#define ROWS_LOOKED_AT	5000000

/* What is looked for */
typedef struct Search
{
	const char *column;
	FmgrInfo   *make_id;		/* of a key; NULL if the column has ids */
	Datum		space;
	TableView	view;
	pg_uuid_t	found;			/* the last id whose resource was there */
	bool		is_found;
	int64		rows;			/* still to be looked at */
} Search;

/*
 * The id of the resource that a value of the column names.
 */
static pg_uuid_t *
id_of(Search *search, Datum value, Oid type)
{
	if (search->make_id == NULL)
		return DatumGetUUIDP(value);
	if (type == INT4OID)
		value = Int64GetDatum(DatumGetInt32(value));
	else if (type == INT2OID)
		value = Int64GetDatum(DatumGetInt16(value));
	return DatumGetUUIDP(FunctionCall2(search->make_id, search->space, value));
}

static bool
resource_exists(Search *search, const pg_uuid_t *id)
{
	ResourceRow resource;

	if (search->is_found && memcmp(&search->found, id, sizeof(pg_uuid_t)) == 0)
		return true;
	if (!rbac_tables_resource(&search->view, id, &resource))
		return false;
	search->found = *id;
	search->is_found = true;
	return true;
}

/*
 * Has one partition, or a table that has none, such a row?
 */
static bool
has_orphan(Relation table, Search *search)
{
	AttrNumber	column = get_attnum(RelationGetRelid(table), search->column);
	Oid			type = get_atttype(RelationGetRelid(table), column);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "rbac row", ALLOCSET_SMALL_SIZES);
	TableScanDesc scan = rbac_begin_scan(table, search->view.snapshot);
	bool		result = false;

	while (!result && search->rows-- > 0 && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext caller = MemoryContextSwitchTo(row_context);
		bool		isnull;
		Datum		value = slot_getattr(slot, column, &isnull);

		CHECK_FOR_INTERRUPTS();
		result = !isnull && !resource_exists(search, id_of(search, value, type));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row_context);
	}
	table_endscan(scan);
	MemoryContextDelete(row_context);
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

/*
 * aiven_rbac.has_orphans("table" oid, "column" name, make_id oid, space text) → boolean
 *
 * Has a table, or one of its partitions, a row that names a resource which does
 * not exist?  The column holds ids, or keys of a space from which the function
 * makes ids.  In a large table not all rows are looked at.
 */
Datum
rbac_has_orphans(PG_FUNCTION_ARGS)
{
	Search		search = {0};
	FmgrInfo	make_id;
	bool		result = false;
	ListCell   *lc;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) != PG_ARGISNULL(3))
		PG_RETURN_NULL();
	search.column = NameStr(*PG_GETARG_NAME(1));
	search.rows = ROWS_LOOKED_AT;
	if (!PG_ARGISNULL(2))
	{
		fmgr_info(PG_GETARG_OID(2), &make_id);
		search.make_id = &make_id;
		search.space = PG_GETARG_DATUM(3);
	}

	rbac_tables_lock(&search.view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&search.view);
	foreach(lc, find_all_inheritors(PG_GETARG_OID(0), AccessShareLock, NULL))
	{
		Relation	part = table_open(lfirst_oid(lc), NoLock);

		if (!result && part->rd_rel->relkind == RELKIND_RELATION)
			result = has_orphan(part, &search);
		table_close(part, NoLock);
	}
	rbac_tables_close(&search.view);
	PG_RETURN_BOOL(result);
}
