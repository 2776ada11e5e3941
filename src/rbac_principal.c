/*-------------------------------------------------------------------------
 *
 * rbac_principal.c
 *	  One principal, as the rows of a view say.
 *
 * A principal is read with a few index scans: itself, its memberships, the
 * authentication policies of those organizations, its own grants, its groups
 * and their grants.  Nothing here asks which moment the rows are of, or whether
 * they are still current.  The caller brings the view, and whoever keeps what
 * comes out (rbac_cache.c) knows for how long it may.
 *
 * Grants are read without looking up the resources that they stand on: what
 * they give is added up by the resource's id, and a resource that is asked
 * about has the ids of what is above it in its own row.  Where grants stand is
 * found out when somebody lists or explains.
 *
 * A row that refers to something missing counts for nothing, since replication
 * can bring rows in any order: a dangling reference denies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "rbac_hash.h"
#include "lib/stringinfo.h"

#include "rbac_principal.h"

typedef struct GrantedSlot
{
	pg_uuid_t	resource;
	ActionSet	actions;
	char		status;
} GrantedSlot;

#define SH_PREFIX granted
#define SH_ELEMENT_TYPE GrantedSlot
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY resource
#define SH_HASH_KEY(tb, key) rbac_hash_uuid(&(key))
#define SH_EQUAL(tb, a, b) rbac_uuid_equal(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/*
 * A principal that is being read, and what rows need to become its grants.
 */
typedef struct Loading
{
	Principal  *principal;
	TableView  *view;
	TimestampTz now;
	const PrincipalRow *group;	/* whose grants are read; NULL: its own */
	int			room;
} Loading;

/*
 * Make room for one more: grow by doubling, whenever the count is a power of two.
 */
static void *
grow(void *array, int count, Size size)
{
	if (count == 0)
		return palloc(size);
	return (count & (count - 1)) == 0 ? repalloc_huge(array, 2 * count * size) : array;
}

static void
add_membership(void *row, void *arg)
{
	Principal  *principal = ((Loading *) arg)->principal;
	int			n = principal->nmemberships;

	principal->memberships = grow(principal->memberships, n, sizeof(Membership));
	principal->memberships[n].organization = *(pg_uuid_t *) row;
	principal->memberships[n].barred = NULL;
	principal->nmemberships++;
}

static bool
allows_method(const AuthenticationPolicyRow *policy, const char *method)
{
	for (int i = 0; i < policy->nmethods; i++)
	{
		if (strcmp(method, policy->methods[i]) == 0)
			return true;
	}
	return policy->any_method;
}

static void
add_lack(StringInfo lacks, const char *lack)
{
	appendStringInfo(lacks, "%s%s", lacks->len > 0 ? "; " : "", lack);
}

static const char *
lack_of_method(const SessionPrincipal *who)
{
	const char *which = who->by_token ? "the one by which the token was made" : "the session's";

	if (who->method[0] == '\0')
		return psprintf("it restricts the methods of logging in, and %s is not known", which);
	return psprintf("it does not allow logging in by \"%s\"%s", who->method,
					who->by_token ? ", as the token's maker had" : "");
}

/*
 * Does a user's session satisfy an organization's authentication policy?
 * Returns all that it lacks, or NULL (G9).  A session begun with a token has to
 * be allowed by itself, and besides, whoever made the token must have logged in
 * in a way that the policy allows now: it can be younger than the token.
 */
const char *
rbac_lacks_for_policy(const SessionPrincipal *who, const AuthenticationPolicyRow *policy)
{
	const char *maker = who->by_token ? ", and the token was made without" : "";
	StringInfoData lacks;

	initStringInfo(&lacks);
	if (who->by_token && !policy->personal_tokens)
		add_lack(&lacks, "it does not allow personal tokens");
	if (policy->require_two_factor && !who->two_factor)
		add_lack(&lacks, psprintf("it requires two-factor authentication%s", maker));
	if (!allows_method(policy, who->method))
		add_lack(&lacks, lack_of_method(who));
	return lacks.len > 0 ? lacks.data : NULL;
}

static void
bar_organizations(Principal *principal, TableView *view)
{
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext aside = AllocSetContextCreate(keep, "rbac policies", ALLOCSET_SMALL_SIZES);

	for (int i = 0; i < principal->nmemberships; i++)
	{
		Membership *membership = &principal->memberships[i];
		AuthenticationPolicyRow policy;
		bool					found;

		MemoryContextSwitchTo(aside);
		found = rbac_tables_authentication_policy(view, &membership->organization, &policy);
		MemoryContextSwitchTo(keep);
		if (found)
			membership->barred = rbac_lacks_for_policy(&principal->subject.who, &policy);
		MemoryContextReset(aside);
	}
	MemoryContextDelete(aside);
}

/*
 * A principal's membership in an organization, or NULL.
 */
const Membership *
rbac_principal_membership(const Principal *principal, const pg_uuid_t *organization)
{
	for (int i = 0; i < principal->nmemberships; i++)
	{
		if (rbac_uuid_equal(&principal->memberships[i].organization, organization))
			return &principal->memberships[i];
	}
	return NULL;
}

