/*-------------------------------------------------------------------------
 *
 * rbac_principal.h
 *	  One principal, as the rows of a view say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_PRINCIPAL_H
#define RBAC_PRINCIPAL_H

#include "postgres.h"

#include "access/xact.h"

#include "rbac_catalogue.h"

/* Longest name of a login method ("password", "saml", …) */
#define RBAC_METHOD_MAX		63

/*
 * Somebody who has logged in, and how.  Who came by a token has logged in as
 * whoever made the token had, as far as that is known.
 */
typedef struct SessionPrincipal
{
	pg_uuid_t	id;
	bool		by_token;
	bool		two_factor;
	char		method[RBAC_METHOD_MAX + 1];	/* "": not told */
} SessionPrincipal;

/*
 * Whose rights are asked about: a principal as such, or as far as its session
 * lets it use them (G9).  Compared as bytes, so what is unused is zero.
 */
typedef struct Subject
{
	SessionPrincipal who;
	bool		in_session;		/* else, of "who" only the id counts */
} Subject;

/*
 * An organization that a principal is a member of
 */
typedef struct Membership
{
	pg_uuid_t	organization;
	const char *barred;			/* why its session holds nothing there, or NULL */
} Membership;

/* Instead of a group: granted directly */
#define RBAC_NO_GROUP		(-1)

/*
 * A grant that a principal has, directly or by a group.  Super admin standing
 * is one too: of the built-in grantable, on the organization, by its account
 * owners group.  There can be very many, so it has nothing that is found elsewhere.
 */
typedef struct PrincipalGrant
{
	pg_uuid_t	resource;
	TimestampTz valid_from;
	TimestampTz valid_until;
	const Grantable *grantable;
	int			group;			/* which of the principal's groups, or RBAC_NO_GROUP */
	uint8		kind;			/* ResourceKind of the resource */
	bool		active;			/* at the instants that the principal was read for */
} PrincipalGrant;

/*
 * Where a grant stands
 */
typedef struct Place
{
	const PrincipalGrant *grant;
	const char *path;			/* payload */
	int			path_length;
} Place;

/*
 * Who it is, where it belongs, and what it was granted: true for the instants
 * in [since, until), between which no validity period begins or ends (G7).
 * One that does not exist, or is deactivated, has no grants.
 */
typedef struct Principal
{
	Subject		subject;
	const Catalogue *catalogue;	/* that the grants point to */
	bool		exists;
	bool		deactivated;
	PrincipalKind kind;
	TimestampTz since;
	TimestampTz until;
	int			ngrants;
	PrincipalGrant *grants;		/* ordered by resource */
	int			nmemberships;
	Membership *memberships;	/* ordered by organization */
	int			ngroups;
	pg_uuid_t  *groups;			/* that it is in, those included that are not there */

	/* What only those need who list or explain */
	int			nplaces;
	Place	   *places;			/* of the grants that stand somewhere; NULL: not looked up */
	const char **group_names;	/* NULL: not looked up */
} Principal;

/*
 * The actions that a grant gives, on its resource and below
 */
static inline const ActionSet *
rbac_grant_allows(const PrincipalGrant *grant)
{
	return &grant->grantable->allowed[grant->kind];
}

/*
 * The instant by which validity periods are judged: the start of the client's
 * statement or, if that is later, of the transaction (G7).  One statement can
 * be a procedure that commits for days, and each of its transactions begins
 * anew.  The start of a transaction alone would let a period outlive its end
 * for as long as a transaction is kept open.
 */
static inline TimestampTz
rbac_instant(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();

	return Max(statement, transaction);
}

/* Does a place count for whoever looks for the topmost ones? */
typedef bool (*PlaceFilter)(const Place *place, void *arg);

extern const char *rbac_lacks_for_policy(const SessionPrincipal *who, const AuthenticationPolicyRow *policy);
extern Principal *rbac_principal_load(TableView *view, const Subject *subject, TimestampTz now,
									  const Catalogue *catalogue);
extern Principal *rbac_principal_pack(const Principal *principal, MemoryContext context);
extern void rbac_principal_locate(TableView *view, Principal *principal, RbacRowCallback found, void *arg);
extern void rbac_principal_name_groups(TableView *view, Principal *principal);
extern void rbac_principal_forget_places(Principal *principal);
extern const Membership *rbac_principal_membership(const Principal *principal,
												   const pg_uuid_t *organization);
extern const char *rbac_principal_unknown_name(const Principal *principal, const NameList *names);
extern void rbac_principal_add_granted(const Principal *principal, const pg_uuid_t *resource,
									   ActionSet *actions);
extern ActionSet		 rbac_principal_lacks(const Principal *principal, const ResourceRow *resource,
											  const ActionSet *actions, TimestampTz from, TimestampTz until);
extern int	rbac_principal_compare_places(const void *a, const void *b);
extern const Place **rbac_principal_places(const Principal *principal, int *count);
extern const Place **rbac_principal_scopes(const Principal *principal, PlaceFilter counts,
										   void *arg, int *count);

#endif							/* RBAC_PRINCIPAL_H */
