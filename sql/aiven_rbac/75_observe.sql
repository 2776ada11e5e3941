-- Looking at the extension at work: what the cache does, whether protection has
-- holes, and why a row is not seen.

CREATE FUNCTION @extschema@.rbac_cache_stats(OUT entries integer, OUT bytes bigint, OUT hits bigint, OUT misses bigint,
                                             OUT loads bigint, OUT lookups bigint, OUT walks bigint,
                                             OUT evictions bigint, OUT invalidations bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'rbac_cache_stats'
    LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION @extschema@.rbac_cache_stats() IS
    'this session''s cache: principals in it and the memory that they take (at most aiven_rbac.cache_size); how often a statement''s function found its principal there or not; principals read from the tables, resources looked up one by one and by subtrees; principals forgotten for want of memory; changes that made it old';
