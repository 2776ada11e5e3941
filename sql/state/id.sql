-- Ids of resources that are made from keys which an application has already
-- (rbac_id.c).  They are made once: indexes and rows of users hold them.

CREATE FUNCTION @extschema@.rbac_id(space text, key bigint) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_id_of_number'
    LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 10;
COMMENT ON FUNCTION @extschema@.rbac_id(text, bigint) IS
    'the id of the resource whose key in an application''s tables is a number: made from the name of a space of keys, such as tenant, and the key, and always the same; rbac_protect_table() makes it from a column when it is told the space';

CREATE FUNCTION @extschema@.rbac_id(space text, key text) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_id_of_text'
    LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 10;
COMMENT ON FUNCTION @extschema@.rbac_id(text, text) IS
    'the same for a key that is text; a number and its digits have the same id';
