/*-------------------------------------------------------------------------
 *
 * rbac_hierarchy.h
 *	  Resources, remembered once for all principals of this backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_HIERARCHY_H
#define RBAC_HIERARCHY_H

#include "postgres.h"

#include "rbac_signal.h"

/* Payload of a path, in memory that outlives the table it is a key of */
typedef struct PathKey
{
	const char *data;
	int			length;
} PathKey;

static inline bool
rbac_equal_paths(PathKey a, PathKey b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* The setting aiven_rbac.cache_size.  At most half of it is for resources. */
extern int	rbac_cache_size_kb;

extern bool rbac_hierarchy_find(const pg_uuid_t *id, ResourceRow *resource);
extern bool rbac_hierarchy_find_at(const RbacPath *path, ResourceRow *resource);
extern void rbac_hierarchy_remember(const ResourceRow *resource, uint64 generation, bool by_path);
extern void rbac_hierarchy_keep_within(Size bytes);
extern Size rbac_hierarchy_bytes(void);

#endif							/* RBAC_HIERARCHY_H */
