/*-------------------------------------------------------------------------
 *
 * rbac_tables.c
 *	  The extension's tables: one descriptor each, their OIDs, columns and scans.
 *
 * Every table of the extension has a descriptor here, whether C reads it or
 * not.  The install script makes its triggers, and its list for pg_dump, from
 * the same descriptors, so that no list has to be kept in step with another.
 *
 * Decisions read the extension's tables directly, with no SQL in between: it
 * works in every context (parallel workers, hot standby, another role's
 * query), costs microseconds, and needs no privilege of the caller.
 *
 * A caller first locks the tables that it needs (rbac_tables_lock), then
 * notes what will tell it that its result is still current (a generation), then
 * looks (rbac_tables_look).  The order matters: taking a lock can accept
 * invalidation messages, and the snapshot must not be older than the last
 * message that was accepted.  The transaction's own snapshot would be: under
 * REPEATABLE READ it shows a grant that was revoked since, for as long as the
 * transaction lasts, while the message about it has been used up.  So a look
 * always takes a new snapshot, which sees all that is committed and this
 * transaction's own changes.
 *
 * OIDs are looked up by name, once, and forgotten when one of the tables
 * changes shape or goes away.  That includes a CREATE EXTENSION that is
 * rolled back: the abort replays the messages of the tables' creation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/visibilitymap.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_tables);

static const char *const schema_name = "aiven_rbac";

/*
 * What a change of a table makes old
 */
typedef enum TableSignal
{
	NOT_READ,					/* nothing here: C does not read the table */
	READ_ANEW,					/* nothing: C keeps nothing of what it reads */
	SIGNALS_FACTS,				/* what is kept of principals and resources: see "facts" */
	SIGNALS_CATALOGUE			/* the catalogue that is kept */
} TableSignal;

/*
 * All there is to know of a table but its columns: what C looks up, what the
 * callback recognizes, which triggers the install script makes, and which rows
 * pg_dump saves and subscribers get.  The last three come from here by
 * aiven_rbac.tables().
 */
typedef struct TableDescriptor
{
	const char *name;
	TableSignal signal;
	int			read_for;		/* bits of RbacPurpose */
	const char *dumped;			/* condition on rows, "" for all; NULL: none */
	bool		published;		/* do subscribers get its rows? */
} TableDescriptor;

#define OWN_ROWS	"WHERE NOT built_in"

#define PUBLISHED	true
#define KEPT_HERE	false

/* A role that is gone would be written as a number, which another may have. */
#define LIVING_ROLES	"WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role)"

static const TableDescriptor tables[RBAC_TABLES] = {
	[RBAC_TABLE_RESOURCE] = {"resource", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_RETIRED_ID] = {"retired_id", READ_ANEW, 0, "", PUBLISHED},
	[RBAC_TABLE_ORGANIZATION] = {"organization", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_PRINCIPAL] = {"principal", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_MEMBERSHIP] = {"membership", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_INVITATION] = {"invitation", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_GROUP_MEMBER] = {"group_member", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_ACTION] = {"action", SIGNALS_CATALOGUE, RBAC_FOR_CATALOGUE, OWN_ROWS, PUBLISHED},
	[RBAC_TABLE_GRANTABLE] = {"grantable", SIGNALS_CATALOGUE, RBAC_FOR_CATALOGUE, OWN_ROWS, PUBLISHED},
	[RBAC_TABLE_GRANTABLE_ON] = {"grantable_on", SIGNALS_CATALOGUE, RBAC_FOR_CATALOGUE, OWN_ROWS, PUBLISHED},
	[RBAC_TABLE_ALLOWED_ACTION] = {"allowed_action", SIGNALS_CATALOGUE, RBAC_FOR_CATALOGUE, OWN_ROWS, PUBLISHED},
	[RBAC_TABLE_ACCESS_GRANT] = {"access_grant", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_DOMAIN] = {"domain", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_IDENTITY_PROVIDER] = {"identity_provider", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_AUTHENTICATION_POLICY] = {"authentication_policy", SIGNALS_FACTS, RBAC_FOR_PRINCIPALS, "", PUBLISHED},
	[RBAC_TABLE_BILLING_ADDRESS] = {"billing_address", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_PAYMENT_METHOD] = {"payment_method", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_BILLING_GROUP] = {"billing_group", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_PROJECT] = {"project", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_SERVICE] = {"service", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_PLAN_LIST] = {"plan_list", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_TAG] = {"tag", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_SERVICE_USER] = {"service_user", NOT_READ, 0, "", PUBLISHED},
	[RBAC_TABLE_DATABASE_ROLE] = {"database_role", SIGNALS_FACTS, 0, LIVING_ROLES, KEPT_HERE},
	[RBAC_TABLE_ACKNOWLEDGED_FINDING] = {"acknowledged_finding", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_TOKEN] = {"token", READ_ANEW, 0, "", PUBLISHED},
	[RBAC_TABLE_TOKEN_USE] = {"token_use", READ_ANEW, 0, "", KEPT_HERE},
	[RBAC_TABLE_PRINCIPAL_USE] = {"principal_use", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_AUDIT] = {"audit", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_AUDIT_REST] = {"audit_rest", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_AUDIT_ARCHIVED] = {"audit_archived", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_AUDIT_SEAL] = {"audit_seal", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_AUDIT_HORIZON] = {"audit_horizon", NOT_READ, 0, "", KEPT_HERE},
	[RBAC_TABLE_DUMPED_TABLE] = {"dumped_table", NOT_READ, 0, "", KEPT_HERE},

	/* Whoever is restored from a dump is not the authority that was dumped. */
	[RBAC_TABLE_AUTHORITY] = {"authority", READ_ANEW, 0, NULL, PUBLISHED},

	/* Empty: what matters is the message about them. */
	[RBAC_TABLE_FACTS_SIGNAL] = {"facts_signal", READ_ANEW, 0, NULL, KEPT_HERE},
	[RBAC_TABLE_CATALOGUE_SIGNAL] = {"catalogue_signal", READ_ANEW, 0, NULL, KEPT_HERE},
	[RBAC_TABLE_PLAN_SIGNAL] = {"plan_signal", READ_ANEW, 0, NULL, KEPT_HERE},
};

