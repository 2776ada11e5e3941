-- The type rbac_resource: a resource as a caller names it, by its path or its id.

CREATE TYPE @extschema@.rbac_resource;

CREATE FUNCTION aiven_rbac.rbac_resource_in(cstring) RETURNS @extschema@.rbac_resource
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_resource_in(cstring) IS 'text input of rbac_resource';

CREATE FUNCTION aiven_rbac.rbac_resource_out(@extschema@.rbac_resource) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_resource_out(@extschema@.rbac_resource) IS 'text output of rbac_resource';

CREATE FUNCTION aiven_rbac.rbac_resource_recv(internal) RETURNS @extschema@.rbac_resource
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_resource_recv(internal) IS 'binary input of rbac_resource';

CREATE FUNCTION aiven_rbac.rbac_resource_send(@extschema@.rbac_resource) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_resource_send(@extschema@.rbac_resource) IS 'binary output of rbac_resource';

CREATE TYPE @extschema@.rbac_resource (
	INPUT = aiven_rbac.rbac_resource_in,
	OUTPUT = aiven_rbac.rbac_resource_out,
	RECEIVE = aiven_rbac.rbac_resource_recv,
	SEND = aiven_rbac.rbac_resource_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE @extschema@.rbac_resource IS
	'a resource as a parameter: its path or its id, given as rbac_path, uuid, text or varchar';

CREATE FUNCTION aiven_rbac.rbac_resource(text) RETURNS @extschema@.rbac_resource
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_resource_of_text';
COMMENT ON FUNCTION aiven_rbac.rbac_resource(text) IS 'a resource by a text: an id where it has a uuid''s shape, or else a path';

CREATE FUNCTION aiven_rbac.rbac_resource(uuid) RETURNS @extschema@.rbac_resource
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_resource_of_uuid';
COMMENT ON FUNCTION aiven_rbac.rbac_resource(uuid) IS 'a resource by its id';

CREATE FUNCTION aiven_rbac.rbac_resource(@extschema@.rbac_path) RETURNS @extschema@.rbac_resource
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_resource_of_path';
COMMENT ON FUNCTION aiven_rbac.rbac_resource(@extschema@.rbac_path) IS 'a resource by its path';

-- Implicit, since nothing but the extension's functions has such parameters, and no
-- operator does.
CREATE CAST (text AS @extschema@.rbac_resource) WITH FUNCTION aiven_rbac.rbac_resource(text) AS IMPLICIT;
COMMENT ON CAST (text AS @extschema@.rbac_resource) IS 'a resource by its path or its id';

CREATE CAST (varchar AS @extschema@.rbac_resource) WITH FUNCTION aiven_rbac.rbac_resource(text) AS IMPLICIT;
COMMENT ON CAST (varchar AS @extschema@.rbac_resource) IS 'a resource by its path or its id';

CREATE CAST (uuid AS @extschema@.rbac_resource) WITH FUNCTION aiven_rbac.rbac_resource(uuid) AS IMPLICIT;
COMMENT ON CAST (uuid AS @extschema@.rbac_resource) IS 'a resource by its id';

CREATE CAST (@extschema@.rbac_path AS @extschema@.rbac_resource) WITH FUNCTION aiven_rbac.rbac_resource(@extschema@.rbac_path) AS IMPLICIT;
COMMENT ON CAST (@extschema@.rbac_path AS @extschema@.rbac_resource) IS 'a resource by its path';

CREATE FUNCTION aiven_rbac.given_id(given @extschema@.rbac_resource) RETURNS uuid
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_given_id';
REVOKE ALL ON FUNCTION aiven_rbac.given_id(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.given_id(@extschema@.rbac_resource) IS 'the id that was given, or NULL';

CREATE FUNCTION aiven_rbac.given_path(given @extschema@.rbac_resource) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_given_path';
REVOKE ALL ON FUNCTION aiven_rbac.given_path(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.given_path(@extschema@.rbac_resource) IS 'the path that was given, or NULL';
