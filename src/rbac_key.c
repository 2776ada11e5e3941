/*-------------------------------------------------------------------------
 *
 * rbac_key.c
 *	  The foreign key by which a path column follows.
 *
 * Rows that carry a path must follow it when it changes, or a resource that
 * takes the path anew is given them.  So rbac_protect_table() wants a foreign key with ON
 * UPDATE CASCADE on a column of type rbac_path, and declares it if none is
 * there.
 *
 * To declare one requires REFERENCES on aiven_rbac.resource, which no role is to
 * have: PostgreSQL checks a foreign key as the owner of the referenced table,
 * and applies the casts of the referencing column's type there.  On a column
 * that is exactly a rbac_path there is no cast.  So the owner of a table need
 * not have the privilege.  In three steps, each as a role that may do it:
 *
 * - The key is declared as the extension's owner, NOT VALID.  PostgreSQL then
 *   looks at catalogs only, and runs nothing that belongs to the table.
 * - The rows are looked at here, so that the error can name paths that do not
 *   exist.  That reads rows, and runs nothing of the table's either.
 * - The key is validated as the table's owner, apart from the session
 *   (rbac_apart.c), since the planner may run functions of the table's indexes.
 *
 * A partitioned table cannot have a key that is not validated before PostgreSQL
 * 18.  There each partition gets a key of its own in these steps, and the one
 * that is declared on the whole at the end takes them in, and looks at no row.
 * To find the partitions, PostgreSQL may evaluate a constant part of their key,
 * so that one with expressions is left to a superuser.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "path.h"
#include "rbac_apart.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_declare_key);

/* How many paths that do not exist an error names */
#define NAMED_PATHS 3

/*
 * What kind of key is looked for on a column: one that lets its rows follow, or
 * one that was declared here, which the key of a partitioned table takes in.
 */
typedef enum KeyKind
{
	KEY_FOLLOWS,
	KEY_DECLARED_HERE
} KeyKind;

static bool
is_of_kind(const FormData_pg_constraint *key, KeyKind kind)
{
	if (key->confupdtype != FKCONSTR_ACTION_CASCADE)
		return false;
	if (kind == KEY_FOLLOWS)
		return key->convalidated;
	return key->confdeltype == FKCONSTR_ACTION_NOACTION && key->confmatchtype == FKCONSTR_MATCH_SIMPLE &&
		!key->condeferrable && !OidIsValid(key->conparentid);
}

/*
 * Find a key of some kind that leads from a column to paths.  False if there is
 * none.
 */
static bool
find_key(Oid table, const char *column, KeyKind kind, NameData *name, bool *validated)
{
	Relation	relation = table_open(table, NoLock);
	AttrNumber	number = get_attnum(table, column);
	Oid			resource = rbac_table_oid(RBAC_TABLE_RESOURCE);
	AttrNumber	path = get_attnum(resource, "path");
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(relation))
	{
		const ForeignKeyCacheInfo *info = lfirst(lc);
		HeapTuple	tuple;

		if (info->confrelid != resource || info->nkeys != 1 ||
			info->conkey[0] != number || info->confkey[0] != path)
			continue;
		tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(info->conoid));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for constraint %u", info->conoid);
		if (is_of_kind((Form_pg_constraint) GETSTRUCT(tuple), kind))
		{
			found = true;
			*name = ((Form_pg_constraint) GETSTRUCT(tuple))->conname;
			*validated = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
		}
		ReleaseSysCache(tuple);
		if (found && *validated)
			break;
	}
	table_close(relation, NoLock);
	return found;
}

static char *
qualified_name(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
}

static void
declare_key(Oid table, const char *column, const char *validity)
{
	rbac_run_apart(rbac_owner_of(rbac_table_oid(RBAC_TABLE_RESOURCE)),
				   psprintf("ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE%s",
							qualified_name(table), quote_identifier(column), validity));
}

/*
 * Name a path that does not exist, once.
 */
static void
add_name(StringInfo names, int *count, const RbacPath *path)
{
	char	   *name = psprintf("\"%.100s\"", rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)));

	if (strstr(names->data, name) != NULL)
		return;
	appendStringInfo(names, "%s%s", *count > 0 ? ", " : "", name);
	(*count)++;
}

/*
 * Raise an error if a table has rows whose path no resource has.
 */
