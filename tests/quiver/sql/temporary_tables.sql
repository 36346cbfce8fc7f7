-- Temporary and unlogged relations of one session.
SELECT pg_my_temp_schema(), current_schema(), current_schemas(true), current_schemas(false)
SELECT * FROM pg_temp.nothing_yet
CREATE TABLE tt (id int PRIMARY KEY, s text)
INSERT INTO tt VALUES (1, 'permanent')
CREATE TEMP TABLE tt (id serial PRIMARY KEY, v vector(3), s text UNIQUE CHECK (s <> 'bad'))
INSERT INTO tt (v, s) VALUES ('[1,2,3]', 'a'), ('[4,5,6]', 'b') RETURNING *
SELECT * FROM tt ORDER BY id
SELECT * FROM pg_temp.tt ORDER BY id
SELECT * FROM public.tt
INSERT INTO pg_temp.tt (s) VALUES ('c')
INSERT INTO tt (s) VALUES ('bad')
INSERT INTO tt (s) VALUES ('a')
UPDATE pg_temp.tt SET s = upper(s) WHERE id = 3 RETURNING s
DELETE FROM pg_temp.tt WHERE id = 3
CREATE INDEX tt_v ON tt USING hnsw (v vector_l2_ops)
SELECT id FROM tt ORDER BY v <-> '[4,5,5]' LIMIT 1
SELECT relname, relpersistence, relnamespace = pg_my_temp_schema(), pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('tt', 'tt_pkey', 'tt_v', 'tt_id_seq') ORDER BY 1, 2
SELECT nspname = 'pg_temp_' || substr(nspname, 9), pg_is_other_temp_schema(oid) FROM pg_namespace WHERE oid = pg_my_temp_schema()
SELECT pg_is_other_temp_schema('public'::regnamespace), pg_is_other_temp_schema(0)
SELECT table_type FROM information_schema.tables WHERE table_name = 'tt' ORDER BY 1
SELECT current_schema(), current_schemas(false), array_length(current_schemas(true), 1)
SELECT 'tt'::regclass::text, 'pg_temp.tt'::regclass = 'tt'::regclass, to_regclass('pg_temp.nope')
SELECT pg_get_serial_sequence('tt', 'id') LIKE 'pg_temp%tt_id_seq'
SELECT nextval('tt_id_seq'), nextval('pg_temp.tt_id_seq')
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'tt'::regclass
DROP TABLE tt
SELECT * FROM tt
DROP TABLE tt
DROP TABLE tt
-- names
CREATE TEMP TABLE public.t1 (a int)
CREATE TABLE pg_temp.t1 (a int)
CREATE TEMPORARY TABLE pg_temp.t1 (a int)
CREATE TEMP TABLE IF NOT EXISTS t1 (a int)
CREATE LOCAL TEMPORARY TABLE t2 (a int)
CREATE GLOBAL TEMP TABLE t3 (a int)
CREATE LOCAL TABLE t4 (a int)
CREATE UNLOGGED TABLE pg_temp.t4 (a int)
CREATE TEMP UNLOGGED TABLE t4 (a int)
CREATE TABLE nowhere.t4 (a int)
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('t1', 't2', 't3', 't4') ORDER BY 1
ALTER TABLE t1 SET SCHEMA public
ALTER TABLE t1 RENAME TO t5
ALTER TABLE t5 ADD COLUMN b text DEFAULT 'x'
INSERT INTO t5 VALUES (1)
SELECT * FROM t5
TRUNCATE t5
SELECT count(*) FROM t5
DROP TABLE pg_temp.t5
DROP TABLE pg_temp.t5
DROP TABLE IF EXISTS pg_temp.t5
-- AS and INTO
CREATE TEMP TABLE a1 AS SELECT 1 AS one, 'x' AS x
SELECT * FROM a1
SELECT 2 AS two INTO TEMP a2
SELECT * FROM pg_temp.a2
SELECT 3 AS three INTO LOCAL TEMPORARY TABLE a3
SELECT 4 AS four INTO UNLOGGED a4
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('a1', 'a2', 'a3', 'a4') ORDER BY 1
SELECT 5 AS five INTO pg_temp.a5
CREATE TEMP TABLE public.a6 AS SELECT 1
CREATE TEMP TABLE a1 AS SELECT 1
CREATE TEMP TABLE a7 (LIKE a1 INCLUDING ALL)
-- ON COMMIT
CREATE TABLE o1 (a int) ON COMMIT DROP
CREATE TABLE o1 (a int) ON COMMIT PRESERVE ROWS
CREATE TEMP TABLE o2 (a int) ON COMMIT DELETE ROWS
INSERT INTO o2 VALUES (1)
SELECT * FROM o2
BEGIN
INSERT INTO o2 VALUES (1), (2)
SELECT * FROM o2 ORDER BY a
CREATE TEMP TABLE o3 (a int) ON COMMIT DROP
INSERT INTO o3 VALUES (7)
SELECT * FROM o3
CREATE TEMP TABLE o4 ON COMMIT DROP AS SELECT 1 AS a
CREATE TEMP TABLE o5 ON COMMIT DELETE ROWS AS SELECT 1 AS a
SELECT * FROM o5
COMMIT
SELECT * FROM o2
SELECT * FROM o3
SELECT * FROM o4
SELECT * FROM o5
CREATE TEMP TABLE o6 (a int) ON COMMIT NOTHING
BEGIN
CREATE TEMP TABLE o7 (a int)
INSERT INTO o7 VALUES (1)
SAVEPOINT s
CREATE TEMP TABLE o8 (a int)
ROLLBACK TO s
SELECT * FROM o8
ROLLBACK
SELECT * FROM o7
-- keys between tables
CREATE TABLE perm (id int PRIMARY KEY)
CREATE TEMP TABLE k1 (id int PRIMARY KEY)
CREATE UNLOGGED TABLE k2 (id int PRIMARY KEY REFERENCES perm)
CREATE TEMP TABLE k3 (id int REFERENCES perm)
CREATE TABLE k4 (id int REFERENCES k1)
CREATE TABLE k4 (id int REFERENCES k2)
CREATE TEMP TABLE k5 (id int REFERENCES k1)
INSERT INTO k5 VALUES (1)
CREATE TEMP TABLE k6 (id int PRIMARY KEY) ON COMMIT DELETE ROWS
-- sequences
CREATE TEMP SEQUENCE sq START 5
SELECT nextval('sq'), nextval('pg_temp.sq'), lastval()
CREATE UNLOGGED SEQUENCE usq
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('sq', 'usq') ORDER BY 1
CREATE TEMP SEQUENCE public.sq
CREATE TEMP TABLE i1 (id int GENERATED ALWAYS AS IDENTITY, a text)
INSERT INTO i1 (a) VALUES ('x'), ('y') RETURNING *
-- the search path
SET search_path = public, pg_temp
CREATE TABLE sp (a int)
CREATE TEMP TABLE sp (b text)
SELECT * FROM sp
SELECT * FROM pg_temp.sp
SET search_path = pg_temp
CREATE TABLE sp2 (a int)
SELECT relpersistence FROM pg_class WHERE relname = 'sp2'
SELECT current_schema() LIKE 'pg_temp%'
RESET search_path
SELECT * FROM sp2
CREATE TEMP TABLE pg_type (a int)
SELECT * FROM pg_type
DROP TABLE pg_temp.pg_type
SELECT count(*) > 10 FROM pg_type
DISCARD TEMP
SELECT * FROM sp2
SELECT * FROM i1
SELECT nextval('sq')
CREATE TEMP TABLE after_all (a int)
SELECT * FROM after_all
DISCARD ALL
SELECT * FROM after_all