/*
 * Column numbers, as the install script creates them; an upgrade adds columns
 * at the end only.
 */
enum
{
	RESOURCE_ID = 1,
	RESOURCE_KIND,
	RESOURCE_ORGANIZATION,
	RESOURCE_PARENT,
	RESOURCE_PATH
};
enum
{
	PRINCIPAL_ID = 1,
	PRINCIPAL_KIND,
	PRINCIPAL_ORGANIZATION,
	PRINCIPAL_NAME,
	PRINCIPAL_EMAIL,
	PRINCIPAL_DESCRIPTION,
	PRINCIPAL_ACCOUNT_OWNERS,
	PRINCIPAL_DEACTIVATED_AT
};
enum
{
	MEMBERSHIP_PRINCIPAL = 1,
	MEMBERSHIP_ORGANIZATION
};
enum
{
	GROUP_MEMBER_MEMBER = 1,
	GROUP_MEMBER_GROUP_ID,
	GROUP_MEMBER_ORGANIZATION
};
enum
{
	ACCESS_GRANT_PRINCIPAL = 1,
	ACCESS_GRANT_RESOURCE,
	ACCESS_GRANT_GRANTABLE,
	ACCESS_GRANT_ORGANIZATION,
	ACCESS_GRANT_RESOURCE_KIND,
	ACCESS_GRANT_GRANTABLE_ORGANIZATION,
	ACCESS_GRANT_VALID_FROM,
	ACCESS_GRANT_VALID_UNTIL
};

/* The same in the index by principal */
enum
{
	INDEXED_GRANT_RESOURCE = 2,
	INDEXED_GRANT_GRANTABLE,
	INDEXED_GRANT_ORGANIZATION,
	INDEXED_GRANT_RESOURCE_KIND,
	INDEXED_GRANT_VALID_FROM,
	INDEXED_GRANT_VALID_UNTIL
};

enum
{
	DATABASE_ROLE_ROLE = 1,
	DATABASE_ROLE_PRINCIPAL
};
enum
{
	AUTHENTICATION_POLICY_ORGANIZATION = 1,
	AUTHENTICATION_POLICY_REQUIRE_TWO_FACTOR,
	AUTHENTICATION_POLICY_ALLOWED_METHODS,
	AUTHENTICATION_POLICY_PERSONAL_TOKENS
};
enum
{
	TOKEN_PREFIX = 1,
	TOKEN_PRINCIPAL,
	TOKEN_DIGEST,
	TOKEN_ALLOWED_NETWORKS,
	TOKEN_EXTEND_WHEN_USED,
	TOKEN_EXPIRES_AT,
	TOKEN_REVOKED_AT,
	TOKEN_METHOD = 12,
	TOKEN_TWO_FACTOR
};
enum
{
	TOKEN_USE_PREFIX = 1,
	TOKEN_USE_LAST_USED_AT,
	TOKEN_USE_EXTENDED_UNTIL
};
enum
{
	RETIRED_ID_ID = 1
};
enum
{
	AUTHORITY_INSTALLATION = 1,
	AUTHORITY_DATABASE,
	AUTHORITY_SYSTEM
};
enum
{
	ACTION_NUMBER = 1,
	ACTION_NAME,
	ACTION_RESOURCE_KIND
};
enum
{
	GRANTABLE_ID = 1,
	GRANTABLE_ORGANIZATION,
	GRANTABLE_NAME,
	GRANTABLE_TYPE
};
enum
{
	GRANTABLE_ON_GRANTABLE = 1,
	GRANTABLE_ON_ORGANIZATION,
	GRANTABLE_ON_RESOURCE_KIND
};
enum
{
	ALLOWED_ACTION_GRANTABLE = 1,
	ALLOWED_ACTION_GRANTED_ON,
	ALLOWED_ACTION_ACTION
};

/*
 * What a row of a table that SIGNALS_FACTS states, and the column that says of
 * whom: whoever has read something else need not hear of it.
 */
typedef struct FactDescriptor
{
	RbacFact	fact;
	AttrNumber	about;
} FactDescriptor;

static const FactDescriptor facts[RBAC_TABLES] = {
	[RBAC_TABLE_RESOURCE] = {RBAC_FACT_HIERARCHY, RESOURCE_ORGANIZATION},
	[RBAC_TABLE_PRINCIPAL] = {RBAC_FACT_PRINCIPAL, PRINCIPAL_ID},
	[RBAC_TABLE_MEMBERSHIP] = {RBAC_FACT_PRINCIPAL, MEMBERSHIP_PRINCIPAL},
	[RBAC_TABLE_GROUP_MEMBER] = {RBAC_FACT_PRINCIPAL, GROUP_MEMBER_MEMBER},
	[RBAC_TABLE_ACCESS_GRANT] = {RBAC_FACT_PRINCIPAL, ACCESS_GRANT_PRINCIPAL},
	[RBAC_TABLE_AUTHENTICATION_POLICY] = {RBAC_FACT_POLICY, AUTHENTICATION_POLICY_ORGANIZATION},
};

/* Indexes that scans use */
typedef enum RbacIndex
{
	RESOURCE_BY_ID,
	RESOURCE_BY_PATH,
	RESOURCE_BY_PARENT,
	PRINCIPAL_BY_ID,
	MEMBERSHIP_BY_PRINCIPAL,
	GROUP_MEMBER_BY_MEMBER,
	GROUP_MEMBER_BY_GROUP,
	GROUP_MEMBER_BY_ACCOUNT_OWNERS,
	ACCESS_GRANT_BY_PRINCIPAL,
	ACCESS_GRANT_BY_RESOURCE,
	ACCESS_GRANT_BY_GRANTABLE,
	DATABASE_ROLE_BY_ROLE,
	AUTHENTICATION_POLICY_BY_ORGANIZATION,
	TOKEN_BY_PREFIX,
	TOKEN_USE_BY_PREFIX,
	RETIRED_ID_BY_ID,
	RBAC_INDEXES
} RbacIndex;

/*
 * An index, and its first column, which is the one searched
 */
typedef struct IndexDescriptor
{
	RbacTable	table;
	const char *name;
	AttrNumber	column;
} IndexDescriptor;

