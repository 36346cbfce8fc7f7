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
