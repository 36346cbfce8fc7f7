-- Small things that clients and pg_dump send.
CREATE SEQUENCE asked
CREATE SCHEMA elsewhere
ALTER TABLE asked OWNER TO postgres
ALTER TABLE asked OWNER TO nobody_at_all
ALTER TABLE asked RENAME TO asked2
ALTER TABLE asked2 SET SCHEMA elsewhere
SELECT nextval('elsewhere.asked2')
SELECT pg_sleep(0)
SELECT pg_sleep(0.01), 1
SELECT pg_sleep(-1)
SELECT pg_sleep(NULL)
SELECT acldefault('r', 10)::text
SELECT k, acldefault(k::"char", 10)::text FROM unnest(ARRAY['c','r','s','d','f','l','L','n','t','F','S','T','p']) k ORDER BY 1
SELECT acldefault(NULL, 10), acldefault('r', NULL)
SELECT acldefault('r', 999999)::text
SELECT array_length(acldefault('d', 10), 1)
BEGIN
DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1 AS one
FETCH ALL FROM c
COMMIT
PREPARE counted (int, text) AS SELECT $1 + 1 AS n, $2 AS t
PREPARE emptied AS DELETE FROM pg_temp.nothing
PREPARE untyped AS SELECT $1::date
SELECT name, statement, parameter_types::text, result_types::text, from_sql FROM pg_prepared_statements WHERE from_sql ORDER BY name
DEALLOCATE counted
SELECT count(*) FROM pg_prepared_statements WHERE from_sql
DEALLOCATE untyped
BEGIN
DECLARE by_name SCROLL CURSOR FOR SELECT 1
DECLARE kept CURSOR WITH HOLD FOR SELECT 2
SELECT name, statement, is_holdable, is_binary FROM pg_cursors WHERE name IN ('by_name', 'kept') ORDER BY 1
COMMIT
SELECT name, is_holdable FROM pg_cursors WHERE name IN ('by_name', 'kept') ORDER BY 1
CLOSE kept
