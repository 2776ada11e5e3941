-- Rules that need more than one row to judge: triggers, so that they hold on
-- every write path.

-- Hierarchy (H1): a resource stands right under its parent, in the parent's
-- organization, and carries the parent's path.  When a path changes, all that
-- is inside follows.  Checked after the statement, so that rows can come in
-- any order (a restore inserts them as they lie in the dump).
--
-- Concurrency: a child locks its parent's row, so that a move or deletion
-- waits for it, and the other way round.  The session that has waited looks
-- again at what is there now.
CREATE FUNCTION aiven_rbac.check_resource() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    above record;
    child record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT c.kind, c.path INTO child FROM aiven_rbac.children_now(OLD.id) AS c LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '% "%" is not empty', OLD.kind, OLD.path
                USING ERRCODE = 'dependent_objects_still_exist',
                      DETAIL = pg_catalog.format('It has %s "%s" inside.', child.kind, child.path),
                      HINT = 'Delete or move what is inside first.';
        END IF;
        RETURN NULL;
    END IF;

    IF TG_OP = 'UPDATE' THEN
        IF NEW.id <> OLD.id OR NEW.kind <> OLD.kind THEN
            RAISE EXCEPTION 'the id and the kind of a resource cannot change'
                USING ERRCODE = 'integrity_constraint_violation',
                      DETAIL = pg_catalog.format('The resource is %s "%s".', OLD.kind, OLD.path);
        END IF;
        -- The parent's lock is not taken for nothing: it would come after that of
        -- the resource.
        IF (NEW.parent, NEW.organization) IS NOT DISTINCT FROM (OLD.parent, OLD.organization)
           AND NEW.path OPERATOR(@extschema@.=) OLD.path THEN
            RETURN NULL;
        END IF;
    END IF;

    IF NEW.parent IS NULL THEN
        IF @extschema@.rbac_path_nlevel(NEW.path) <> 1 THEN
            RAISE EXCEPTION 'organization "%" cannot be inside anything', NEW.path
                USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        SELECT r.kind, r.organization, r.path INTO above
        FROM aiven_rbac.resource AS r WHERE r.id = NEW.parent FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the parent of % "%" does not exist', NEW.kind, NEW.path
                USING ERRCODE = 'foreign_key_violation',
                      DETAIL = pg_catalog.format('There is no resource with the id %s.', NEW.parent);
        END IF;
        IF NOT (NEW.kind, above.kind) IN
            (VALUES ('unit', 'organization'), ('project', 'organization'), ('project', 'unit'), ('service', 'project')) THEN
            RAISE EXCEPTION '% "%" cannot be inside % "%"', NEW.kind, NEW.path, above.kind, above.path
                USING ERRCODE = 'check_violation',
                      DETAIL = CASE NEW.kind
                             WHEN 'unit' THEN 'Units are flat: they stand directly in an organization.'
                             WHEN 'project' THEN 'Projects stand in an organization or in one of its units.'
                             ELSE 'Services stand in a project.' END,
                      HINT = 'Choose another parent.';
        END IF;
        IF NEW.organization <> above.organization
           OR @extschema@.rbac_path_parent(NEW.path) OPERATOR(@extschema@.<>) above.path THEN
            RAISE EXCEPTION 'path "%" does not continue its parent''s path "%"', NEW.path, above.path
                USING ERRCODE = 'check_violation',
                      DETAIL = 'The path of a resource is its parent''s path and its own label; both belong to one organization.';
        END IF;
    END IF;

    IF TG_OP = 'UPDATE' THEN
        IF NEW.path OPERATOR(@extschema@.<>) OLD.path OR NEW.organization <> OLD.organization THEN
            UPDATE aiven_rbac.resource AS r
            SET path = NEW.path OPERATOR(@extschema@.||) @extschema@.rbac_path_label(r.path),
                organization = NEW.organization
            WHERE r.parent = NEW.id;
            IF EXISTS (SELECT FROM aiven_rbac.children_now(NEW.id) AS c
                       WHERE @extschema@.rbac_path_parent(c.path) OPERATOR(@extschema@.<>) NEW.path) THEN
                RAISE EXCEPTION 'could not serialize access due to a concurrent creation inside "%"', OLD.path
                    USING ERRCODE = 'serialization_failure',
                          HINT = 'Try the transaction again.';
            END IF;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.check_resource() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.check_resource() IS 'trigger: keeps the hierarchy whole';

CREATE TRIGGER check_resource AFTER INSERT OR UPDATE OR DELETE ON aiven_rbac.resource
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.check_resource();

