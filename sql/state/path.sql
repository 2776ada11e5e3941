--
-- The type rbac_path: the place of a resource in the hierarchy, its operators,
-- functions and index support.
--
-- What users call stands in the extension's schema; what only the server calls
-- stands in schema aiven_rbac.
--

CREATE TYPE @extschema@.rbac_path;

CREATE FUNCTION aiven_rbac.rbac_path_in(cstring) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_in(cstring) IS 'text input of rbac_path';

CREATE FUNCTION aiven_rbac.rbac_path_out(@extschema@.rbac_path) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_out(@extschema@.rbac_path) IS 'text output of rbac_path';

CREATE FUNCTION aiven_rbac.rbac_path_recv(internal) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_recv(internal) IS 'binary input of rbac_path';

CREATE FUNCTION aiven_rbac.rbac_path_send(@extschema@.rbac_path) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_send(@extschema@.rbac_path) IS 'binary output of rbac_path';

-- Of string category, so that a plain literal given to an overloaded function
-- means a path.
CREATE TYPE @extschema@.rbac_path (
	INPUT = aiven_rbac.rbac_path_in,
	OUTPUT = aiven_rbac.rbac_path_out,
	RECEIVE = aiven_rbac.rbac_path_recv,
	SEND = aiven_rbac.rbac_path_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = main,
	CATEGORY = 'S'
);
COMMENT ON TYPE @extschema@.rbac_path IS
	'place of a resource in the hierarchy: labels from the organization down, joined by dots';

-- On assignment only: were one of them implicit, comparing a path with a text
-- would silently compare by the other type's order.
CREATE CAST (text AS @extschema@.rbac_path) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS @extschema@.rbac_path) IS 'path from its text form';