static void
require_resources(Oid table, const char *column)
{
	Relation	relation = table_open(table, NoLock);
	AttrNumber	number = get_attnum(table, column);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "rbac row", ALLOCSET_SMALL_SIZES);
	StringInfoData names;
	int			count = 0;
	TableView	view;
	TableScanDesc scan;

	initStringInfo(&names);
	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&view);
	scan = rbac_begin_scan(relation, view.snapshot);
	while (count < NAMED_PATHS && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext caller = MemoryContextSwitchTo(row_context);
		bool		isnull;
		Datum		value = slot_getattr(slot, number, &isnull);
		ResourceRow resource;

		CHECK_FOR_INTERRUPTS();
		if (!isnull && !rbac_tables_resource_at(&view, DatumGetRbacPathP(value), &resource))
		{
			const RbacPath *path = DatumGetRbacPathP(value);

			MemoryContextSwitchTo(caller);
			add_name(&names, &count, path);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row_context);
	}
	table_endscan(scan);
	rbac_tables_close(&view);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);

	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("table \"%s\" has rows with paths that do not exist", get_rel_name(table)),
				 errdetail("Such as %s.", names.data),
				 errhint("Correct or delete these rows, or set their column \"%s\" to null.", column)));
}

/*
 * Give a table that is no partitioned one its key, unless it has one of the
 * kind.
 */
static void
add_key(Oid table, const char *column, KeyKind kind)
{
	NameData	name;
	bool		validated;

	if (find_key(table, column, kind, &name, &validated) && validated)
		return;
	if (!find_key(table, column, KEY_DECLARED_HERE, &name, &validated))
	{
		declare_key(table, column, " NOT VALID");
		if (!find_key(table, column, KEY_DECLARED_HERE, &name, &validated))
			elog(ERROR, "the foreign key of table %u is gone", table);
	}
	require_resources(table, column);
	rbac_run_apart(rbac_owner_of(table),
				   psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", qualified_name(table), quote_identifier(NameStr(name))));
}

/*
 * Has a partitioned table a key of partition with expressions?
 */
static bool
has_expressions(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for partition key of relation %u", table);
	result = !heap_attisnull(tuple, Anum_pg_partitioned_table_partexprs, NULL);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Let the key of a partitioned table take in those of its partitions, all of
 * which have one by now.  They are listed anew, for to validate the keys may
 * have run what belongs to the table's owner.
 */
static void
add_key_to_whole(Oid table, const char *column)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table, ShareRowExclusiveLock, NULL))
	{
		Oid			part = lfirst_oid(lc);
		NameData	name;
		bool		validated;

		if (get_rel_relkind(part) == RELKIND_PARTITIONED_TABLE ?
			has_expressions(part) :
			!find_key(part, column, KEY_DECLARED_HERE, &name, &validated) || !validated)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot declare a foreign key on partitioned table \"%s\"", get_rel_name(table)),
					 errdetail("Table \"%s\" is partitioned by an expression, or cannot have a foreign key.", get_rel_name(part)),
					 errhint("Let a superuser declare it: ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE",
							 qualified_name(table), quote_identifier(column))));
	}
	declare_key(table, column, "");
}

static void
require_owner(Oid table)
{
	if (!has_privs_of_role(GetUserId(), rbac_owner_of(table)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
}

/*
 * aiven_rbac.declare_key("table" regclass, "column" name) → void
 *
 * Declare the foreign key that lets a column follow paths, unless it has one.
 * The caller must own the table, and needs no privilege on the extension's.
 */
Datum
rbac_declare_key(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char	   *column = NameStr(*PG_GETARG_NAME(1));
	NameData	name;
	bool		validated;
	ListCell   *lc;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table with OID %u does not exist", table)));
	/* Asked first as well, so that a lock is had by an owner alone. */
	require_owner(table);
	table_close(table_open(table, ShareRowExclusiveLock), NoLock);
	require_owner(table);
	if (get_atttype(table, get_attnum(table, column)) != rbac_path_type_oid())
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" is not of type %s",
						column, get_rel_name(table), format_type_be(rbac_path_type_oid()))));

	if (find_key(table, column, KEY_FOLLOWS, &name, &validated))
		PG_RETURN_VOID();
	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
	{
		add_key(table, column, KEY_FOLLOWS);
		PG_RETURN_VOID();
	}
	foreach(lc, find_all_inheritors(table, ShareRowExclusiveLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			add_key(lfirst_oid(lc), column, KEY_DECLARED_HERE);
	}
	add_key_to_whole(table, column);
	PG_RETURN_VOID();
}
