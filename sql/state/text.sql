-- What a text may hold that somebody gives: the constraints of the tables ask
-- it, so that no way of writing a row gets around it.  The rules are told in
-- rbac_text.c.

CREATE FUNCTION aiven_rbac.is_text(value text, rule text, most integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_is_text'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.is_text(text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_text(text, text, integer) IS
    'may a text be a name, a word, a line, a note or an email of so many characters at most?';

CREATE FUNCTION aiven_rbac.are_texts(elements text[], rule text, most integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_are_texts'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.are_texts(text[], text, integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.are_texts(text[], text, integer) IS
    'may a list be stored, and each of its elements be such a text?';

CREATE FUNCTION aiven_rbac.require_text(called text, value text, rule text, most integer) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_require_text'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.require_text(text, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_text(text, text, text, integer) IS
    'raise unless a text may be what it is to be';

CREATE FUNCTION aiven_rbac.excerpt(value text) RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_text_excerpt'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.excerpt(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.excerpt(text) IS
    'what an error repeats of a value: its beginning, or "NULL"';

-- Letters are one with their capitals in emails and domains, and no other
-- characters with anything: that is so in the collation "C", whatever the
-- database's locale and encoding.  An index and what it is asked for share this.
CREATE FUNCTION aiven_rbac.fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT pg_catalog.lower(value COLLATE pg_catalog."C") $$;
COMMENT ON FUNCTION aiven_rbac.fold(text) IS
    'a text with the letters A to Z made small, by which emails and domains are compared';