-- What is deleted takes its id along (H5).
CREATE FUNCTION aiven_rbac.retire_id() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    INSERT INTO aiven_rbac.retired_id (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.retire_id() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.retire_id() IS 'trigger: remembers the ids of what is deleted';

CREATE TRIGGER retire_id AFTER DELETE ON aiven_rbac.resource
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.retire_id();

CREATE TRIGGER retire_id AFTER DELETE ON aiven_rbac.principal
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.retire_id();

-- A list that is stored is short, so that nobody makes others wait for it (S8).
CREATE FUNCTION aiven_rbac.require_few(called text, number integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF number > 100 THEN
        RAISE EXCEPTION 'too many %', called
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('There are %s, and at most 100 are allowed.', number);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_few(text, integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_few(text, integer) IS 'raise if a list has more elements than are stored';

CREATE FUNCTION aiven_rbac.count_tags(resource uuid) RETURNS integer
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT count(*)::integer FROM aiven_rbac.tag AS t WHERE t.resource = count_tags.resource $$;
REVOKE ALL ON FUNCTION aiven_rbac.count_tags(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.count_tags(uuid) IS 'how many tags a resource has';

CREATE FUNCTION aiven_rbac.count_tags_now(resource uuid) RETURNS integer
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.count_tags_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.count_tags_now(uuid) IS 'how many tags a resource has, as committed now';

-- Sessions that tag one resource meet at its row, so that each counts what the
-- others have added.
CREATE FUNCTION aiven_rbac.check_tags() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tagged uuid;
BEGIN
    FOR tagged IN SELECT DISTINCT a.resource FROM added AS a ORDER BY a.resource LOOP
        PERFORM FROM aiven_rbac.resource AS r WHERE r.id = tagged FOR NO KEY UPDATE;
        PERFORM aiven_rbac.require_few('tags of a resource', aiven_rbac.count_tags_now(tagged));
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.check_tags() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.check_tags() IS 'trigger: a resource has at most 100 tags';

CREATE TRIGGER check_tags_inserted AFTER INSERT ON aiven_rbac.tag
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.check_tags();

CREATE TRIGGER check_tags_updated AFTER UPDATE ON aiven_rbac.tag
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.check_tags();

-- The last super admin stays (P5).  The organization's row is updated so that
-- two sessions that each remove another one meet there, in every isolation
-- level.  For the same reason the row of a user who becomes a super admin is
-- updated: a session that deactivates the user meanwhile has to see it.
CREATE FUNCTION aiven_rbac.check_super_admins() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    affected uuid[];
    bereft uuid;
BEGIN
    IF TG_TABLE_NAME = 'group_member' AND NEW.account_owners THEN
        UPDATE aiven_rbac.principal AS p SET deactivated_at = p.deactivated_at WHERE p.id = NEW.member;
    END IF;

    IF TG_TABLE_NAME = 'principal' THEN
        SELECT pg_catalog.array_agg(DISTINCT m.organization) INTO affected
        FROM aiven_rbac.group_member AS m WHERE m.member = NEW.id AND m.account_owners;
    ELSIF TG_OP = 'TRUNCATE' THEN
        SELECT pg_catalog.array_agg(o.id) INTO affected FROM aiven_rbac.organization AS o;
    ELSIF OLD.account_owners THEN
        affected := ARRAY[OLD.organization];
    END IF;
    IF affected IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE aiven_rbac.organization AS o SET kind = o.kind WHERE o.id = ANY (affected);
    SELECT o.id INTO bereft
    FROM aiven_rbac.organization AS o
    WHERE o.id = ANY (affected)
      AND NOT EXISTS (SELECT FROM aiven_rbac.group_member AS m
                      JOIN aiven_rbac.principal AS p ON p.id = m.member
                      WHERE m.organization = o.id AND m.account_owners AND p.deactivated_at IS NULL)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'organization "%" would be left without a super admin',
                (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = bereft)
            USING ERRCODE = 'restrict_violation',
                  DETAIL = 'An organization always has at least one active super admin.',
                  HINT = 'Make another member super admin first: rbac_super_admin_add().';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.check_super_admins() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.check_super_admins() IS 'trigger: an organization keeps an active super admin';

CREATE TRIGGER check_super_admins AFTER INSERT OR UPDATE OR DELETE ON aiven_rbac.group_member
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.check_super_admins();

CREATE TRIGGER check_super_admins_truncate AFTER TRUNCATE ON aiven_rbac.group_member
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.check_super_admins();

CREATE TRIGGER check_super_admins AFTER UPDATE OF deactivated_at ON aiven_rbac.principal
    FOR EACH ROW WHEN (NEW.deactivated_at IS NOT NULL AND OLD.deactivated_at IS NULL)
    EXECUTE FUNCTION aiven_rbac.check_super_admins();

-- The catalogue references organizations because of their own roles, so that a
-- TRUNCATE of the hierarchy with CASCADE would empty the catalogue, too.
CREATE FUNCTION aiven_rbac.keep_catalogue() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'table "%" cannot be truncated', TG_TABLE_NAME
        USING ERRCODE = 'object_not_in_prerequisite_state',
              DETAIL = 'It holds the built-in actions, roles and permissions.',
              HINT = 'Use DELETE: it also deletes what references the deleted rows, and nothing else.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.keep_catalogue() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.keep_catalogue() IS 'trigger: the catalogue is not truncated by accident';

CREATE TRIGGER keep_catalogue BEFORE TRUNCATE ON aiven_rbac.action
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.keep_catalogue();

CREATE TRIGGER keep_catalogue BEFORE TRUNCATE ON aiven_rbac.grantable
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.keep_catalogue();

CREATE TRIGGER keep_catalogue BEFORE TRUNCATE ON aiven_rbac.grantable_on
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.keep_catalogue();

CREATE TRIGGER keep_catalogue BEFORE TRUNCATE ON aiven_rbac.allowed_action
    FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.keep_catalogue();
