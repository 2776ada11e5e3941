-- What administration hands from function to function.

-- Who acts.  C makes it, in one place (rbac_actor.c).  An actor that is absent,
-- or of which nothing is known, may do nothing: whatever a function allows it
-- allows because a member says so.
CREATE TYPE aiven_rbac.actor AS (
    principal uuid,         -- on whose behalf; NULL: on nobody's
    operator  boolean,      -- may do all that the tables' rules allow
    back_end  boolean       -- may look up everything, since it may set any principal
);
COMMENT ON TYPE aiven_rbac.actor IS
    'on whose behalf something is done: a principal, the operator, or a back end that has yet to set a principal';

-- An act of administration that has begun: the actor may do it, and the place
-- is held, so that it stays what it is until the transaction ends.
CREATE TYPE aiven_rbac.act AS (
    actor aiven_rbac.actor,
    place aiven_rbac.resource
);
COMMENT ON TYPE aiven_rbac.act IS 'who acts, and on or in which resource';