static const IndexDescriptor indexes[RBAC_INDEXES] = {
	[RESOURCE_BY_ID] = {RBAC_TABLE_RESOURCE, "resource_pkey", RESOURCE_ID},
	[RESOURCE_BY_PATH] = {RBAC_TABLE_RESOURCE, "resource_path_key", RESOURCE_PATH},
	[RESOURCE_BY_PARENT] = {RBAC_TABLE_RESOURCE, "resource_parent_idx", RESOURCE_PARENT},
	[PRINCIPAL_BY_ID] = {RBAC_TABLE_PRINCIPAL, "principal_pkey", PRINCIPAL_ID},
	[MEMBERSHIP_BY_PRINCIPAL] = {RBAC_TABLE_MEMBERSHIP, "membership_pkey", MEMBERSHIP_PRINCIPAL},
	[GROUP_MEMBER_BY_MEMBER] = {RBAC_TABLE_GROUP_MEMBER, "group_member_pkey", GROUP_MEMBER_MEMBER},
	[GROUP_MEMBER_BY_GROUP] = {RBAC_TABLE_GROUP_MEMBER, "group_member_group_idx", GROUP_MEMBER_GROUP_ID},
	[GROUP_MEMBER_BY_ACCOUNT_OWNERS] = {RBAC_TABLE_GROUP_MEMBER, "group_member_account_owners_idx",
										GROUP_MEMBER_ORGANIZATION},
	[ACCESS_GRANT_BY_PRINCIPAL] = {RBAC_TABLE_ACCESS_GRANT, "access_grant_pkey", ACCESS_GRANT_PRINCIPAL},
	[ACCESS_GRANT_BY_RESOURCE] = {RBAC_TABLE_ACCESS_GRANT, "access_grant_resource_idx", ACCESS_GRANT_RESOURCE},
	[ACCESS_GRANT_BY_GRANTABLE] = {RBAC_TABLE_ACCESS_GRANT, "access_grant_grantable_idx", ACCESS_GRANT_GRANTABLE},
	[DATABASE_ROLE_BY_ROLE] = {RBAC_TABLE_DATABASE_ROLE, "database_role_pkey", DATABASE_ROLE_ROLE},
	[AUTHENTICATION_POLICY_BY_ORGANIZATION] = {RBAC_TABLE_AUTHENTICATION_POLICY, "authentication_policy_pkey",
											   AUTHENTICATION_POLICY_ORGANIZATION},
	[TOKEN_BY_PREFIX] = {RBAC_TABLE_TOKEN, "token_pkey", TOKEN_PREFIX},
	[TOKEN_USE_BY_PREFIX] = {RBAC_TABLE_TOKEN_USE, "token_use_pkey", TOKEN_USE_PREFIX},
	[RETIRED_ID_BY_ID] = {RBAC_TABLE_RETIRED_ID, "retired_id_pkey", RETIRED_ID_ID},
};

/*
 * What the names stand for in this database.  table_oids outlive "known": a
 * message about a table that was looked up once must still be recognized.
 */
static bool known = false;
static Oid	table_oids[RBAC_TABLES];
static Oid	index_oids[RBAC_INDEXES];
static Oid	path_type;
static Oid	path_eq_func;
static Oid	path_ge_func;
static Oid	path_le_func;

static const char *const kind_names[RBAC_RESOURCE_KINDS] = {
	[RBAC_ORGANIZATION] = "organization",
	[RBAC_UNIT] = "unit",
	[RBAC_PROJECT] = "project",
	[RBAC_SERVICE] = "service",
};

const char *
rbac_kind_name(ResourceKind kind)
{
	return kind_names[kind];
}

bool
rbac_kind_from_name(const char *name, ResourceKind *kind)
{
	for (int i = 0; i < RBAC_RESOURCE_KINDS; i++)
	{
		if (strcmp(name, kind_names[i]) == 0)
		{
			*kind = (ResourceKind) i;
			return true;
		}
	}
	return false;
}

/*
 * Does a relation cache message about relid mean that something here changed?
 * Called from the invalidation callback, so it looks at nothing but memory.
 */
RbacChange
rbac_tables_change(Oid relid)
{
	if (!OidIsValid(relid))
		return RBAC_CHANGE_ALL;
	for (int i = 0; i < RBAC_TABLES; i++)
	{
		if (table_oids[i] != relid)
			continue;
		if (i == RBAC_TABLE_PLAN_SIGNAL)
			return RBAC_CHANGE_NONE;
		if (i == RBAC_TABLE_FACTS_SIGNAL)
			return RBAC_CHANGE_FACTS;
		if (i == RBAC_TABLE_CATALOGUE_SIGNAL)
			return RBAC_CHANGE_CATALOGUE;
		known = false;
		return tables[i].signal == SIGNALS_CATALOGUE ? RBAC_CHANGE_CATALOGUE : RBAC_CHANGE_FACTS;
	}
	return RBAC_CHANGE_NONE;
}

/*
 * What does a row state, and of whom?
 */
RbacFact
rbac_tables_fact(Relation rel, HeapTuple row, pg_uuid_t *about)
{
	for (int i = 0; i < RBAC_TABLES; i++)
	{
		Datum		value;
		bool		isnull;

		if (facts[i].fact == RBAC_FACT_ANY || rbac_table_oid((RbacTable) i) != RelationGetRelid(rel))
			continue;
		value = heap_getattr(row, facts[i].about, RelationGetDescr(rel), &isnull);
		if (isnull)
			break;
		*about = *DatumGetUUIDP(value);
		return facts[i].fact;
	}
	return RBAC_FACT_ANY;
}

/*
 * Look every name up again before the next use.
 */
void
rbac_tables_forget(void)
{
	known = false;
}

static Oid
path_comparison(StrategyNumber strategy)
{
	TypeCacheEntry *type = lookup_type_cache(path_type, TYPECACHE_BTREE_OPFAMILY);
	Oid			function = get_opcode(get_opfamily_member(type->btree_opf, path_type, path_type,
														  strategy));

	if (!OidIsValid(function))
		elog(ERROR, "type %u has no comparison operator %d", path_type, strategy);
	return function;
}

