-- Projects and services, and what is set on them: tags (H7), lists of plans
-- (H8), accounts of services (H9).

CREATE TABLE aiven_rbac.project (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'project' CHECK (kind = 'project'),
    organization uuid NOT NULL,
    billing_group uuid,
    CONSTRAINT project_pkey PRIMARY KEY (id),
    CONSTRAINT project_resource_fkey FOREIGN KEY (id, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT project_billing_group_fkey FOREIGN KEY (billing_group, organization)
        REFERENCES aiven_rbac.billing_group (id, organization)
);
COMMENT ON TABLE aiven_rbac.project IS 'what a project has beyond being a resource';

CREATE TABLE aiven_rbac.service (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'service' CHECK (kind = 'service'),
    organization uuid NOT NULL,
    service_type text NOT NULL CONSTRAINT service_type_shape CHECK (aiven_rbac.is_text(service_type, 'name', 255)),
    plan         text CONSTRAINT service_plan_shape CHECK (aiven_rbac.is_text(plan, 'name', 255)),
    CONSTRAINT service_pkey PRIMARY KEY (id),
    CONSTRAINT service_resource_fkey FOREIGN KEY (id, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.service IS 'what a service has beyond being a resource';
CREATE INDEX project_billing_group_idx ON aiven_rbac.project (billing_group);

CREATE TABLE aiven_rbac.plan_list (
    resource     uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('organization', 'unit', 'project')),
    organization uuid NOT NULL,
    plans        text[] NOT NULL
        CONSTRAINT plan_list_shape CHECK (aiven_rbac.are_texts(plans, 'name', 255)),
    CONSTRAINT plan_list_pkey PRIMARY KEY (resource),
    CONSTRAINT plan_list_resource_fkey FOREIGN KEY (resource, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX plan_list_organization_idx ON aiven_rbac.plan_list (organization);
COMMENT ON TABLE aiven_rbac.plan_list IS
    'the service plans allowed below a resource, as far as the levels above allow them too';
COMMENT ON CONSTRAINT plan_list_shape ON aiven_rbac.plan_list IS
    'A list has at most 100 plans, each a name of 1 to 255 characters, and no null.';

CREATE TABLE aiven_rbac.tag (
    resource     uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('project', 'service')),
    organization uuid NOT NULL,
    key          text NOT NULL CONSTRAINT tag_key_shape CHECK (aiven_rbac.is_text(key, 'word', 64)),
    value        text NOT NULL CONSTRAINT tag_value_length CHECK (pg_catalog.length(value) <= 256)
        CONSTRAINT tag_value_shape CHECK (aiven_rbac.is_text(value, 'line', 256)),
    CONSTRAINT tag_pkey PRIMARY KEY (resource, key),
    CONSTRAINT tag_resource_fkey FOREIGN KEY (resource, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.tag IS 'tags of projects and services';
COMMENT ON CONSTRAINT tag_key_shape ON aiven_rbac.tag IS 'A tag''s key has 1 to 64 characters, and no space or invisible one.';
COMMENT ON CONSTRAINT tag_value_shape ON aiven_rbac.tag IS 'A tag''s value is one line, without control characters.';
COMMENT ON CONSTRAINT tag_value_length ON aiven_rbac.tag IS 'A tag''s value has at most 256 characters.';

CREATE TABLE aiven_rbac.service_user (
    service    uuid NOT NULL,
    username   text NOT NULL
        CONSTRAINT service_user_name_shape CHECK (aiven_rbac.is_text(username, 'word', 63)),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT service_user_pkey PRIMARY KEY (service, username),
    CONSTRAINT service_user_service_fkey FOREIGN KEY (service)
        REFERENCES aiven_rbac.service (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.service_user IS
    'database accounts of services: no principals, and no part of any decision';
COMMENT ON CONSTRAINT service_user_name_shape ON aiven_rbac.service_user IS
    'A user name has 1 to 63 characters, and no space or invisible one.';
COMMENT ON CONSTRAINT service_user_pkey ON aiven_rbac.service_user IS 'The service has a user of this name already.';
