-- Billing groups, payment methods, addresses, the support tier (H6, H7).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create(label, label, rbac_user_create(label || '@x.example'))
FROM unnest('{acme,globex}'::text[]) AS label;
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_project_create('acme.u', 'p');
SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'acme@x.example'));
CREATE TEMP TABLE ours AS
SELECT rbac_payment_method_add('acme', 'psp', 'pm_1', '4242') AS payment,
       rbac_billing_address_add('acme', 'Acme', 'Helsinki', 'FI', '{Street 1,2nd floor}', '00100') AS address;
CREATE TEMP TABLE theirs AS
SELECT rbac_billing_group_create('globex', 'main') AS billing_group,
       rbac_payment_method_add('globex', 'psp', 'pm_1') AS payment,
       rbac_billing_address_add('globex', 'Globex', 'Turku', 'FI') AS address;
CREATE TEMP TABLE main AS
SELECT rbac_billing_group_create('acme', 'main', 'EUR', 'FI12345678', '{a@acme.example,b@acme.example}',
                                 address, payment) AS id
FROM ours;
\o

SELECT results_eq($$ SELECT g.name, g.currency, g.tax_id, g.billing_emails, g.billing_address, g.payment_method
                     FROM aiven_rbac.billing_group AS g JOIN main USING (id) $$,
                  $$ SELECT 'main', 'EUR', 'FI12345678', '{a@acme.example,b@acme.example}'::text[], address, payment
                     FROM ours $$,
                  'H6: a billing group has all that was given');

SELECT is(test.call('acme@x.example', replace(replace(replace(replace(replace(replace(call, '$main', quote_literal(m.id)),
          '$payment', quote_literal(o.payment)), '$address', quote_literal(o.address)), '$their_group', quote_literal(t.billing_group)),
          '$their_payment', quote_literal(t.payment)), '$their_address', quote_literal(t.address))), result, rule)