static void
look_names_up(void)
{
	Oid			schema = get_namespace_oid(schema_name, false);

	/* A new library meets tables of an older version: only look for what is read. */
	for (int i = 0; i < RBAC_TABLES; i++)
	{
		if (tables[i].signal == NOT_READ)
			continue;
		table_oids[i] = get_relname_relid(tables[i].name, schema);
		if (!OidIsValid(table_oids[i]))
			elog(ERROR, "table \"%s.%s\" does not exist", schema_name, tables[i].name);
	}
	for (int i = 0; i < RBAC_INDEXES; i++)
	{
		index_oids[i] = get_relname_relid(indexes[i].name, schema);
		if (!OidIsValid(index_oids[i]))
			elog(ERROR, "index \"%s.%s\" does not exist", schema_name, indexes[i].name);
	}

	/* rbac_path has no fixed OID: the column tells it. */
	path_type = get_atttype(table_oids[RBAC_TABLE_RESOURCE], RESOURCE_PATH);
	path_eq_func = path_comparison(BTEqualStrategyNumber);
	path_ge_func = path_comparison(BTGreaterEqualStrategyNumber);
	path_le_func = path_comparison(BTLessEqualStrategyNumber);
	known = true;
}

Oid
rbac_table_oid(RbacTable table)
{
	if (!known)
		look_names_up();
	return table_oids[table];
}

/*
 * The condition for dumped_table: what this installation says of the tables that
 * have rows to save.  pg_dump evaluates it, and allows itself no view.
 */
static char *
filled_tables(void)
{
	StringInfoData condition;

	initStringInfo(&condition);
	appendStringInfo(&condition,
					 "WHERE installation IN (SELECT o.installation FROM %1$s.%2$s AS o WHERE o.name = '%2$s') AND CASE name",
					 schema_name, tables[RBAC_TABLE_DUMPED_TABLE].name);
	for (int i = 0; i < RBAC_TABLES; i++)
	{
		if (i != RBAC_TABLE_DUMPED_TABLE && tables[i].dumped != NULL)
			appendStringInfo(&condition, " WHEN '%2$s' THEN EXISTS (SELECT FROM %1$s.%2$s %3$s)",
							 schema_name, tables[i].name, tables[i].dumped);
	}
	appendStringInfoString(&condition, " ELSE false END");
	return condition.data;
}

/*
 * aiven_rbac.tables() → (name text, signal text, condition text, published boolean)
 *
 * The tables of the extension, a table after those that it references.  The
 * signal is the one that a change sends: "facts", "catalogue" or, where C reads
 * the table and keeps nothing, "none"; NULL where it does not read it.  The
 * condition is on the rows that pg_dump saves: '' for all, NULL for none.  What
 * is published is all that a subscriber needs, and nothing that is a server's own.
 */
