-- Indexes on expressions, INCLUDE, hash, operator classes: what they refuse, how they are printed, and the catalogs.
CREATE TABLE people (id int PRIMARY KEY, name text, email varchar(40), born date, score numeric, tags text[], code char(4), data jsonb, flag bool)
CREATE INDEX people_lower ON people (lower(name))
CREATE INDEX ON people (lower(name), born DESC)
CREATE UNIQUE INDEX people_email ON people (lower(email))
CREATE UNIQUE INDEX ON people ((score * 2), id) WHERE flag
INSERT INTO people VALUES (1, 'Ann', 'Ann@x.org', '2000-01-01', 1.5, '{a}', 'ab', '{"k": 1}', true)
INSERT INTO people VALUES (2, 'Bob', 'ANN@X.ORG', '2000-01-01', 1.5, '{a}', 'ab', '{"k": 1}', true)
INSERT INTO people VALUES (2, 'Bob', 'bob@X.ORG', '2000-01-01', 1.50, '{a}', 'ab', '{"k": 1}', true)
INSERT INTO people VALUES (3, 'Cy', NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 'Cy', NULL, NULL, NULL, NULL, NULL, NULL, NULL)
UPDATE people SET email = 'ANN@x.ORG' WHERE id = 3
INSERT INTO people VALUES (5, 'Dan', 'bob@x.org') ON CONFLICT (lower(email)) DO UPDATE SET name = people.name || '+' || EXCLUDED.name
INSERT INTO people VALUES (5, 'Dan', 'bob@x.org') ON CONFLICT (lower(name)) DO NOTHING
INSERT INTO people VALUES (5, 'Dan', 'bob@x.org') ON CONFLICT DO NOTHING
SELECT id, name, email FROM people ORDER BY id
CREATE UNIQUE INDEX people_bad ON people (upper(name))
CREATE UNIQUE INDEX people_bad ON people ((born IS NULL))
CREATE INDEX ON people (random())
CREATE INDEX ON people ((now() - born))
CREATE INDEX ON people (sum(id))
CREATE INDEX ON people ((SELECT 1))
CREATE INDEX ON people (lower(missing))
CREATE INDEX ON people ((data ->> 'k'))
CREATE INDEX ON people ((data -> 'k'))
CREATE INDEX ON people (((data ->> 'k')::int) DESC NULLS LAST)
CREATE INDEX ON people ((name || ' ' || email))
CREATE INDEX ON people (name text_pattern_ops, email varchar_pattern_ops, code bpchar_pattern_ops)
CREATE INDEX ON people (lower(name) text_pattern_ops)
CREATE INDEX ON people (lower(name) COLLATE "C" text_pattern_ops)
CREATE INDEX ON people (name COLLATE "C")
CREATE INDEX ON people (born DESC)
CREATE INDEX ON people (born NULLS FIRST)
CREATE INDEX ON people (born DESC NULLS LAST, name ASC NULLS FIRST)
CREATE INDEX ON people (name) INCLUDE (email, born)
CREATE UNIQUE INDEX people_incl ON people (id) INCLUDE (name)
CREATE INDEX ON people (name) INCLUDE (lower(email))
CREATE INDEX ON people (name) INCLUDE (name)
CREATE INDEX ON people (name) INCLUDE (missing)
CREATE INDEX ON people (name) INCLUDE (email DESC)
CREATE INDEX ON people (name) INCLUDE (email text_ops)
CREATE UNIQUE INDEX ON people (born) NULLS NOT DISTINCT WHERE id > 100
CREATE INDEX people_hash ON people USING hash (name)
CREATE INDEX ON people USING hash (lower(name))
CREATE INDEX ON people USING hash (name, email)
CREATE UNIQUE INDEX ON people USING hash (name)
CREATE INDEX ON people USING hash (name DESC)
CREATE INDEX ON people USING hash (name NULLS FIRST)
CREATE INDEX ON people USING hash (name) INCLUDE (email)
CREATE INDEX ON people USING hash (name) WITH (fillfactor = 70)
CREATE INDEX ON people USING hash (name text_ops)
CREATE INDEX ON people USING hash (name int4_ops)
CREATE INDEX ON people USING hash (data)
CREATE INDEX ON people USING hash (tags)
CREATE INDEX ON people USING hash (id) WHERE id > 0
CREATE INDEX ON people USING btree (id) WITH (fillfactor = 70)
CREATE INDEX ON people USING nonsense (born)
CREATE INDEX ON people (name int4_ops)
CREATE INDEX ON people (name nonsense_ops)
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'people' ORDER BY indexname
SELECT indexrelid::regclass::text, indnatts, indnkeyatts, indisunique, indnullsnotdistinct, indkey, indoption, pg_get_expr(indexprs, indrelid) AS exprs, pg_get_expr(indpred, indrelid) AS pred, indexprs IS NULL AS np FROM pg_index WHERE indrelid = 'people'::regclass ORDER BY indexrelid::regclass::text COLLATE "C"
SELECT c.relname, am.amname, c.relnatts FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE relkind = 'i' AND relname LIKE 'people%' ORDER BY 1
SELECT attrelid::regclass::text, attnum, attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'people'::regclass) ORDER BY attrelid::regclass::text COLLATE "C", attnum
SELECT i.indexrelid::regclass::text, oc.opcname FROM pg_index i, unnest(indclass) WITH ORDINALITY u(o, n) JOIN pg_opclass oc ON oc.oid = u.o WHERE indrelid = 'people'::regclass ORDER BY i.indexrelid::regclass::text COLLATE "C", n
SELECT pg_get_indexdef('people_incl'::regclass, 2, true), pg_get_indexdef('people_lower'::regclass, 1, false), pg_get_indexdef('people_incl'::regclass, 3, true)
SELECT pg_get_indexdef('people_lower'::regclass, 0, true)
CREATE TABLE keyed (a int, b int, c int, PRIMARY KEY (a) INCLUDE (b), UNIQUE (b) INCLUDE (c), UNIQUE NULLS NOT DISTINCT (c))
SELECT conname, conkey, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'keyed'::regclass ORDER BY 1
ALTER TABLE keyed ADD CONSTRAINT k2 UNIQUE (a, b) INCLUDE (c)
ALTER TABLE keyed RENAME COLUMN b TO bb
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'keyed'::regclass ORDER BY 1
ALTER TABLE keyed DROP COLUMN c
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'keyed'::regclass ORDER BY 1
INSERT INTO keyed VALUES (1, 1)
INSERT INTO keyed VALUES (1, 2)
ALTER TABLE people RENAME COLUMN name TO nom
ALTER TABLE people ALTER COLUMN nom TYPE varchar(50)
ALTER TABLE people ALTER COLUMN email TYPE text
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'people' ORDER BY indexname
INSERT INTO people VALUES (9, 'Zed', 'BOB@x.org')
DROP INDEX people_lower
ALTER TABLE people DROP COLUMN email
SELECT indexname FROM pg_indexes WHERE tablename = 'people' ORDER BY indexname
CREATE TABLE like_people (LIKE people INCLUDING INDEXES)
SELECT regexp_replace(indexdef, 'like_people_(\w+?)\d* ON', '\1') FROM pg_indexes WHERE tablename = 'like_people' ORDER BY 1
REINDEX INDEX people_hash
COMMENT ON INDEX people_hash IS 'h'
CREATE TABLE errs (a int, b int)
CREATE INDEX ON errs ((a / b))
INSERT INTO errs VALUES (1, 0)
INSERT INTO errs VALUES (1, 1)
CREATE UNIQUE INDEX errs_u ON errs ((a / b)) WHERE b > 0
INSERT INTO errs VALUES (2, 2)
INSERT INTO errs VALUES (4, 2), (5, 2)
DELETE FROM errs
INSERT INTO errs VALUES (4, 2)
BEGIN
UPDATE errs SET a = 10
INSERT INTO errs VALUES (4, 2)
INSERT INTO errs VALUES (5, 1)
ROLLBACK
MERGE INTO errs USING (VALUES (9, 4)) v(a, b) ON false WHEN NOT MATCHED THEN INSERT VALUES (v.a, v.b)
CREATE TABLE single (v int)
CREATE UNIQUE INDEX single_row ON single ((true))
INSERT INTO single VALUES (1)
INSERT INTO single VALUES (2)
DELETE FROM single
INSERT INTO single VALUES (3), (4)
INSERT INTO single VALUES (5)
CREATE TABLE spans (a interval PRIMARY KEY, b time, c money, d bit(3), e varbit, f uuid, g inet, h timetz)
CREATE INDEX ON spans (a DESC, b, c, d, e, f, g, h)
CREATE INDEX ON spans USING hash (a)
CREATE INDEX ON spans USING hash (c)
CREATE INDEX ON spans USING hash (d)
CREATE INDEX ON spans USING hash (g)
CREATE INDEX ON spans USING hash (g cidr_ops)
CREATE UNIQUE INDEX spans_x ON spans (extract(hour FROM b), coalesce(f, gen_random_uuid()))
CREATE UNIQUE INDEX spans_x ON spans (extract(hour FROM b), coalesce(f, '00000000-0000-0000-0000-000000000000'))
SELECT pg_get_indexdef('spans_x'::regclass), pg_get_indexdef('spans_x'::regclass, 1, true), pg_get_indexdef('spans_x'::regclass, 2, true)
INSERT INTO spans (a, b) VALUES ('1 day', '10:00')
INSERT INTO spans (a, b) VALUES ('2 days', '10:30')
INSERT INTO spans (a, b) VALUES ('24 hours', '11:30')
SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'spans_x'::regclass ORDER BY attnum
CREATE TABLE upsert (id int PRIMARY KEY, name text, n int DEFAULT 1)
CREATE UNIQUE INDEX ON upsert (lower(name), (n + 1)) WHERE id > 0
INSERT INTO upsert VALUES (1, 'Ann'), (2, 'bob')
INSERT INTO upsert VALUES (3, 'ANN') ON CONFLICT (lower(name), (n + 1)) WHERE id > 0 DO UPDATE SET name = EXCLUDED.name
INSERT INTO upsert VALUES (3, 'ANN') ON CONFLICT (lower(name), (n + 1)) DO UPDATE SET name = EXCLUDED.name
INSERT INTO upsert VALUES (3, 'BoB'), (4, 'Dan') ON CONFLICT ((n + 1), lower(name)) WHERE id > 0 DO UPDATE SET name = EXCLUDED.name || '!'
INSERT INTO upsert VALUES (5, 'eve'), (6, 'EVE') ON CONFLICT (lower(name), (n + 1)) WHERE id > 0 DO NOTHING
INSERT INTO upsert VALUES (5, 'flo'), (6, 'FLO') ON CONFLICT (lower(name), (n + 1)) WHERE id > 0 DO UPDATE SET name = 'x'
SELECT * FROM upsert ORDER BY id
INSERT INTO upsert SELECT g, 'u' || g FROM generate_series(100, 8000) g
INSERT INTO upsert VALUES (9001, 'U777')
SELECT count(*) FROM upsert WHERE lower(name) = 'u777'
BEGIN
ALTER TABLE upsert RENAME COLUMN name TO nom
ALTER TABLE upsert ALTER COLUMN nom TYPE varchar(20)
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'upsert'::regclass ORDER BY 1
INSERT INTO upsert VALUES (9001, 'U777')
ROLLBACK
CREATE INDEX ON upsert (id COLLATE "C")
CREATE INDEX ON upsert (name COLLATE "xx_YY")
CREATE INDEX ON upsert (name COLLATE pg_catalog."C")
SELECT amname FROM pg_am WHERE amname IN ('btree', 'hash', 'heap') ORDER BY 1
CREATE INDEX ON upsert USING gin (name)
CREATE TABLE found (id int, doc jsonb, tags text[], nums int[])
INSERT INTO found VALUES (1, '{"a": 1}', '{x,y}', '{1,2}'), (2, '{"a": 2, "b": [1]}', '{}', NULL)
CREATE INDEX found_doc ON found USING gin (doc)
CREATE INDEX found_path ON found USING gin (doc jsonb_path_ops) WITH (fastupdate = off)
CREATE INDEX found_both ON found USING gin (tags, nums array_ops)
CREATE INDEX found_inner ON found USING gin ((doc -> 'b') jsonb_path_ops) WHERE id > 1
CREATE INDEX ON found USING gin (id)
CREATE INDEX ON found USING gin (doc array_ops)
CREATE INDEX ON found USING gin (tags jsonb_ops)
CREATE INDEX ON found USING gin (doc int4_ops)
CREATE UNIQUE INDEX ON found USING gin (doc)
CREATE INDEX ON found USING gin (doc DESC)
CREATE INDEX ON found USING gin (doc) INCLUDE (id)
CREATE INDEX ON found USING gin (doc) WITH (m = 3)
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'found'::regclass ORDER BY 1
SELECT c.relname, a.amname, o.opcname, f.opfname FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam JOIN pg_opclass o ON o.oid = ANY (i.indclass) JOIN pg_opfamily f ON f.oid = o.opcfamily WHERE indrelid = 'found'::regclass ORDER BY 1, 3
SELECT id FROM found WHERE doc @> '{"a": 2}' AND NOT tags @> '{x}' ORDER BY id
UPDATE found SET doc = '{"a": 3}' WHERE id = 1
SELECT id FROM found WHERE doc @> '{"a": 3}'
DROP TABLE found
-- refused: access method "brin" is not supported
CREATE INDEX ON upsert USING brin (id)
DROP TABLE people, like_people, keyed, errs, single, spans, upsert
CREATE TABLE spans (id int, r int4range, m nummultirange, t text, v varchar(10), n inet, d cidr)
CREATE INDEX spans_r ON spans USING gist (r)
CREATE INDEX spans_both ON spans USING gist (r, m) INCLUDE (id) WITH (fillfactor = 50, buffering = off) WHERE id > 3
CREATE INDEX spans_sp ON spans USING spgist (r) INCLUDE (id)
CREATE INDEX ON spans USING spgist (t) WITH (fillfactor = 50)
CREATE INDEX ON spans USING spgist (v)
CREATE INDEX ON spans USING spgist (n)
CREATE INDEX ON spans USING gist (d inet_ops)
CREATE INDEX ON spans USING gist (numrange(id, id + 1))
CREATE INDEX ON spans USING spgist (r, m)
CREATE INDEX ON spans USING spgist (m)
CREATE INDEX ON spans USING gist (n)
CREATE INDEX ON spans USING gist (id)
CREATE INDEX ON spans USING gist (r DESC)
CREATE INDEX ON spans USING gist (r NULLS FIRST)
CREATE UNIQUE INDEX ON spans USING gist (r)
CREATE INDEX ON spans USING gist (r) WITH (fastupdate = on)
CREATE INDEX ON spans USING spgist (t) WITH (buffering = on)
INSERT INTO spans (id, r, m) VALUES (1, '[1,5)', '{}'), (2, '[3,9)', NULL)
SELECT id FROM spans WHERE r && '[4,5)' ORDER BY id
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'spans'::regclass ORDER BY indexrelid
SELECT amname, opcname, opcdefault FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'gist' AND opcname ~ 'range|inet' ORDER BY 1, 2
DROP TABLE spans
