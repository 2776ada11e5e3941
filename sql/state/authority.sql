-- Which database others get their rows from.

-- The row of an authority comes to its subscribers with the rest, and tells them
-- whose marks they understand, and whether they know what is sent.
CREATE TABLE aiven_rbac.authority (
    installation uuid NOT NULL,
    database     text NOT NULL,
    system       bigint NOT NULL,
    version      text NOT NULL,
    CONSTRAINT authority_pkey PRIMARY KEY (installation)
);
COMMENT ON TABLE aiven_rbac.authority IS
    'the database that publishes these tables, here or where a subscription comes from, and its version of the extension';
