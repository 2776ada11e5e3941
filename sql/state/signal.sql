-- The empty tables by which sessions learn of changes.

-- Nothing is ever stored in these: a relation cache invalidation of one of the
-- first two is the signal by which every session learns that all that it has
-- cached is old; one of the third, sent within a session only, remakes its plans.
-- (What is about one principal or organization has a signal without a table.)
CREATE TABLE aiven_rbac.facts_signal ();
CREATE TABLE aiven_rbac.catalogue_signal ();
CREATE TABLE aiven_rbac.plan_signal ();
COMMENT ON TABLE aiven_rbac.facts_signal IS 'always empty; invalidated when so much of hierarchy, people or grants changes that it is not told what';
COMMENT ON TABLE aiven_rbac.plan_signal IS 'always empty; plans made for a narrow or a wide principal depend on it';
COMMENT ON TABLE aiven_rbac.catalogue_signal IS 'always empty; invalidated when actions, roles or permissions change';
