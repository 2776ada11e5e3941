/*-------------------------------------------------------------------------
 *
 * rbac_tables.h
 *	  The extension's tables as C sees them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_TABLES_H
#define RBAC_TABLES_H

#include "postgres.h"

#include "access/htup.h"
#include "port/pg_bswap.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "path.h"
#include "rbac_secret.h"

/* From the root down; a grant on one reaches all that come after it. */
typedef enum ResourceKind
{
	RBAC_ORGANIZATION,
	RBAC_UNIT,
	RBAC_PROJECT,
	RBAC_SERVICE
} ResourceKind;

#define RBAC_RESOURCE_KINDS		4

typedef enum PrincipalKind
{
	RBAC_USER,
	RBAC_APPLICATION_USER,
	RBAC_GROUP
} PrincipalKind;

/*
 * The tables of the extension: all of them, in the order in which a restore
 * inserts their rows, a table after those that it references.  Each has its
 * descriptor in rbac_tables.c.
 */
typedef enum RbacTable
{
	RBAC_TABLE_RESOURCE,
	RBAC_TABLE_RETIRED_ID,
	RBAC_TABLE_ORGANIZATION,
	RBAC_TABLE_PRINCIPAL,
	RBAC_TABLE_MEMBERSHIP,
	RBAC_TABLE_INVITATION,
	RBAC_TABLE_GROUP_MEMBER,
	RBAC_TABLE_ACTION,
	RBAC_TABLE_GRANTABLE,
	RBAC_TABLE_GRANTABLE_ON,
	RBAC_TABLE_ALLOWED_ACTION,
	RBAC_TABLE_ACCESS_GRANT,
	RBAC_TABLE_DOMAIN,
	RBAC_TABLE_IDENTITY_PROVIDER,
	RBAC_TABLE_AUTHENTICATION_POLICY,
	RBAC_TABLE_BILLING_ADDRESS,
	RBAC_TABLE_PAYMENT_METHOD,
	RBAC_TABLE_BILLING_GROUP,
	RBAC_TABLE_PROJECT,
	RBAC_TABLE_SERVICE,
	RBAC_TABLE_PLAN_LIST,
	RBAC_TABLE_TAG,
	RBAC_TABLE_SERVICE_USER,
	RBAC_TABLE_DATABASE_ROLE,
	RBAC_TABLE_ACKNOWLEDGED_FINDING,
	RBAC_TABLE_TOKEN,
	RBAC_TABLE_TOKEN_USE,
	RBAC_TABLE_PRINCIPAL_USE,
	RBAC_TABLE_AUDIT,
	RBAC_TABLE_AUDIT_REST,
	RBAC_TABLE_AUDIT_ARCHIVED,
	RBAC_TABLE_AUDIT_SEAL,
	RBAC_TABLE_AUDIT_HORIZON,
	RBAC_TABLE_DUMPED_TABLE,
	RBAC_TABLE_AUTHORITY,
	RBAC_TABLE_FACTS_SIGNAL,
	RBAC_TABLE_CATALOGUE_SIGNAL,
	RBAC_TABLE_PLAN_SIGNAL
} RbacTable;

#define RBAC_TABLES		(RBAC_TABLE_PLAN_SIGNAL + 1)

/* What is read as a whole, from several tables */
typedef enum RbacPurpose
{
	RBAC_FOR_PRINCIPALS = 1 << 0,
	RBAC_FOR_CATALOGUE = 1 << 1
} RbacPurpose;

/* What a relation cache message about a table or signal is about */
typedef enum RbacChange
{
	RBAC_CHANGE_NONE,
	RBAC_CHANGE_FACTS,
	RBAC_CHANGE_CATALOGUE,
	RBAC_CHANGE_ALL
} RbacChange;

/* What a row states, and of whom it does */
typedef enum RbacFact
{
	RBAC_FACT_ANY,				/* not told: it can be anything */
	RBAC_FACT_PRINCIPAL,		/* what a principal is, belongs to and was granted */
	RBAC_FACT_POLICY,			/* an organization's authentication policy */
	RBAC_FACT_HIERARCHY			/* an organization's resources */
} RbacFact;

