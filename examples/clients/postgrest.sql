-- PostgREST, and whatever else switches roles: a function that is called before
-- each request (db-pre-request) sets the principal of the claims.  A request
-- without claims is nobody's, and sees nothing; so is one of a user whom the
-- extension does not know.
--
-- EXECUTE on it belongs to the roles that PostgREST switches to.  These run no SQL of
-- their own: whoever can set claims can be anybody.

CREATE FUNCTION before_request() RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = public, pg_temp
    AS $$
DECLARE
    claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
BEGIN
    IF claims ->> 'email' IS NOT NULL THEN
        PERFORM rbac_set_principal(rbac_user(claims ->> 'email'), method => claims ->> 'amr');
    END IF;
EXCEPTION WHEN undefined_object THEN
    NULL;
END
$$;