FROM main AS m, ours AS o, theirs AS t, (VALUES
    ('rbac_billing_group_create(''acme.u'', ''x'')', '42809', 'H6: a unit has no billing groups'),
    ('rbac_billing_group_create(''acme.u.p'', ''x'')', '42809', 'H6: nor has a project'),
    ('rbac_payment_method_add(''acme.u'', ''psp'', ''x'')', '42809', 'H6: nor has either payment methods'),
    ('rbac_billing_address_add(''acme.u.p'', ''A'', ''B'', ''FI'')', '42809', 'H6: or addresses'),
    ('rbac_organization_support_tier_set(''acme.u'', ''basic'')', '42809', 'H6: or a support tier'),
    ('rbac_billing_group_create(''acme'', ''main'')', '23505', 'H6: a name is one billing group''s'),
    ('rbac_billing_group_create(''acme'', '''')', '22023', 'H6: and not empty'),
    ('rbac_billing_group_create(''acme'', NULL)', '22004', 'H6: nor null'),
    ('rbac_billing_group_create(''acme'', ''x'', ''euro'')', '22023', 'H6: a currency has three letters'),
    ('rbac_billing_group_create(''acme'', ''x'', NULL)', '22004', 'H6: and is given'),
    ('rbac_billing_group_create(''acme'', ''x'', billing_emails => ''{a@b,c}'')', '22023', 'H6: emails are emails'),
    ('rbac_billing_group_create(''acme'', ''x'', billing_emails => ''{a@b,NULL}'')', '22023', 'H6: every one of them'),
    ('rbac_billing_group_create(''acme'', ''x'', payment_method => $their_payment)', '22023',
     'H6: a payment method is not shared'),
    ('rbac_billing_group_create(''acme'', ''x'', billing_address => $their_address)', '22023', 'H6: nor is an address'),
    ('rbac_billing_group_edit($main, tax_id => ''FI2'')', 'ok', 'H6: a billing group is edited'),
    ('rbac_billing_group_edit($main, payment_method => $their_payment)', '22023',
     'H6: not to another organization''s payment method'),
    ('rbac_billing_group_edit($their_group, ''mine'')', '42501', 'H6: nor is another organization''s'),
    ('rbac_billing_group_edit(gen_random_uuid(), ''mine'')', '42704', 'H6: nor one that does not exist'),
    ('rbac_payment_method_add(''acme'', ''psp'', ''4242424242424242'', ''4242'')', '22023',
     'H6: a card number is refused'),
    ('rbac_payment_method_add(''acme'', ''psp'', ''4242-4242-4242-4242'')', '22023', 'H6: hyphens or not'),
    ('rbac_payment_method_add(''acme'', ''psp'', ''pm_2'', ''42424'')', '22023', 'H6: four digits, no more'),
    ('rbac_payment_method_add(''acme'', ''psp'', ''pm_1'')', '23505', 'H6: a payment method is added once'),
    ('rbac_payment_method_add(''acme'', ''psp'', NULL)', '22004', 'H6: with the provider''s reference'),
    ('rbac_payment_method_edit($payment, ''4242 4242 4242 4242'')', '22023',
     'H6: which editing does not turn into a card number'),
    ('rbac_billing_address_add(''acme'', ''A'', ''B'', ''Finland'')', '22023', 'H6: a country is its code'),
    ('rbac_payment_method_delete($payment)', '2BP01', 'H5: a payment method that is used stays'),
    ('rbac_billing_address_delete($address)', '2BP01', 'H5: an address too'),
    ('rbac_project_create(''acme.u'', ''r'', NULL, $main)', 'ok', 'H7: a project begins with a billing group'),
    ('rbac_project_create(''acme.u'', ''s'', NULL, $their_group)', '22023', 'H7: of its own organization'),
    ('rbac_project_assign_billing_group(''acme.u.p'', $their_group)', '22023', 'H7: of its own organization'),
    ('rbac_project_assign_billing_group(''acme.u'', $main)', '42809', 'H7: projects have one, units have not'),
    ('rbac_project_assign_billing_group(''acme.u.p'', $main)', 'ok', 'H7: a project is assigned to a billing group'),
    ('rbac_billing_group_delete($main)', '2BP01', 'H5: which then stays'),
    ('rbac_organization_support_tier_set(''acme'', ''advanced'')', 'ok', 'H6: the support tier'),
    ('rbac_organization_support_tier_set(''acme'', ''gold'')', '22023', 'H6: is one of four'),
    ('rbac_organization_support_tier_set(''acme'', NULL)', '22004', 'H6: and there is always one')
) AS v (call, result, rule);
SELECT is((SELECT (g.name, g.currency, g.tax_id) FROM aiven_rbac.billing_group AS g JOIN main USING (id)),
          ('main'::text, 'EUR'::text, 'FI2'::text), 'H6: editing leaves what is not named');
SELECT is((SELECT o.support_tier FROM aiven_rbac.organization AS o WHERE o.id = rbac_resource_id('acme')), 'advanced',
          'H6: the tier that was set');
SELECT is((SELECT o.support_tier FROM aiven_rbac.organization AS o WHERE o.id = rbac_resource_id('globex')), 'basic',
          'H6: an organization begins with basic');

SELECT throws_ok(format(statement, t.billing_group, t.payment, t.address), '23503', NULL, rule)
FROM theirs AS t, (VALUES
    ('UPDATE aiven_rbac.project SET billing_group = %1$L',
     'S7, H7: raw DML assigns no billing group of another organization'),
    ('UPDATE aiven_rbac.billing_group SET payment_method = %2$L', 'S7, H6: nor a payment method'),
    ('UPDATE aiven_rbac.billing_group SET billing_address = %3$L', 'S7, H6: nor an address'),
    ('DELETE FROM aiven_rbac.payment_method', 'S7, H5: nor does it delete what is used')
) AS v (statement, rule);
SELECT throws_ok($$UPDATE aiven_rbac.payment_method SET provider_reference = '4242424242424242'$$, '23514', NULL,
                 'S7, H6: nor store a card number');

SELECT * FROM finish();
ROLLBACK;
