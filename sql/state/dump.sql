-- What a dump says of itself.

-- A restore of many jobs at a time, or of a part, can lose the rows of a whole
-- table, and nobody could tell from a table that is empty.  So there is a row
-- for each table, and pg_dump takes those of the tables that have rows
-- (code/tables.sql).  A restore brings them with the number of the installation
-- that was dumped.  Its own a database tells by the row of this table itself,
-- which no dump has.
CREATE TABLE aiven_rbac.dumped_table (
    name         text NOT NULL,
    installation uuid NOT NULL,
    CONSTRAINT dumped_table_pkey PRIMARY KEY (name, installation)
);
COMMENT ON TABLE aiven_rbac.dumped_table IS
    'the tables of this installation, and those that had rows in the dumps that were restored into it';
