-- Paths compared with texts: drivers send parameters as text, and an application has
-- columns of it.  A text is taken as a path, and one that is none is an error, as by a
-- cast.
--
-- The functions are in SQL, so that the planner puts their bodies in their place: what it
-- plans is a comparison of two paths, with all that it knows of these.  They are
-- operators of their own, and no cast, since an implicit cast would have an application's
-- "text[] @> unknown" mean paths as well.

CREATE FUNCTION aiven_rbac.path_eq_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.=) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_eq_text(@extschema@.rbac_path, text) IS 'implementation of operator =';

CREATE FUNCTION aiven_rbac.text_eq_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.=) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_eq_path(text, @extschema@.rbac_path) IS 'implementation of operator =';

CREATE FUNCTION aiven_rbac.path_ne_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.<>) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_ne_text(@extschema@.rbac_path, text) IS 'implementation of operator <>';

CREATE FUNCTION aiven_rbac.text_ne_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.<>) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_ne_path(text, @extschema@.rbac_path) IS 'implementation of operator <>';

CREATE FUNCTION aiven_rbac.path_lt_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.<) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_lt_text(@extschema@.rbac_path, text) IS 'implementation of operator <';

CREATE FUNCTION aiven_rbac.text_lt_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.<) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_lt_path(text, @extschema@.rbac_path) IS 'implementation of operator <';

CREATE FUNCTION aiven_rbac.path_le_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.<=) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_le_text(@extschema@.rbac_path, text) IS 'implementation of operator <=';

CREATE FUNCTION aiven_rbac.text_le_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.<=) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_le_path(text, @extschema@.rbac_path) IS 'implementation of operator <=';

CREATE FUNCTION aiven_rbac.path_ge_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.>=) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_ge_text(@extschema@.rbac_path, text) IS 'implementation of operator >=';

CREATE FUNCTION aiven_rbac.text_ge_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.>=) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_ge_path(text, @extschema@.rbac_path) IS 'implementation of operator >=';

CREATE FUNCTION aiven_rbac.path_gt_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.>) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_gt_text(@extschema@.rbac_path, text) IS 'implementation of operator >';

CREATE FUNCTION aiven_rbac.text_gt_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.>) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_gt_path(text, @extschema@.rbac_path) IS 'implementation of operator >';

CREATE FUNCTION aiven_rbac.path_below_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.<@) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_below_text(@extschema@.rbac_path, text) IS 'implementation of operator <@';

CREATE FUNCTION aiven_rbac.text_below_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.<@) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_below_path(text, @extschema@.rbac_path) IS 'implementation of operator <@';

CREATE FUNCTION aiven_rbac.path_above_text(@extschema@.rbac_path, text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 OPERATOR(@extschema@.@>) $2::@extschema@.rbac_path $$;
COMMENT ON FUNCTION aiven_rbac.path_above_text(@extschema@.rbac_path, text) IS 'implementation of operator @>';

CREATE FUNCTION aiven_rbac.text_above_path(text, @extschema@.rbac_path) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::@extschema@.rbac_path OPERATOR(@extschema@.@>) $2 $$;
COMMENT ON FUNCTION aiven_rbac.text_above_path(text, @extschema@.rbac_path) IS 'implementation of operator @>';

CREATE OPERATOR @extschema@.= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_eq_text,
	COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.rbac_path, text) IS 'equal';

CREATE OPERATOR @extschema@.= (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_eq_path,
	COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel
);
COMMENT ON OPERATOR @extschema@.= (text, @extschema@.rbac_path) IS 'equal';

CREATE OPERATOR @extschema@.<> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_ne_text,
	COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.rbac_path, text) IS 'not equal';

CREATE OPERATOR @extschema@.<> (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_ne_path,
	COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (text, @extschema@.rbac_path) IS 'not equal';

CREATE OPERATOR @extschema@.< (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_lt_text,
	COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.rbac_path, text) IS 'before in the tree''s pre-order';

CREATE OPERATOR @extschema@.< (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_lt_path,
	COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (text, @extschema@.rbac_path) IS 'before in the tree''s pre-order';

CREATE OPERATOR @extschema@.<= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_le_text,
	COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.rbac_path, text) IS 'before in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.<= (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_le_path,
	COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (text, @extschema@.rbac_path) IS 'before in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.>= (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_ge_text,
	COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.rbac_path, text) IS 'after in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.>= (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_ge_path,
	COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (text, @extschema@.rbac_path) IS 'after in the tree''s pre-order, or equal';

CREATE OPERATOR @extschema@.> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_gt_text,
	COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.rbac_path, text) IS 'after in the tree''s pre-order';

CREATE OPERATOR @extschema@.> (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_gt_path,
	COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (text, @extschema@.rbac_path) IS 'after in the tree''s pre-order';

CREATE OPERATOR @extschema@.<@ (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_below_text,
	COMMUTATOR = OPERATOR(@extschema@.@>),
	RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR @extschema@.<@ (@extschema@.rbac_path, text) IS 'is at or below';

CREATE OPERATOR @extschema@.<@ (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_below_path,
	COMMUTATOR = OPERATOR(@extschema@.@>),
	RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR @extschema@.<@ (text, @extschema@.rbac_path) IS 'is at or below';

CREATE OPERATOR @extschema@.@> (
	LEFTARG = @extschema@.rbac_path, RIGHTARG = text, FUNCTION = aiven_rbac.path_above_text,
	COMMUTATOR = OPERATOR(@extschema@.<@),
	RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR @extschema@.@> (@extschema@.rbac_path, text) IS 'is at or above';

CREATE OPERATOR @extschema@.@> (
	LEFTARG = text, RIGHTARG = @extschema@.rbac_path, FUNCTION = aiven_rbac.text_above_path,
	COMMUTATOR = OPERATOR(@extschema@.<@),
	RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR @extschema@.@> (text, @extschema@.rbac_path) IS 'is at or above';