static bool
knows_role(const Principal *principal, const char *name)
{
	for (int i = 0; i < principal->nmemberships; i++)
	{
		if (rbac_grantable_by_name(principal->catalogue, name, &principal->memberships[i].organization) != NULL)
			return true;
	}
	return false;
}

/*
 * The first of some resolved names that is a role of other organizations than the
 * principal's, which is not to know that there is one (H4).  NULL if there is none.
 * What nobody can log in as holds nothing by whatever name, and that is no error
 * (G10).
 */
const char *
rbac_principal_unknown_name(const Principal *principal, const NameList *names)
{
	if (!principal->exists || principal->deactivated || principal->kind == RBAC_GROUP)
		return NULL;
	for (int i = 0; i < names->count; i++)
	{
		if (names->each[i].custom && !knows_role(principal, names->each[i].name))
			return names->each[i].name;
	}
	return NULL;
}

/*
 * What is read is true until the next validity period begins or ends, and has
 * been since the last one did.
 */
static void
bound_by_period(Principal *principal, TimestampTz now, TimestampTz instant)
{
	if (instant <= now)
		principal->since = Max(principal->since, instant);
	else
		principal->until = Min(principal->until, instant);
}

static PrincipalGrant *
next_grant(Loading *loading)
{
	Principal  *principal = loading->principal;

	if (principal->ngrants == loading->room)
	{
		loading->room = loading->room == 0 ? 8 : 2 * loading->room;
		principal->grants = principal->ngrants == 0 ?
			palloc(sizeof(PrincipalGrant) * loading->room) :
			repalloc_huge(principal->grants, sizeof(PrincipalGrant) * loading->room);
	}
	return &principal->grants[principal->ngrants++];
}

static void
add_grant_of(Loading *loading, const Grantable *grantable, const AccessGrantRow *row)
{
	Principal  *principal = loading->principal;
	const Membership *membership = rbac_principal_membership(principal, &row->organization);
	PrincipalGrant *grant;

	if (grantable == NULL || membership == NULL || membership->barred != NULL)
		return;
	if (loading->group != NULL && !rbac_uuid_equal(&loading->group->organization, &row->organization))
		return;

	grant = next_grant(loading);
	grant->grantable = grantable;
	grant->allowed = &grantable->allowed[row->kind];
	grant->resource = row->resource;
	grant->organization = row->organization;
	grant->kind = row->kind;
	grant->path = NULL;
	grant->path_length = 0;
	grant->group_name = loading->group != NULL ? loading->group->name : NULL;
	grant->valid_from = row->valid_from;
	grant->valid_until = row->valid_until;
	grant->active = row->valid_from <= loading->now && loading->now < row->valid_until;
	bound_by_period(principal, loading->now, row->valid_from);
	bound_by_period(principal, loading->now, row->valid_until);

	if (grant->active)
	{
		bool		found;
		GrantedSlot *slot = granted_insert(principal->granted, grant->resource, &found);

		if (!found)
			memset(&slot->actions, 0, sizeof(ActionSet));
		action_set_union(&slot->actions, grant->allowed);
	}
}

static void
add_grant(void *row, void *arg)
{
	AccessGrantRow *grant = row;
	Loading    *loading = arg;

	add_grant_of(loading, rbac_grantable_by_id(loading->principal->catalogue, &grant->grantable),
				 grant);
}

static void
add_group(void *row, void *arg)
{
	GroupMemberRow *member = row;
	Loading    *loading = arg;
	Principal  *principal = loading->principal;
	PrincipalRow *group = palloc(sizeof(PrincipalRow));

	principal->groups = grow(principal->groups, principal->ngroups, sizeof(pg_uuid_t));
	principal->groups[principal->ngroups++] = member->group_id;
	if (!rbac_tables_principal(loading->view, &member->group_id, group) ||
		group->kind != RBAC_GROUP ||
		!rbac_uuid_equal(&group->organization, &member->organization))
		return;
	loading->group = group;
	if (group->account_owners && principal->kind == RBAC_USER)
	{
		AccessGrantRow everything = {.resource = group->organization,
									 .organization = group->organization,
									 .kind = RBAC_ORGANIZATION,
									 .valid_from = DT_NOBEGIN,
									 .valid_until = DT_NOEND};

		add_grant_of(loading, principal->catalogue->super_admin, &everything);
	}
	rbac_tables_grants(loading->view, &member->group_id, add_grant, loading);
	loading->group = NULL;
}

/*
 * Read a principal, for a statement that started at "now", into the current
 * memory context.  The view has to have the tables that are RBAC_FOR_PRINCIPALS.
 * One that does not exist is read, too, and holds nothing.
 */
