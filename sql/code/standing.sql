-- Who loses by a change, for those who hand out by what they are losing (G5):
-- each meets the other at COMMIT (rbac_standing.c).

CREATE FUNCTION aiven_rbac.note_loss() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_note_loss'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.note_loss() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.note_loss() IS
    'trigger: notes the organizations and principals, in the columns named, that can lose access by the change of a row; everybody, if no column is named';

-- On every write path, logical apply included, and in every replication role.
-- What is added takes nothing away, but for an authentication policy.  A role
-- or permission stands for its organization.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('access_grant', 'UPDATE OR DELETE', 'organization'),
                                   ('group_member', 'UPDATE OR DELETE', 'organization'),
                                   ('membership', 'UPDATE OR DELETE', 'organization'),
                                   ('authentication_policy', 'INSERT OR UPDATE OR DELETE', 'organization'),
                                   ('resource', 'UPDATE OF parent, organization OR DELETE', 'organization'),
                                   ('principal', 'UPDATE OF deactivated_at OR DELETE', 'id, organization'),
                                   ('domain', 'UPDATE OR DELETE', 'organization'),
                                   ('database_role', 'UPDATE OR DELETE', 'principal'),
                                   ('grantable', 'UPDATE OR DELETE', 'organization'),
                                   ('allowed_action', 'UPDATE OR DELETE', 'grantable'),
                                   ('action', 'UPDATE OR DELETE', ''))
             AS v (name, events, columns)
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER note_loss AFTER %s ON aiven_rbac.%I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.note_loss(%s)', t.events, t.name, t.columns);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER note_loss_of_all AFTER TRUNCATE ON aiven_rbac.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.note_loss()', t.name);
        EXECUTE pg_catalog.format(
            'ALTER TABLE aiven_rbac.%I ENABLE ALWAYS TRIGGER note_loss, '
            'ENABLE ALWAYS TRIGGER note_loss_of_all', t.name);
    END LOOP;
END
$$;