/* Rows.  Text and path members are palloc'd in the caller's context. */
typedef struct ResourceRow
{
	pg_uuid_t	id;
	ResourceKind kind;
	pg_uuid_t	organization;
	pg_uuid_t	parent;			/* nil for an organization */
	RbacPath   *path;
} ResourceRow;

typedef struct PrincipalRow
{
	pg_uuid_t	id;
	PrincipalKind kind;
	bool		has_organization;	/* false for users */
	pg_uuid_t	organization;
	bool		account_owners;
	bool		deactivated;
} PrincipalRow;

typedef struct GroupMemberRow
{
	pg_uuid_t	member;
	pg_uuid_t	group_id;
	pg_uuid_t	organization;
} GroupMemberRow;

typedef struct AccessGrantRow
{
	pg_uuid_t	principal;
	pg_uuid_t	resource;
	pg_uuid_t	grantable;
	pg_uuid_t	organization;
	ResourceKind kind;			/* of the resource */
	TimestampTz valid_from;		/* DT_NOBEGIN when open */
	TimestampTz valid_until;	/* DT_NOEND when open */
} AccessGrantRow;

typedef struct AuthenticationPolicyRow
{
	bool		require_two_factor;
	bool		any_method;
	int			nmethods;
	char	  **methods;
	bool		personal_tokens;
} AuthenticationPolicyRow;

typedef struct ActionRow
{
	int			number;
	char	   *name;
	ResourceKind kind;
} ActionRow;

typedef struct GrantableRow
{
	pg_uuid_t	id;
	pg_uuid_t	organization;	/* nil: every organization's */
	char	   *name;
	char	   *type;
} GrantableRow;

typedef struct GrantableOnRow
{
	pg_uuid_t	grantable;
	ResourceKind kind;
} GrantableOnRow;

typedef struct AllowedActionRow
{
	pg_uuid_t	grantable;
	ResourceKind granted_on;
	int			action;
} AllowedActionRow;

/*
 * A token, with what its use has changed.  Times that are not set are
 * infinitely far: not yet used, never revoked, never expiring.
 */
typedef struct TokenRow
{
	pg_uuid_t	principal;
	uint8		digest[RBAC_DIGEST_LENGTH];
	Datum		allowed_networks;	/* cidr[]; 0: from anywhere */
	bool		extend_when_used;
	char	   *method;			/* by which its maker had logged in; "": not known */
	bool		two_factor;		/* by which its maker had logged in */
	TimestampTz expires_at;
	TimestampTz revoked_at;
	TimestampTz last_used_at;
} TokenRow;

/*
 * The database that the rows of a subscriber come from
 */
typedef struct AuthorityRow
{
	char	   *database;
	uint64		system;			/* as pg_control_system() shows it */
} AuthorityRow;

/*
 * A look at the tables: those asked for stay open and locked, and all rows
 * come from one snapshot, taken fresh.
 */
typedef struct TableView
{
	uint64		open;			/* bits of the tables in "rel" */
	Relation	rel[RBAC_TABLES];
	Snapshot	snapshot;
	bool		enough;			/* a callback has seen enough: end the scan */
} TableView;

typedef void (*RbacRowCallback)(void *row, void *arg);

extern RbacChange rbac_tables_change(Oid relid);
extern RbacFact rbac_tables_fact(Relation rel, HeapTuple row, pg_uuid_t *about);
extern bool rbac_tables_read_resource(Relation rel, HeapTuple row, ResourceRow *resource);
extern bool rbac_tables_grantable(Relation rel, HeapTuple row, pg_uuid_t *id);
extern void rbac_tables_forget(void);
extern Oid	rbac_table_oid(RbacTable table);
extern Oid	rbac_schema_oid(void);
extern Oid	rbac_path_type_oid(void);

