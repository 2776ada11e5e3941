--
-- The access methods find nothing amiss in any operator class of the extension
--
SELECT amname, opcname, opcintype::regtype AS type, opcdefault, amvalidate(c.oid)
FROM pg_opclass c JOIN pg_am ON pg_am.oid = opcmethod
	JOIN pg_depend d ON d.classid = 'pg_opclass'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE extname = 'aiven_rbac'
ORDER BY amname, opcname, type;