Datum
rbac_tables(PG_FUNCTION_ARGS)
{
	static const char *const signal_names[] = {
		[READ_ANEW] = "none",
		[SIGNALS_FACTS] = "facts",
		[SIGNALS_CATALOGUE] = "catalogue",
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	rbac_materialize(fcinfo);
	for (int i = 0; i < RBAC_TABLES; i++)
	{
		const TableDescriptor *table = &tables[i];
		Datum		values[4] = {0};
		bool		nulls[4] = {false, table->signal == NOT_READ, table->dumped == NULL, false};

		values[0] = CStringGetTextDatum(table->name);
		if (table->signal != NOT_READ)
			values[1] = CStringGetTextDatum(signal_names[table->signal]);
		if (table->dumped != NULL)
			values[2] = CStringGetTextDatum(i == RBAC_TABLE_DUMPED_TABLE ? filled_tables() : table->dumped);
		values[3] = BoolGetDatum(table->published);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * OID of the schema that the extension's tables are in; InvalidOid if this
 * database does not have it.
 */
Oid
rbac_schema_oid(void)
{
	return get_namespace_oid(schema_name, true);
}

/*
 * OID of rbac_path
 */
Oid
rbac_path_type_oid(void)
{
	if (!known)
		look_names_up();
	return path_type;
}

/*
 * The tables that are read for a purpose, as bits
 */
uint64
rbac_tables_read_for(RbacPurpose purpose)
{
	uint64		result = 0;

	for (int i = 0; i < RBAC_TABLES; i++)
	{
		if (tables[i].read_for & purpose)
			result |= RBAC_TABLE_BIT(i);
	}
	return result;
}

/*
 * Open and lock the tables whose bits are set.  This can accept invalidation
 * messages.  One whose descriptor says that it is not read can't be.
 */
void
rbac_tables_lock(TableView *view, uint64 wanted)
{
	memset(view, 0, sizeof(TableView));
	view->open = wanted;
	for (; wanted != 0; wanted &= wanted - 1)
	{
		int			i = pg_rightmost_one_pos64(wanted);

		if (tables[i].signal == NOT_READ)
			elog(ERROR, "table \"%s.%s\" is not read", schema_name, tables[i].name);
		view->rel[i] = table_open(rbac_table_oid((RbacTable) i), AccessShareLock);
	}
}

/*
 * Take the snapshot.  GetCatalogSnapshot() gives a new one for any relation
 * that no system cache covers, in every isolation level and in parallel
 * workers.
 */
void
rbac_tables_look(TableView *view)
{
	view->snapshot = RegisterSnapshot(GetCatalogSnapshot(table_oids[RBAC_TABLE_RESOURCE]));
}

/*
 * The same without what this transaction changed in a command or later.
 */
void
rbac_tables_look_before(TableView *view, CommandId command)
{
	rbac_tables_look(view);
	view->snapshot->curcid = command;
}

/*
 * Both at one moment: what is there now, and what was there before a command of
 * this transaction.  What others commit makes no difference between the two.
 */
void
rbac_tables_look_around(TableView *before, TableView *after, CommandId command)
{
	Snapshot	now = GetCatalogSnapshot(table_oids[RBAC_TABLE_RESOURCE]);

	after->snapshot = RegisterSnapshot(now);
	before->snapshot = RegisterSnapshot(now);
	before->snapshot->curcid = command;
}

void
rbac_tables_close(TableView *view)
{
	UnregisterSnapshot(view->snapshot);
	for (uint64 open = view->open; open != 0; open &= open - 1)
		table_close(view->rel[pg_rightmost_one_pos64(open)], AccessShareLock);
}

/*
 * Scan a table, by conditions on the first column of an index of it or as a
 * whole (RBAC_INDEXES), and give each tuple to "row_of" and its row to
 * "callback".  With no callback the scan ends at the first tuple.  Returns
 * whether there was one.
 */
typedef void (*RowReader)(HeapTuple tuple, TupleDesc desc, void *row);

static bool
scan(TableView *view, RbacTable table, RbacIndex index, int nkeys, ScanKey keys,
	 RowReader row_of, void *row, RbacRowCallback callback, void *arg)
{
	Relation	rel = view->rel[table];
	bool		indexed = index != RBAC_INDEXES;
	SysScanDesc desc;
	HeapTuple	tuple;
	bool		found = false;

	view->enough = false;
	desc = systable_beginscan(rel, indexed ? index_oids[index] : InvalidOid, indexed,
							  view->snapshot, nkeys, keys);
	while (!view->enough && (tuple = systable_getnext(desc)) != NULL)
	{
		found = true;
		row_of(tuple, RelationGetDescr(rel), row);
		if (callback == NULL)
			break;
		callback(row, arg);
	}
	systable_endscan(desc);
	return found;
}

static bool
scan_equal(TableView *view, RbacIndex index, RegProcedure eq, Datum value,
		   RowReader row_of, void *row, RbacRowCallback callback, void *arg)
{
	ScanKeyData key;

	ScanKeyInit(&key, indexes[index].column, BTEqualStrategyNumber, eq, value);
	return scan(view, indexes[index].table, index, 1, &key, row_of, row, callback, arg);
}

static bool
scan_by_uuid(TableView *view, RbacIndex index, const pg_uuid_t *value,
			 RowReader row_of, void *row, RbacRowCallback callback, void *arg)
{
	return scan_equal(view, index, F_UUID_EQ, UUIDPGetDatum(value), row_of, row, callback, arg);
}

static void
scan_all(TableView *view, RbacTable table, RowReader row_of, void *row,
		 RbacRowCallback callback, void *arg)
{
	scan(view, table, RBAC_INDEXES, 0, NULL, row_of, row, callback, arg);
}

/*
 * The same for one value, by an index that has every column that is needed: where
 * a page's rows are all visible to everybody, none of them is fetched.  False if
 * PostgreSQL does without indexes.
 */
typedef void (*IndexReader)(IndexTuple tuple, TupleDesc desc, void *row);

static bool
scan_index_only(TableView *view, RbacIndex index, const pg_uuid_t *value,
				IndexReader row_of, void *row, RbacRowCallback callback, void *arg)
{
	Relation	rel = view->rel[indexes[index].table];
	Buffer		map = InvalidBuffer;
	ScanKeyData key;
	SysScanDesc desc;
	ItemPointer at;

	view->enough = false;
	ScanKeyInit(&key, indexes[index].column, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(value));
	desc = systable_beginscan(rel, index_oids[index], true, view->snapshot, 1, &key);
	if (desc->iscan == NULL)
	{
		systable_endscan(desc);
		return false;
	}
	desc->iscan->xs_want_itup = true;
	index_rescan(desc->iscan, NULL, 1, NULL, 0);
	while (!view->enough && (at = index_getnext_tid(desc->iscan, ForwardScanDirection)) != NULL)
	{
		if (!VM_ALL_VISIBLE(rel, ItemPointerGetBlockNumber(at), &map) &&
			!index_fetch_heap(desc->iscan, desc->slot))
			continue;
		row_of(desc->iscan->xs_itup, desc->iscan->xs_itupdesc, row);
		callback(row, arg);
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	systable_endscan(desc);
	return true;
}

/* Columns that are declared NOT NULL */
static Datum
column_of(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a table of %s", column, schema_name);
	return value;
}

static pg_uuid_t
uuid_of(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	return *DatumGetUUIDP(column_of(tuple, desc, column));
}

static pg_uuid_t
uuid_or_nil(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	static const pg_uuid_t nil = {{0}};
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? nil : *DatumGetUUIDP(value);
}

static char *
text_of(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	return TextDatumGetCString(column_of(tuple, desc, column));
}

static bool
text_is(const text *value, const char *string)
{
	return strlen(string) == VARSIZE_ANY_EXHDR(value) && memcmp(string, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) == 0;
}

static ResourceKind
kind_in(Datum datum)
{
	text	   *value = DatumGetTextPP(datum);

	for (int i = 0; i < RBAC_RESOURCE_KINDS; i++)
	{
		if (text_is(value, kind_names[i]))
			return (ResourceKind) i;
	}
	elog(ERROR, "unknown kind of resource in a table of %s", schema_name);
}

static ResourceKind
kind_of(HeapTuple tuple, TupleDesc desc, AttrNumber column)
{
	return kind_in(column_of(tuple, desc, column));
}

static TimestampTz
instant_of(HeapTuple tuple, TupleDesc desc, AttrNumber column, TimestampTz when_null)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? when_null : DatumGetTimestampTz(value);
}

static void
read_resource(HeapTuple tuple, TupleDesc desc, void *row)
{
	ResourceRow *resource = row;

	resource->id = uuid_of(tuple, desc, RESOURCE_ID);
	resource->kind = kind_of(tuple, desc, RESOURCE_KIND);
	resource->organization = uuid_of(tuple, desc, RESOURCE_ORGANIZATION);
	resource->parent = uuid_or_nil(tuple, desc, RESOURCE_PARENT);
	resource->path = (RbacPath *) PG_DETOAST_DATUM_COPY(column_of(tuple, desc, RESOURCE_PATH));
}

bool
rbac_tables_resource(TableView *view, const pg_uuid_t *id, ResourceRow *row)
{
	return scan_by_uuid(view, RESOURCE_BY_ID, id, read_resource, row, NULL, NULL);
}

bool
rbac_tables_resource_at(TableView *view, const RbacPath *path, ResourceRow *row)
{
	return scan_equal(view, RESOURCE_BY_PATH, path_eq_func, PointerGetDatum(path), read_resource, row, NULL, NULL);
}

/*
 * A resource and all that is below it, in path order; the callback gets a
 * ResourceRow, and can end the scan by setting view->enough.
 */
void
rbac_tables_subtree(TableView *view, const char *path, int length, RbacRowCallback callback, void *arg)
{
	ScanKeyData keys[2];
	ResourceRow row;

	ScanKeyInit(&keys[0], RESOURCE_PATH, BTGreaterEqualStrategyNumber, path_ge_func,
				PointerGetDatum(rbac_path_make(path, length)));
	ScanKeyInit(&keys[1], RESOURCE_PATH, BTLessEqualStrategyNumber, path_le_func,
				PointerGetDatum(rbac_path_make_subtree_end(path, length)));
	scan(view, RBAC_TABLE_RESOURCE, RESOURCE_BY_PATH, 2, keys, read_resource, &row, callback, arg);
}

/*
 * Some paths that divide all resources into parts of one size, in order, as the
 * last ANALYZE has found them, and how many resources there are.  Until then
 * there are no paths.
 */
RbacPath **
rbac_tables_path_sample(int *count, double *total)
{
	Oid			table = rbac_table_oid(RBAC_TABLE_RESOURCE);
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(RESOURCE_PATH),
										BoolGetDatum(false));
	RbacPath  **paths = NULL;
	AttStatsSlot slot;
	Relation	rel;

	*count = 0;
	*total = 0;
	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		rel = table_open(table, AccessShareLock);
		*total = rel->rd_rel->reltuples;
		table_close(rel, AccessShareLock);
		*count = slot.nvalues;
		paths = palloc(Max(slot.nvalues, 1) * sizeof(RbacPath *));
		for (int i = 0; i < slot.nvalues; i++)
		{
			const RbacPath *path = DatumGetRbacPathP(slot.values[i]);

			paths[i] = rbac_path_make(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
		}
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return paths;
}

/*
 * The resources directly inside "parent"; the callback gets a ResourceRow.
 */
void
rbac_tables_children(TableView *view, const pg_uuid_t *parent, RbacRowCallback callback, void *arg)
{
	ResourceRow row;

	scan_by_uuid(view, RESOURCE_BY_PARENT, parent, read_resource, &row, callback, arg);
}

static PrincipalKind
principal_kind_of(HeapTuple tuple, TupleDesc desc)
{
	text	   *value = DatumGetTextPP(column_of(tuple, desc, PRINCIPAL_KIND));

	if (text_is(value, "user"))
		return RBAC_USER;
	return text_is(value, "group") ? RBAC_GROUP : RBAC_APPLICATION_USER;
}

static void
read_principal(HeapTuple tuple, TupleDesc desc, void *row)
{
	PrincipalRow *principal = row;

	memset(principal, 0, sizeof(PrincipalRow));
	principal->id = uuid_of(tuple, desc, PRINCIPAL_ID);
	principal->kind = principal_kind_of(tuple, desc);
	principal->has_organization = principal->kind != RBAC_USER;
	if (principal->has_organization)
		principal->organization = uuid_of(tuple, desc, PRINCIPAL_ORGANIZATION);
	principal->account_owners = DatumGetBool(column_of(tuple, desc, PRINCIPAL_ACCOUNT_OWNERS));
	principal->deactivated = !heap_attisnull(tuple, PRINCIPAL_DEACTIVATED_AT, desc);
}

bool
rbac_tables_principal(TableView *view, const pg_uuid_t *id, PrincipalRow *row)
{
	return scan_by_uuid(view, PRINCIPAL_BY_ID, id, read_principal, row, NULL, NULL);
}

void
rbac_tables_principals(TableView *view, RbacRowCallback callback, void *arg)
{
	PrincipalRow row;

	scan_all(view, RBAC_TABLE_PRINCIPAL, read_principal, &row, callback, arg);
}

static void
read_principal_name(HeapTuple tuple, TupleDesc desc, void *row)
{
	*(char **) row = text_of(tuple, desc,
							 principal_kind_of(tuple, desc) == RBAC_USER ? PRINCIPAL_EMAIL : PRINCIPAL_NAME);
}

/*
 * A user's email, the name of other principals; NULL if there is no such principal.
 */
char *
rbac_tables_principal_name(TableView *view, const pg_uuid_t *id)
{
	char	   *name = NULL;

	scan_by_uuid(view, PRINCIPAL_BY_ID, id, read_principal_name, &name, NULL, NULL);
	return name;
}

static void
read_membership(HeapTuple tuple, TupleDesc desc, void *row)
{
	*(pg_uuid_t *) row = uuid_of(tuple, desc, MEMBERSHIP_ORGANIZATION);
}

/*
 * The organizations that a principal is a member of; the callback gets a
 * pg_uuid_t.
 */
void
rbac_tables_memberships(TableView *view, const pg_uuid_t *principal, RbacRowCallback callback, void *arg)
{
	pg_uuid_t	row;

	scan_by_uuid(view, MEMBERSHIP_BY_PRINCIPAL, principal, read_membership, &row, callback, arg);
}

static void
read_group_member(HeapTuple tuple, TupleDesc desc, void *row)
{
	GroupMemberRow *member = row;

	member->member = uuid_of(tuple, desc, GROUP_MEMBER_MEMBER);
	member->group_id = uuid_of(tuple, desc, GROUP_MEMBER_GROUP_ID);
	member->organization = uuid_of(tuple, desc, GROUP_MEMBER_ORGANIZATION);
}

void
rbac_tables_groups(TableView *view, const pg_uuid_t *member, RbacRowCallback callback, void *arg)
{
	GroupMemberRow row;

	scan_by_uuid(view, GROUP_MEMBER_BY_MEMBER, member, read_group_member, &row, callback, arg);
}

void
rbac_tables_members(TableView *view, const pg_uuid_t *group, RbacRowCallback callback, void *arg)
{
	GroupMemberRow row;

	scan_by_uuid(view, GROUP_MEMBER_BY_GROUP, group, read_group_member, &row, callback, arg);
}

/*
 * The super admins of an organization
 */
void
rbac_tables_account_owners(TableView *view, const pg_uuid_t *organization, RbacRowCallback callback, void *arg)
{
	GroupMemberRow row;

	scan_by_uuid(view, GROUP_MEMBER_BY_ACCOUNT_OWNERS, organization, read_group_member, &row, callback, arg);
}

static void
read_access_grant(HeapTuple tuple, TupleDesc desc, void *row)
{
	AccessGrantRow *grant = row;

	grant->principal = uuid_of(tuple, desc, ACCESS_GRANT_PRINCIPAL);
	grant->resource = uuid_of(tuple, desc, ACCESS_GRANT_RESOURCE);
	grant->grantable = uuid_of(tuple, desc, ACCESS_GRANT_GRANTABLE);
	grant->organization = uuid_of(tuple, desc, ACCESS_GRANT_ORGANIZATION);
	grant->kind = kind_of(tuple, desc, ACCESS_GRANT_RESOURCE_KIND);
	grant->valid_from = instant_of(tuple, desc, ACCESS_GRANT_VALID_FROM, DT_NOBEGIN);
	grant->valid_until = instant_of(tuple, desc, ACCESS_GRANT_VALID_UNTIL, DT_NOEND);
}

static Datum
index_column(IndexTuple tuple, TupleDesc desc, AttrNumber column)
{
	bool		isnull;
	Datum		value = index_getattr(tuple, column, desc, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of an index of %s", column, schema_name);
	return value;
}

static TimestampTz
index_instant(IndexTuple tuple, TupleDesc desc, AttrNumber column, TimestampTz when_null)
{
	bool		isnull;
	Datum		value = index_getattr(tuple, column, desc, &isnull);

	return isnull ? when_null : DatumGetTimestampTz(value);
}

static void
read_indexed_grant(IndexTuple tuple, TupleDesc desc, void *row)
{
	AccessGrantRow *grant = row;

	grant->resource = *DatumGetUUIDP(index_column(tuple, desc, INDEXED_GRANT_RESOURCE));
	grant->grantable = *DatumGetUUIDP(index_column(tuple, desc, INDEXED_GRANT_GRANTABLE));
	grant->organization = *DatumGetUUIDP(index_column(tuple, desc, INDEXED_GRANT_ORGANIZATION));
	grant->kind = kind_in(index_column(tuple, desc, INDEXED_GRANT_RESOURCE_KIND));
	grant->valid_from = index_instant(tuple, desc, INDEXED_GRANT_VALID_FROM, DT_NOBEGIN);
	grant->valid_until = index_instant(tuple, desc, INDEXED_GRANT_VALID_UNTIL, DT_NOEND);
}

/*
 * The grants of a principal, by resource.  A principal's cold start is mostly this:
 * its grants stand all over the table, and side by side in the index.
 */
void
rbac_tables_grants(TableView *view, const pg_uuid_t *principal, RbacRowCallback callback, void *arg)
{
	AccessGrantRow row;

	if (!scan_index_only(view, ACCESS_GRANT_BY_PRINCIPAL, principal, read_indexed_grant, &row, callback, arg))
		scan_by_uuid(view, ACCESS_GRANT_BY_PRINCIPAL, principal, read_access_grant, &row, callback, arg);
}

void
rbac_tables_grants_on(TableView *view, const pg_uuid_t *resource, RbacRowCallback callback, void *arg)
{
	AccessGrantRow row;

	scan_by_uuid(view, ACCESS_GRANT_BY_RESOURCE, resource, read_access_grant, &row, callback, arg);
}

void
rbac_tables_grants_of(TableView *view, const pg_uuid_t *grantable, RbacRowCallback callback, void *arg)
{
	AccessGrantRow row;

	scan_by_uuid(view, ACCESS_GRANT_BY_GRANTABLE, grantable, read_access_grant, &row, callback, arg);
}

static void
read_database_role(HeapTuple tuple, TupleDesc desc, void *row)
{
	bool		is_null;
	Datum		principal = heap_getattr(tuple, DATABASE_ROLE_PRINCIPAL, desc, &is_null);

	if (!is_null)
		*(pg_uuid_t *) row = *DatumGetUUIDP(principal);
}

/*
 * The principal that a database role is mapped to.
 */
bool
rbac_tables_role_principal(TableView *view, Oid role, pg_uuid_t *principal)
{
	memset(principal, 0, sizeof(pg_uuid_t));
	return scan_equal(view, DATABASE_ROLE_BY_ROLE, F_OIDEQ, ObjectIdGetDatum(role),
					  read_database_role, principal, NULL, NULL) &&
		!rbac_uuid_is_nil(principal);
}

static void
read_authentication_policy(HeapTuple tuple, TupleDesc desc, void *row)
{
	AuthenticationPolicyRow *policy = row;
	Datum		methods;
	Datum	   *elements;

	policy->require_two_factor =
		DatumGetBool(column_of(tuple, desc, AUTHENTICATION_POLICY_REQUIRE_TWO_FACTOR));
	policy->personal_tokens =
		DatumGetBool(column_of(tuple, desc, AUTHENTICATION_POLICY_PERSONAL_TOKENS));
	policy->nmethods = 0;
	methods = heap_getattr(tuple, AUTHENTICATION_POLICY_ALLOWED_METHODS, desc, &policy->any_method);
	if (policy->any_method)
		return;
	deconstruct_array(DatumGetArrayTypeP(methods), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &policy->nmethods);
	policy->methods = palloc(Max(policy->nmethods, 1) * sizeof(char *));
	for (int i = 0; i < policy->nmethods; i++)
		policy->methods[i] = TextDatumGetCString(elements[i]);
}

/*
 * What an organization demands of a user's session (G9); false if nothing.
 */
bool
rbac_tables_authentication_policy(TableView *view, const pg_uuid_t *organization,
								   AuthenticationPolicyRow *row)
{
	return scan_by_uuid(view, AUTHENTICATION_POLICY_BY_ORGANIZATION, organization,
						read_authentication_policy, row, NULL, NULL);
}

static void
read_token(HeapTuple tuple, TupleDesc desc, void *row)
{
	TokenRow   *token = row;
	bytea	   *digest = DatumGetByteaPP(column_of(tuple, desc, TOKEN_DIGEST));
	bool		isnull;
	Datum		networks = heap_getattr(tuple, TOKEN_ALLOWED_NETWORKS, desc, &isnull);

	if (VARSIZE_ANY_EXHDR(digest) != RBAC_DIGEST_LENGTH)
		elog(ERROR, "unexpected length of the digest of a token");
	memcpy(token->digest, VARDATA_ANY(digest), RBAC_DIGEST_LENGTH);
	token->principal = uuid_of(tuple, desc, TOKEN_PRINCIPAL);
	token->allowed_networks = isnull ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(networks));
	token->method = heap_attisnull(tuple, TOKEN_METHOD, desc) ? "" : text_of(tuple, desc, TOKEN_METHOD);
	token->two_factor = DatumGetBool(column_of(tuple, desc, TOKEN_TWO_FACTOR));
	token->extend_when_used = DatumGetBool(column_of(tuple, desc, TOKEN_EXTEND_WHEN_USED));
	token->expires_at = instant_of(tuple, desc, TOKEN_EXPIRES_AT, DT_NOEND);
	token->revoked_at = instant_of(tuple, desc, TOKEN_REVOKED_AT, DT_NOEND);
	token->last_used_at = DT_NOBEGIN;
}

static void
read_token_use(HeapTuple tuple, TupleDesc desc, void *row)
{
	TokenRow   *token = row;

	token->last_used_at = instant_of(tuple, desc, TOKEN_USE_LAST_USED_AT, DT_NOBEGIN);
	token->expires_at = instant_of(tuple, desc, TOKEN_USE_EXTENDED_UNTIL, token->expires_at);
}

/*
 * The token with a prefix.
 */
bool
rbac_tables_token(TableView *view, const char *prefix, TokenRow *row)
{
	Datum		key = CStringGetTextDatum(prefix);

	if (!scan_equal(view, TOKEN_BY_PREFIX, F_TEXTEQ, key, read_token, row, NULL, NULL))
		return false;
	scan_equal(view, TOKEN_USE_BY_PREFIX, F_TEXTEQ, key, read_token_use, row, NULL, NULL);
	return true;
}

static void
read_nothing(HeapTuple tuple, TupleDesc desc, void *row)
{
}

/*
 * Was there a resource with this id that is deleted?
 */
bool
rbac_tables_is_retired(TableView *view, const pg_uuid_t *id)
{
	return scan_by_uuid(view, RETIRED_ID_BY_ID, id, read_nothing, NULL, NULL, NULL);
}

static void
read_authority(HeapTuple tuple, TupleDesc desc, void *row)
{
	AuthorityRow *authority = row;

	authority->database = text_of(tuple, desc, AUTHORITY_DATABASE);
	authority->system = (uint64) DatumGetInt64(column_of(tuple, desc, AUTHORITY_SYSTEM));
}

/*
 * The authority whose rows these are; false if none has said so.
 */
bool
rbac_tables_authority(TableView *view, AuthorityRow *row)
{
	return scan(view, RBAC_TABLE_AUTHORITY, RBAC_INDEXES, 0, NULL, read_authority, row, NULL, NULL);
}

static void
read_action(HeapTuple tuple, TupleDesc desc, void *row)
{
	ActionRow  *action = row;

	action->number = DatumGetInt16(column_of(tuple, desc, ACTION_NUMBER));
	action->name = text_of(tuple, desc, ACTION_NAME);
	action->kind = kind_of(tuple, desc, ACTION_RESOURCE_KIND);
}

void
rbac_tables_actions(TableView *view, RbacRowCallback callback, void *arg)
{
	ActionRow	row;

	scan_all(view, RBAC_TABLE_ACTION, read_action, &row, callback, arg);
}

static void
read_grantable(HeapTuple tuple, TupleDesc desc, void *row)
{
	GrantableRow *grantable = row;

	grantable->id = uuid_of(tuple, desc, GRANTABLE_ID);
	grantable->organization = uuid_of(tuple, desc, GRANTABLE_ORGANIZATION);
	grantable->name = text_of(tuple, desc, GRANTABLE_NAME);
	grantable->type = text_of(tuple, desc, GRANTABLE_TYPE);
}

void
rbac_tables_grantables(TableView *view, RbacRowCallback callback, void *arg)
{
	GrantableRow row;

	scan_all(view, RBAC_TABLE_GRANTABLE, read_grantable, &row, callback, arg);
}

static void
read_grantable_on(HeapTuple tuple, TupleDesc desc, void *row)
{
	GrantableOnRow *on = row;

	on->grantable = uuid_of(tuple, desc, GRANTABLE_ON_GRANTABLE);
	on->kind = kind_of(tuple, desc, GRANTABLE_ON_RESOURCE_KIND);
}

void
rbac_tables_grantable_on(TableView *view, RbacRowCallback callback, void *arg)
{
	GrantableOnRow row;

	scan_all(view, RBAC_TABLE_GRANTABLE_ON, read_grantable_on, &row, callback, arg);
}

static void
read_allowed_action(HeapTuple tuple, TupleDesc desc, void *row)
{
	AllowedActionRow *allowed = row;

	allowed->grantable = uuid_of(tuple, desc, ALLOWED_ACTION_GRANTABLE);
	allowed->granted_on = kind_of(tuple, desc, ALLOWED_ACTION_GRANTED_ON);
	allowed->action = DatumGetInt16(column_of(tuple, desc, ALLOWED_ACTION_ACTION));
}

void
rbac_tables_allowed_actions(TableView *view, RbacRowCallback callback, void *arg)
{
	AllowedActionRow row;

	scan_all(view, RBAC_TABLE_ALLOWED_ACTION, read_allowed_action, &row, callback, arg);
}

/*
 * The resource that a row of a table states; false if the table is another.
 */
bool
rbac_tables_read_resource(Relation rel, HeapTuple row, ResourceRow *resource)
{
	if (RelationGetRelid(rel) != rbac_table_oid(RBAC_TABLE_RESOURCE))
		return false;
	read_resource(row, RelationGetDescr(rel), resource);
	return true;
}

/*
 * The role or permission that a row of the catalogue tells something of; false if
 * it is about none.
 */
bool
rbac_tables_grantable(Relation rel, HeapTuple row, pg_uuid_t *id)
{
	Oid			table = RelationGetRelid(rel);
	AttrNumber	column;

	if (table == rbac_table_oid(RBAC_TABLE_GRANTABLE))
		column = GRANTABLE_ID;
	else if (table == rbac_table_oid(RBAC_TABLE_GRANTABLE_ON))
		column = GRANTABLE_ON_GRANTABLE;
	else if (table == rbac_table_oid(RBAC_TABLE_ALLOWED_ACTION))
		column = ALLOWED_ACTION_GRANTABLE;
	else
		return false;
	*id = uuid_of(row, RelationGetDescr(rel), column);
	return true;
}