extern uint64 rbac_tables_read_for(RbacPurpose purpose);
extern void rbac_tables_lock(TableView *view, uint64 tables);
extern void rbac_tables_look(TableView *view);
extern void		   rbac_tables_look_before(TableView *view, CommandId command);
extern void rbac_tables_look_around(TableView *before, TableView *after, CommandId command);
extern void rbac_tables_close(TableView *view);

extern bool rbac_tables_resource(TableView *view, const pg_uuid_t *id, ResourceRow *row);
extern bool rbac_tables_is_retired(TableView *view, const pg_uuid_t *id);
extern bool rbac_tables_resource_at(TableView *view, const RbacPath *path, ResourceRow *row);
extern void rbac_tables_children(TableView *view, const pg_uuid_t *parent, RbacRowCallback callback, void *arg);
extern void rbac_tables_subtree(TableView *view, const char *path, int length, RbacRowCallback callback, void *arg);
extern RbacPath **rbac_tables_path_sample(int *count, double *total);
extern bool rbac_tables_principal(TableView *view, const pg_uuid_t *id, PrincipalRow *row);
extern char *rbac_tables_principal_name(TableView *view, const pg_uuid_t *id);
extern void rbac_tables_principals(TableView *view, RbacRowCallback callback, void *arg);
extern void rbac_tables_memberships(TableView *view, const pg_uuid_t *principal, RbacRowCallback callback, void *arg);
extern void rbac_tables_groups(TableView *view, const pg_uuid_t *member, RbacRowCallback callback, void *arg);
extern void rbac_tables_members(TableView *view, const pg_uuid_t *group, RbacRowCallback callback, void *arg);
extern void rbac_tables_account_owners(TableView *view, const pg_uuid_t *organization, RbacRowCallback callback, void *arg);
extern void rbac_tables_grants(TableView *view, const pg_uuid_t *principal, RbacRowCallback callback, void *arg);
extern void rbac_tables_grants_on(TableView *view, const pg_uuid_t *resource, RbacRowCallback callback, void *arg);
extern void rbac_tables_grants_of(TableView *view, const pg_uuid_t *grantable, RbacRowCallback callback, void *arg);
extern bool rbac_tables_authentication_policy(TableView *view, const pg_uuid_t *organization, AuthenticationPolicyRow *row);
extern bool rbac_tables_role_principal(TableView *view, Oid role, pg_uuid_t *principal);
extern bool rbac_tables_token(TableView *view, const char *prefix, TokenRow *row);

extern bool rbac_tables_authority(TableView *view, AuthorityRow *row);

extern void rbac_tables_actions(TableView *view, RbacRowCallback callback, void *arg);
extern void rbac_tables_grantables(TableView *view, RbacRowCallback callback, void *arg);
extern void rbac_tables_grantable_on(TableView *view, RbacRowCallback callback, void *arg);
extern void rbac_tables_allowed_actions(TableView *view, RbacRowCallback callback, void *arg);

extern const char *rbac_kind_name(ResourceKind kind);
extern bool rbac_kind_from_name(const char *name, ResourceKind *kind);

#define RBAC_TABLE_BIT(table)	(UINT64CONST(1) << (table))

static inline bool
rbac_uuid_equal(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a->data, b->data, UUID_LEN) == 0;
}

/* In the order of the type uuid */
static inline int
rbac_uuid_compare(const pg_uuid_t *a, const pg_uuid_t *b)
{
	for (int i = 0; i < UUID_LEN; i += 8)
	{
		uint64		left;
		uint64		right;

		memcpy(&left, a->data + i, 8);
		memcpy(&right, b->data + i, 8);
		if (left != right)
			return pg_ntoh64(left) < pg_ntoh64(right) ? -1 : 1;
	}
	return 0;
}

static inline bool
rbac_uuid_is_nil(const pg_uuid_t *id)
{
	static const pg_uuid_t nil = {{0}};

	return rbac_uuid_equal(id, &nil);
}

#endif							/* RBAC_TABLES_H */
