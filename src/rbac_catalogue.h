/*-------------------------------------------------------------------------
 *
 * rbac_catalogue.h
 *	  The catalogue of actions, permissions and roles.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_CATALOGUE_H
#define RBAC_CATALOGUE_H

#include "postgres.h"

#include "action_set.h"
#include "compat.h"
#include "rbac_tables.h"

typedef enum GrantableType
{
	RBAC_BUILT_IN,
	RBAC_ROLE,
	RBAC_PERMISSION
} GrantableType;

typedef struct Action
{
	char	   *name;			/* NULL: no action has this number */
	ResourceKind kind;			/* of the resource that it is done to */
} Action;

/*
 * A role or permission.  "allowed" is by the kind of resource that it was
 * granted on; nothing is granted on a service.
 */
typedef struct Grantable
{
	pg_uuid_t	id;
	pg_uuid_t	organization;	/* nil: every organization's */
	char	   *name;
	GrantableType type;
	uint8		grantable_on;	/* bit 1 << ResourceKind */
	ActionSet	allowed[RBAC_RESOURCE_KINDS];
} Grantable;

/*
 * Its users count themselves.  After the catalogue has changed, the last user
 * frees it.
 */
typedef struct Catalogue
{
	MemoryContext context;
	int			references;
	Action		actions[RBAC_MAX_ACTIONS];
	int			ngrantables;
	Grantable  *grantables;		/* ordered by name, then organization */
	Grantable **by_id;			/* ordered by id */
	const Grantable *super_admin;
} Catalogue;

/*
 * A name of the catalogue, and what holding it requires by the kind of the
 * resource asked about.  A custom role's name means something in its own
 * organization only, so that it is resolved once the resource is known.
 */
typedef struct Requirement
{
	const char *name;
	bool		custom;
	ActionSet	actions[RBAC_RESOURCE_KINDS];
} Requirement;

/*
 * Names of which one is enough.  A list is one chunk of memory, names
 * included.  What the names require is known once the list is resolved, and
 * for as long as the catalogue that it was resolved with is current.
 */
typedef struct NameList
{
	int			count;
	Requirement each[FLEXIBLE_ARRAY_MEMBER];
} NameList;

/*
 * All that is held on a resource, and what is needed to judge a name there.
 */
typedef struct Verdict
{
	ActionSet	actions;
	pg_uuid_t	organization;
	ResourceKind kind;
} Verdict;

extern Catalogue	   *rbac_catalogue_read(TableView *view);
extern Catalogue *rbac_catalogue_acquire(void);
extern void rbac_catalogue_release(Catalogue *catalogue);
extern bool rbac_catalogue_is_current(const Catalogue *catalogue);

extern const Grantable *rbac_grantable_by_id(const Catalogue *catalogue, const pg_uuid_t *id);
extern const Grantable *rbac_grantable_by_name(const Catalogue *catalogue, const char *name,
											   const pg_uuid_t *organization);
extern const ActionSet *rbac_grantable_requires(const Grantable *grantable, ResourceKind kind);

pg_noreturn extern void rbac_unknown_name(const Catalogue *catalogue, const char *name);
extern void rbac_resolve_or_fail(const Catalogue *catalogue, const char *name, Requirement *requirement);
extern const ActionSet *rbac_required_actions(const Catalogue *catalogue, const Requirement *requirement,
											  ResourceKind kind, const pg_uuid_t *organization);

extern NameList *rbac_names_make(Datum names, Oid type);
extern NameList *rbac_names_copy(const NameList *names);
extern bool rbac_names_equal(const NameList *a, const NameList *b);
extern bool rbac_names_resolve(const Catalogue *catalogue, NameList *names);
extern void rbac_names_resolve_or_fail(const Catalogue *catalogue, NameList *names);
extern bool rbac_names_have_roles(const NameList *names);
extern bool rbac_names_are_uniform(const NameList *names);
extern bool rbac_names_held(const Catalogue *catalogue, const NameList *names, const Verdict *verdict);

#endif							/* RBAC_CATALOGUE_H */
