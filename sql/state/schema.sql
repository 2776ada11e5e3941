-- The schema of what belongs to the extension itself.  It must not exist yet:
-- a schema that somebody else prepared could hold objects that ours would meet.
CREATE SCHEMA aiven_rbac;
COMMENT ON SCHEMA aiven_rbac IS 'tables, views and internals of the extension aiven_rbac';