Principal *
rbac_principal_load(TableView *view, const Subject *subject, TimestampTz now,
					const Catalogue *catalogue)
{
	Principal  *principal = palloc0(sizeof(Principal));
	const pg_uuid_t *id = &principal->subject.who.id;
	Loading		loading = {.principal = principal, .view = view, .now = now};
	PrincipalRow row;

	principal->subject = *subject;
	principal->catalogue = catalogue;
	principal->since = DT_NOBEGIN;
	principal->until = DT_NOEND;
	principal->granted = granted_create(CurrentMemoryContext, 8, NULL);
	if (!rbac_tables_principal(view, id, &row))
		return principal;

	principal->exists = true;
	principal->kind = row.kind;
	principal->deactivated = row.deactivated;
	rbac_tables_memberships(view, id, add_membership, &loading);
	if (subject->in_session && row.kind == RBAC_USER)
		bar_organizations(principal, view);
	if (!row.deactivated)
	{
		rbac_tables_grants(view, id, add_grant, &loading);
		rbac_tables_groups(view, id, add_group, &loading);
	}
	principal->ngrants_read = principal->ngrants;
	return principal;
}

/*
 * Add what is granted on a resource itself.
 */
void
rbac_principal_add_granted(const Principal *principal, const pg_uuid_t *resource, ActionSet *actions)
{
	GrantedSlot *slot = granted_lookup(principal->granted, *resource);

	if (slot != NULL)
		action_set_union(actions, &slot->actions);
}

static void
swap_grants(PrincipalGrant *a, PrincipalGrant *b)
{
	PrincipalGrant other = *a;

	*a = *b;
	*b = other;
}

/*
 * Find out where the grants stand.  Paths go to the current memory context.
 * Grants that stand nowhere come last, and do not count: what they stand on can
 * still arrive.
 */
void
rbac_principal_locate(TableView *view, Principal *principal)
{
	int			kept = 0;

	for (int i = 0; i < principal->ngrants; i++)
	{
		PrincipalGrant *grant = &principal->grants[i];
		ResourceRow at;

		if (!rbac_tables_resource(view, &grant->resource, &at))
			continue;
		grant->path = RBAC_PATH_DATA(at.path);
		grant->path_length = RBAC_PATH_LEN(at.path);
	}
	for (int i = 0; i < principal->ngrants; i++)
	{
		if (principal->grants[i].path != NULL)
			swap_grants(&principal->grants[kept++], &principal->grants[i]);
	}
	principal->ngrants = kept;
	principal->located = true;
}

/*
 * The hierarchy has changed: forget where the grants stand.
 */
void
rbac_principal_forget_places(Principal *principal)
{
	principal->ngrants = principal->ngrants_read;
	for (int i = 0; i < principal->ngrants; i++)
		principal->grants[i].path = NULL;
	principal->located = false;
}

/*
 * Those of some actions that a principal does not hold on a resource from
 * "from" to "until".  A grant counts if its own period covers all of that: what
 * ends tomorrow can't be handed out for longer.  It has to cover the beginning
 * even if nothing comes after: who revokes is asked about a mere instant.
 */
ActionSet
rbac_principal_lacks(const Principal *principal, const ResourceRow *resource,
					 const ActionSet *actions, TimestampTz from, TimestampTz until)
{
	ActionSet held = {{0}};

	Assert(principal->located);
	for (int i = 0; i < principal->ngrants; i++)
	{
		const PrincipalGrant *grant = &principal->grants[i];

		if (grant->valid_from <= from && grant->valid_until > from && grant->valid_until >= until &&
			rbac_path_contains(grant->path, grant->path_length,
							   RBAC_PATH_DATA(resource->path), RBAC_PATH_LEN(resource->path)))
			action_set_union(&held, grant->allowed);
	}
	return action_set_difference(actions, &held);
}

/*
 * In the order of the places where two grants stand, as for qsort()
 */
int
rbac_principal_compare_places(const void *a, const void *b)
{
	const PrincipalGrant *left = *(PrincipalGrant *const *) a;
	const PrincipalGrant *right = *(PrincipalGrant *const *) b;

	return rbac_path_compare(left->path, left->path_length, right->path, right->path_length);
}

/*
 * The grants that are in force, in the order of the places where they stand.
 */
PrincipalGrant **
rbac_principal_places(const Principal *principal, int *count)
{
	PrincipalGrant **places = palloc(Max(principal->ngrants, 1) * sizeof(PrincipalGrant *));

	Assert(principal->located);
	*count = 0;
	for (int i = 0; i < principal->ngrants; i++)
	{
		if (principal->grants[i].active)
			places[(*count)++] = &principal->grants[i];
	}
	qsort(places, *count, sizeof(PrincipalGrant *), rbac_principal_compare_places);
	return places;
}

/*
 * Of those, the topmost that count (NULL: all do): none is inside another.
 */
PrincipalGrant **
rbac_principal_scopes(const Principal *principal, PlaceFilter counts, void *arg, int *count)
{
	int			nplaces;
	PrincipalGrant **places = rbac_principal_places(principal, &nplaces);

	*count = 0;
	for (int i = 0; i < nplaces; i++)
	{
		PrincipalGrant *last = *count > 0 ? places[*count - 1] : NULL;
		PrincipalGrant *place = places[i];

		if (last != NULL &&
			rbac_path_contains(last->path, last->path_length, place->path, place->path_length))
			continue;
		if (counts == NULL || counts(place, arg))
			places[(*count)++] = place;
	}
	return places;
}