CREATE CAST (@extschema@.rbac_path AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (@extschema@.rbac_path AS text) IS 'text form of a path';

--
-- Order and equality
--

CREATE FUNCTION aiven_rbac.rbac_path_eq(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_eq(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator =';

CREATE FUNCTION aiven_rbac.rbac_path_ne(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_ne(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator <>';

CREATE FUNCTION aiven_rbac.rbac_path_lt(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_lt(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator <';

CREATE FUNCTION aiven_rbac.rbac_path_le(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_le(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator <=';

CREATE FUNCTION aiven_rbac.rbac_path_ge(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_ge(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator >=';

CREATE FUNCTION aiven_rbac.rbac_path_gt(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gt(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator >';

CREATE FUNCTION aiven_rbac.rbac_path_cmp(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_cmp(@extschema@.rbac_path, @extschema@.rbac_path) IS 'three-way comparison for btree';

CREATE FUNCTION aiven_rbac.rbac_path_sortsupport(internal) RETURNS void
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_sortsupport(internal) IS 'sort support for btree';

CREATE FUNCTION aiven_rbac.rbac_path_hash(@extschema@.rbac_path) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_hash(@extschema@.rbac_path) IS 'hash';

CREATE FUNCTION aiven_rbac.rbac_path_hash_extended(@extschema@.rbac_path, bigint) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_hash_extended(@extschema@.rbac_path, bigint) IS 'hash with a seed';

-- Estimates "<=" the end of a subtree as the second half of a range condition
-- (see path_plan.c).
CREATE FUNCTION aiven_rbac.rbac_path_lesel(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_lesel(internal, oid, internal, integer) IS 'restriction selectivity of <=';

CREATE OPERATOR @extschema@.= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_eq,
	COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.rbac_path, @extschema@.rbac_path) IS 'equal';

CREATE OPERATOR @extschema@.<> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_ne,
	COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.rbac_path, @extschema@.rbac_path) IS 'not equal';

CREATE OPERATOR @extschema@.< (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_lt,
	COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.rbac_path, @extschema@.rbac_path) IS 'before in the tree''s pre-order';

CREATE OPERATOR @extschema@.<= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_le,
	COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
	RESTRICT = aiven_rbac.rbac_path_lesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.rbac_path, @extschema@.rbac_path) IS 'before in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.>= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_ge,
	COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.rbac_path, @extschema@.rbac_path) IS 'after in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_gt,
	COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.rbac_path, @extschema@.rbac_path) IS 'after in the tree''s pre-order';

CREATE OPERATOR CLASS @extschema@.rbac_path_ops DEFAULT FOR TYPE @extschema@.rbac_path USING btree AS
	OPERATOR 1 @extschema@.<,
	OPERATOR 2 @extschema@.<=,
	OPERATOR 3 @extschema@.=,
	OPERATOR 4 @extschema@.>=,
	OPERATOR 5 @extschema@.>,
	FUNCTION 1 aiven_rbac.rbac_path_cmp(@extschema@.rbac_path, @extschema@.rbac_path),
	FUNCTION 2 aiven_rbac.rbac_path_sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS @extschema@.rbac_path_ops USING btree IS 'paths in pre-order: a subtree is one range';
COMMENT ON OPERATOR FAMILY @extschema@.rbac_path_ops USING btree IS 'paths in pre-order: a subtree is one range';

CREATE OPERATOR CLASS @extschema@.rbac_path_ops DEFAULT FOR TYPE @extschema@.rbac_path USING hash AS
	OPERATOR 1 @extschema@.=,
	FUNCTION 1 aiven_rbac.rbac_path_hash(@extschema@.rbac_path),
	FUNCTION 2 aiven_rbac.rbac_path_hash_extended(@extschema@.rbac_path, bigint);
COMMENT ON OPERATOR CLASS @extschema@.rbac_path_ops USING hash IS 'equality of paths';
COMMENT ON OPERATOR FAMILY @extschema@.rbac_path_ops USING hash IS 'equality of paths';

CREATE FUNCTION aiven_rbac.rbac_path_smaller(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_smaller(@extschema@.rbac_path, @extschema@.rbac_path) IS 'transition function of min';

CREATE FUNCTION aiven_rbac.rbac_path_larger(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_larger(@extschema@.rbac_path, @extschema@.rbac_path) IS 'transition function of max';

CREATE AGGREGATE @extschema@.min(@extschema@.rbac_path) (
	SFUNC = aiven_rbac.rbac_path_smaller, STYPE = @extschema@.rbac_path,
	COMBINEFUNC = aiven_rbac.rbac_path_smaller,
	SORTOP = OPERATOR(@extschema@.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.min(@extschema@.rbac_path) IS 'first path in pre-order';

CREATE AGGREGATE @extschema@.max(@extschema@.rbac_path) (
	SFUNC = aiven_rbac.rbac_path_larger, STYPE = @extschema@.rbac_path,
	COMBINEFUNC = aiven_rbac.rbac_path_larger,
	SORTOP = OPERATOR(@extschema@.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.max(@extschema@.rbac_path) IS 'last path in pre-order';

--
-- Ancestry
--
-- On a btree, the support functions turn "path <@ constant" into a range and
-- "path @> constant" into a list of ancestors.
--

CREATE FUNCTION aiven_rbac.rbac_path_below_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_support(internal) IS 'planner support of <@';

CREATE FUNCTION aiven_rbac.rbac_path_above_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_above_support(internal) IS 'planner support of @>';

CREATE FUNCTION aiven_rbac.rbac_path_below_sel(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_sel(internal, oid, internal, integer) IS 'restriction selectivity of <@';

CREATE FUNCTION aiven_rbac.rbac_path_below_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of <@';

CREATE FUNCTION aiven_rbac.rbac_path_above_sel(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_above_sel(internal, oid, internal, integer) IS 'restriction selectivity of @>';

CREATE FUNCTION aiven_rbac.rbac_path_above_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_above_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of @>';

CREATE FUNCTION aiven_rbac.rbac_path_below_any_sel(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_any_sel(internal, oid, internal, integer) IS 'restriction selectivity of <@ with several paths';

CREATE FUNCTION aiven_rbac.rbac_path_below_any_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_any_joinsel(internal, oid, internal, smallint, internal) IS 'join selectivity of <@ with several paths';

CREATE FUNCTION aiven_rbac.rbac_path_below(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF SUPPORT aiven_rbac.rbac_path_below_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator <@';

CREATE FUNCTION aiven_rbac.rbac_path_above(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF SUPPORT aiven_rbac.rbac_path_above_support AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_above(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator @>';

CREATE FUNCTION aiven_rbac.rbac_path_below_any(@extschema@.rbac_path, @extschema@.rbac_path[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_below_any(@extschema@.rbac_path, @extschema@.rbac_path[]) IS 'implementation of operator <@ with several paths';

CREATE FUNCTION aiven_rbac.rbac_path_any_above(@extschema@.rbac_path[], @extschema@.rbac_path) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_any_above(@extschema@.rbac_path[], @extschema@.rbac_path) IS 'implementation of operator @> with several paths';

-- What index conditions are made of when the other side is no constant.  The
-- bound that closes a subtree is no path.
CREATE FUNCTION aiven_rbac.rbac_path_subtree_end(@extschema@.rbac_path) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_subtree_end(@extschema@.rbac_path) IS 'bound after all that is below a path';

CREATE FUNCTION aiven_rbac.rbac_path_and_ancestors(@extschema@.rbac_path) RETURNS @extschema@.rbac_path[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rbac_path_ancestors';
COMMENT ON FUNCTION aiven_rbac.rbac_path_and_ancestors(@extschema@.rbac_path) IS 'a path and all above it';

CREATE OPERATOR @extschema@.<@ (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_below,
	COMMUTATOR = OPERATOR(@extschema@.@>),
	RESTRICT = aiven_rbac.rbac_path_below_sel, JOIN = aiven_rbac.rbac_path_below_joinsel
);
COMMENT ON OPERATOR @extschema@.<@ (@extschema@.rbac_path, @extschema@.rbac_path) IS 'is at or below';

CREATE OPERATOR @extschema@.@> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_above,
	COMMUTATOR = OPERATOR(@extschema@.<@),
	RESTRICT = aiven_rbac.rbac_path_above_sel, JOIN = aiven_rbac.rbac_path_above_joinsel
);
COMMENT ON OPERATOR @extschema@.@> (@extschema@.rbac_path, @extschema@.rbac_path) IS 'is at or above';

CREATE OPERATOR @extschema@.<@ (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path[], FUNCTION = aiven_rbac.rbac_path_below_any,
	COMMUTATOR = OPERATOR(@extschema@.@>),
	RESTRICT = aiven_rbac.rbac_path_below_any_sel, JOIN = aiven_rbac.rbac_path_below_any_joinsel
);
COMMENT ON OPERATOR @extschema@.<@ (@extschema@.rbac_path, @extschema@.rbac_path[]) IS 'is at or below any of';

CREATE OPERATOR @extschema@.@> (
	LEFTARG = @extschema@.rbac_path[], RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_any_above,
	COMMUTATOR = OPERATOR(@extschema@.<@),
	RESTRICT = aiven_rbac.rbac_path_below_any_sel, JOIN = aiven_rbac.rbac_path_below_any_joinsel
);
COMMENT ON OPERATOR @extschema@.@> (@extschema@.rbac_path[], @extschema@.rbac_path) IS 'has one at or above';

--
-- Putting together and splitting
--

CREATE FUNCTION aiven_rbac.rbac_path_append(@extschema@.rbac_path, @extschema@.rbac_path) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_append(@extschema@.rbac_path, @extschema@.rbac_path) IS 'implementation of operator ||';

CREATE FUNCTION aiven_rbac.rbac_path_append_text(@extschema@.rbac_path, text) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_append_text(@extschema@.rbac_path, text) IS 'implementation of operator || with text';

CREATE OPERATOR @extschema@.|| (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.rbac_path_append
);
COMMENT ON OPERATOR @extschema@.|| (@extschema@.rbac_path, @extschema@.rbac_path) IS 'append a path';

CREATE OPERATOR @extschema@.|| (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.rbac_path_append_text
);
COMMENT ON OPERATOR @extschema@.|| (@extschema@.rbac_path, text) IS 'append labels';

CREATE FUNCTION @extschema@.rbac_path_nlevel(path @extschema@.rbac_path) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_nlevel(@extschema@.rbac_path) IS 'number of labels';

CREATE FUNCTION @extschema@.rbac_path_label(path @extschema@.rbac_path) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_label(@extschema@.rbac_path) IS 'last label';

CREATE FUNCTION @extschema@.rbac_path_parent(path @extschema@.rbac_path) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_parent(@extschema@.rbac_path) IS 'path without its last label; null for an organization';

CREATE FUNCTION @extschema@.rbac_path_subpath(path @extschema@.rbac_path, "offset" integer) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_subpath(@extschema@.rbac_path, integer) IS 'labels from an offset to the end; a negative offset counts from the end';

CREATE FUNCTION @extschema@.rbac_path_subpath(path @extschema@.rbac_path, "offset" integer, len integer) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_subpath(@extschema@.rbac_path, integer, integer) IS 'labels from an offset; a negative length leaves as many off the end';

CREATE FUNCTION @extschema@.rbac_path_ancestors(path @extschema@.rbac_path, include_self boolean DEFAULT false) RETURNS @extschema@.rbac_path[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_ancestors(@extschema@.rbac_path, boolean) IS 'all paths above, the organization first';

CREATE FUNCTION @extschema@.rbac_path_lca(VARIADIC paths @extschema@.rbac_path[]) RETURNS @extschema@.rbac_path
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.rbac_path_lca(VARIADIC @extschema@.rbac_path[]) IS 'lowest path at or above all of the paths; null when there is none';

--
-- GiST
--
-- Keys are ranges of the pre-order, kept as bytea (see path_gist.c).
--

CREATE FUNCTION aiven_rbac.rbac_path_gist_consistent(internal, @extschema@.rbac_path, smallint, oid, internal) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_consistent(internal, @extschema@.rbac_path, smallint, oid, internal) IS 'GiST: can there be a match below a key';

CREATE FUNCTION aiven_rbac.rbac_path_gist_union(internal, internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_union(internal, internal) IS 'GiST: range over several keys';

CREATE FUNCTION aiven_rbac.rbac_path_gist_compress(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_compress(internal) IS 'GiST: key of a path';

CREATE FUNCTION aiven_rbac.rbac_path_gist_fetch(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_fetch(internal) IS 'GiST: path of a leaf key';

CREATE FUNCTION aiven_rbac.rbac_path_gist_penalty(internal, internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_penalty(internal, internal, internal) IS 'GiST: cost of widening a key';

CREATE FUNCTION aiven_rbac.rbac_path_gist_picksplit(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_picksplit(internal, internal) IS 'GiST: split of a page';

CREATE FUNCTION aiven_rbac.rbac_path_gist_same(bytea, bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_same(bytea, bytea, internal) IS 'GiST: equality of keys';

CREATE FUNCTION aiven_rbac.rbac_path_gist_sortsupport(internal) RETURNS void
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION aiven_rbac.rbac_path_gist_sortsupport(internal) IS 'GiST: order for a sorted build';

CREATE OPERATOR CLASS @extschema@.gist_rbac_path_ops DEFAULT FOR TYPE @extschema@.rbac_path USING gist AS
	STORAGE bytea,
	OPERATOR 1 @extschema@.<,
	OPERATOR 2 @extschema@.<=,
	OPERATOR 3 @extschema@.=,
	OPERATOR 4 @extschema@.>=,
	OPERATOR 5 @extschema@.>,
	OPERATOR 7 @extschema@.@> (@extschema@.rbac_path, @extschema@.rbac_path),
	OPERATOR 8 @extschema@.<@ (@extschema@.rbac_path, @extschema@.rbac_path),
	OPERATOR 9 @extschema@.<@ (@extschema@.rbac_path, @extschema@.rbac_path[]),
	FUNCTION 1 aiven_rbac.rbac_path_gist_consistent(internal, @extschema@.rbac_path, smallint, oid, internal),
	FUNCTION 2 aiven_rbac.rbac_path_gist_union(internal, internal),
	FUNCTION 3 aiven_rbac.rbac_path_gist_compress(internal),
	FUNCTION 5 aiven_rbac.rbac_path_gist_penalty(internal, internal, internal),
	FUNCTION 6 aiven_rbac.rbac_path_gist_picksplit(internal, internal),
	FUNCTION 7 aiven_rbac.rbac_path_gist_same(bytea, bytea, internal),
	FUNCTION 9 aiven_rbac.rbac_path_gist_fetch(internal),
	FUNCTION 11 aiven_rbac.rbac_path_gist_sortsupport(internal);
COMMENT ON OPERATOR CLASS @extschema@.gist_rbac_path_ops USING gist IS 'order and ancestry of paths, several scopes in one scan';
COMMENT ON OPERATOR FAMILY @extschema@.gist_rbac_path_ops USING gist IS 'order and ancestry of paths, several scopes in one scan';
