-- composite types, whole rows and ROW(...): text and binary, fields, conversion, comparison, json, catalogs
CREATE TYPE addr AS (street text, zip varchar(5))
CREATE TYPE addr AS (a int)
CREATE TYPE pt AS (x int, y numeric, t timestamptz, b bool, tags text[])
CREATE TYPE segment2 AS (name text, start pt)
CREATE TYPE nothing AS ()
CREATE TYPE bad AS (a int, a text)
CREATE TYPE bad AS (a record)
CREATE TYPE bad AS (a nothere)
SELECT ROW('x', 'y')::addr, '(a,b)'::addr, '("a b","c,d")'::addr, '(,)'::addr, NULL::addr
SELECT '(a,b,c)'::addr
SELECT '(a)'::addr
SELECT 'a'::addr
SELECT '(a,b'::addr
SELECT '(a,b) x'::addr
SELECT '(a,toolong)'::addr
SELECT ' ( a , b ) '::addr
SELECT '("a""b","c\"d")'::addr, '(a\,b,"")'::addr
SELECT '(1,2.50,2024-01-01 10:00:00+02,t,"{a,b}")'::pt
SELECT '(x,2.50,2024-01-01 10:00:00+02,t,"{a,b}")'::pt
SELECT ROW(1, 2.5, '2024-01-01', true, '{a}')::pt
SELECT ROW(1, 2.5)::pt
SELECT ROW(1, 2)::addr
SELECT ROW('n', ROW(1, 2.5, NULL, true, NULL))::segment2
SELECT ROW(1, 'a', true, NULL, 2.50)
SELECT ROW(), ROW(NULL)
SELECT (ROW('x', 'y')::addr).street, ('(a,b)'::addr).zip, (NULL::addr).zip
SELECT (ROW('x', 'y')::addr).nothere
SELECT (5).x
SELECT (ROW(1, 'a'::text)).f1, (ROW(1, 'a'::text)).f2
SELECT (ROW(1, 'a')).f3
SELECT (ROW('x', 'y')::addr).*
SELECT ((ROW('n', ROW(1, 2.5, NULL, true, NULL))::segment2).start).y
CREATE TABLE p (id int PRIMARY KEY, a addr, home addr DEFAULT ROW('d', '1'), pos pt)
INSERT INTO p VALUES (1, ROW('s1', 'z1'), '(s2,z2)', NULL), (2, NULL, DEFAULT, ROW(1, 2.5, '2024-01-01 00:00+00', false, '{x}')), (3, ROW(NULL, NULL), ROW('s3', NULL), '(3,,,,)')
INSERT INTO p VALUES (4, ROW('s1', 'toolong'))
INSERT INTO p VALUES (4, ROW('s1'))
INSERT INTO p VALUES (4, ROW(1, 2, 3))
INSERT INTO p VALUES (4, 5)
INSERT INTO p VALUES (4, '(5')
SELECT * FROM p ORDER BY id
SELECT id, (a).street, (p.home).zip, (pos).y, (pos).tags[1] FROM p ORDER BY id
SELECT id, (a).* FROM p ORDER BY id
SELECT id, (p.home).* FROM p ORDER BY id
SELECT id FROM p WHERE (a).street = 's1'
SELECT id, a IS NULL, a IS NOT NULL, home IS NULL, home IS NOT NULL FROM p ORDER BY id
SELECT id FROM p WHERE a = ROW('s1', 'z1'::varchar)
SELECT id FROM p WHERE a = '(s1,z1)'::addr
SELECT id, a = home, a < home, home >= a, a <> home FROM p ORDER BY id
SELECT ROW(1, NULL)::nothing
SELECT '(1,2.0,,,)'::pt = '(1,2,,,)'::pt, '(1,,,,)'::pt < '(1,2,,,)'::pt, '(1,,,,)'::pt = '(1,,,,)'::pt
UPDATE p SET a = ROW('new', (home).zip) WHERE id = 1
UPDATE p SET a = NULL WHERE id = 3
SELECT id, a::text, pos::text, a::text || 'x' FROM p ORDER BY id
SELECT p FROM p ORDER BY id
SELECT q FROM (SELECT id, a FROM p) q LIMIT 0
SELECT q FROM (SELECT id, home FROM p WHERE id = 1) q
SELECT p.* FROM p WHERE id = 1
SELECT (p).id, (p).home FROM p ORDER BY id
SELECT (p).* FROM p WHERE id = 1
SELECT count(p), count(a) FROM p
SELECT row_to_json(p) FROM p ORDER BY id
SELECT to_json(a), to_jsonb(home), to_json(pos), row_to_json(a) FROM p ORDER BY id
SELECT json_agg(p) FROM p WHERE id < 3
SELECT jsonb_agg(home) FROM p WHERE id < 3
SELECT json_build_object('a', a, 'p', p), jsonb_build_object('h', home) FROM p WHERE id = 1
SELECT row_to_json(q) FROM (SELECT id, (home).street AS s FROM p) q ORDER BY 1::text
SELECT row_to_json(ROW(1, 'a')), to_json(ROW(1, ROW(2, 'x')))
SELECT row_to_json(p, true) FROM p WHERE id = 1
SELECT l.id, r FROM p l LEFT JOIN p r ON r.id = l.id + 1 ORDER BY l.id
SELECT l.id, row_to_json(r) FROM p l LEFT JOIN p r ON r.id = l.id + 2 ORDER BY l.id
SELECT coalesce(a, home) FROM p ORDER BY id
SELECT CASE WHEN id = 1 THEN a ELSE home END FROM p ORDER BY id
SELECT (SELECT a FROM p WHERE id = 1), (SELECT p FROM p WHERE id = 2)
SELECT array_agg(id) FROM p WHERE a IS NULL
SELECT id FROM p WHERE p IS NOT NULL
SELECT pg_typeof(a), pg_typeof(p), pg_typeof(ROW(1)), pg_typeof((a).zip) FROM p WHERE id = 1
CREATE TABLE p2 AS SELECT id, a FROM p
SELECT * FROM p2 ORDER BY id
CREATE VIEW pv AS SELECT id, a, (home).street AS st FROM p
SELECT * FROM pv ORDER BY id
SELECT pg_get_viewdef('pv'::regclass)
ALTER TYPE addr ALTER ATTRIBUTE zip TYPE int
-- refused: sorting by a value of a row type is not supported
SELECT a FROM p ORDER BY a
-- refused: grouping by a value of a row type is not supported
SELECT DISTINCT pos FROM p
SELECT DISTINCT a FROM p
SELECT home, count(*) FROM p GROUP BY home
SELECT a FROM p UNION SELECT home FROM p
SELECT count(DISTINCT home), count(DISTINCT (id, home)) FROM p
-- refused: an array of a composite type is not supported
SELECT '{"(a,b)"}'::addr[]
CREATE DOMAIN dom AS int
-- refused: a domain as the type of an attribute is not supported
CREATE TYPE bad AS (d dom)
DROP TYPE IF EXISTS bad
DROP DOMAIN dom
CREATE DOMAIN home_addr AS addr CHECK ((VALUE).zip <> 'x')
SELECT ROW('a', 'b')::home_addr, (ROW('a', 'b')::home_addr).street
SELECT ROW('a', 'x')::home_addr
DROP DOMAIN home_addr
CREATE TYPE mood AS ENUM ('sad', 'ok')
CREATE TYPE felt AS (at date, m mood)
INSERT INTO p (id) VALUES (20)
SELECT ROW('2024-01-02', 'ok')::felt, '(2024-01-02,sad)'::felt < '(2024-01-02,ok)'::felt
SELECT '(2024-01-02,bad)'::felt
DROP TYPE mood
SET TimeZone = 'America/New_York'
SELECT pos FROM p WHERE id = 2
SET TimeZone = 'UTC'
ALTER TYPE nothing ADD ATTRIBUTE one int, ADD ATTRIBUTE two text
ALTER TYPE nothing ADD ATTRIBUTE one int
ALTER TYPE nothing DROP ATTRIBUTE three
ALTER TYPE nothing DROP ATTRIBUTE IF EXISTS three
ALTER TYPE nothing ALTER ATTRIBUTE two TYPE numeric(5,1)
ALTER TYPE nothing RENAME ATTRIBUTE two TO second
ALTER TYPE nothing RENAME ATTRIBUTE two TO third
SELECT ROW(1, 2.25)::nothing, (ROW(1, 2.25)::nothing).second
ALTER TYPE nothing DROP ATTRIBUTE one
SELECT '(2.25)'::nothing
SELECT typname, typtype, typcategory, typlen, typalign, typstorage, typinput, typoutput, typreceive, typsend, typrelid <> 0 FROM pg_type WHERE typname IN ('addr', 'pt', 'p', 'pv') ORDER BY 1
SELECT attname, atttypid::regtype, atttypmod, attnum, format_type(atttypid, atttypmod) FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid WHERE t.typname = 'addr' ORDER BY attnum
SELECT relkind, relnatts, reltype::regtype FROM pg_class WHERE relname IN ('addr', 'p', 'pv') ORDER BY relname
SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = 'p' ORDER BY ordinal_position
CREATE TABLE addr (x int)
DROP TYPE addr
DROP TABLE p CASCADE
DROP TABLE p2
DROP TYPE pt
DROP TYPE segment2, pt, addr, nothing
CREATE TABLE r (id int, name varchar(3), at date)
INSERT INTO r VALUES (1, 'a', '2024-01-02')
SELECT '(2,b,2024-01-02)'::r, ROW(3, 'c', NULL)::r, NULL::r, ('(2,b,2024-01-02)'::r).at
SELECT '(2,toolong,2024-01-02)'::r
SELECT ROW(3, 'c')::r
SELECT r = ROW(1, 'a'::varchar, '2024-01-02'::date), r IS NULL FROM r
SELECT 'r'::regtype, to_regtype('r') = 'r'::regtype
-- refused: a column of a table's row type is not supported
CREATE TABLE rr (x r)
DROP TABLE r CASCADE
CREATE DOMAIN posint AS int CHECK (VALUE > 0)
-- refused: functions over types of your own are not supported
CREATE FUNCTION f(x posint) RETURNS int LANGUAGE sql AS 'SELECT x + 1'
-- refused: functions over types of your own are not supported
CREATE FUNCTION tabf() RETURNS TABLE (n posint) LANGUAGE sql AS 'SELECT -1'
SELECT (information_schema._pg_expandarray(ARRAY[5,6])).n
SELECT (information_schema._pg_expandarray(ARRAY[5,6])).*
SELECT information_schema._pg_expandarray(ARRAY[5,6])
SELECT x.k, (x.keys).n, (x.keys).x FROM (SELECT 1 AS k, information_schema._pg_expandarray(ARRAY[5,6]) AS keys) x
SELECT jsonb_each('{"a": 1, "b": {"c": 2}}')
SELECT (jsonb_each('{"a": 1, "b": {"c": 2}}')).value, (jsonb_each_text('{"a": 1}')).key
SELECT jsonb_each('{"a": 1}') IS NOT NULL
SELECT id, (jsonb_each(j)).key FROM (VALUES (1, '{"a": 1, "b": 2}'::jsonb), (2, NULL), (3, '{}')) v(id, j) ORDER BY id, 2
SELECT result.attname, (result.keys).n FROM (SELECT a.attname, information_schema._pg_expandarray(i.indkey) AS keys, a.attnum FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid WHERE i.indrelid = 'pg_class'::regclass AND false) result WHERE result.attnum = (result.keys).x
CREATE TABLE pk (a int, b int, PRIMARY KEY (b, a))
SELECT result.attname, (result.keys).n FROM (SELECT a.attname, information_schema._pg_expandarray(i.indkey) AS keys, a.attnum FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid WHERE i.indrelid = 'pk'::regclass) result WHERE result.attnum = (result.keys).x ORDER BY 2
DROP TABLE pk
DROP DOMAIN posint CASCADE
CREATE TYPE addr AS (street text, zip varchar(5))
CREATE TYPE person AS (name text, home addr, tags text[])
CREATE TABLE jr (id int, n numeric(5,2), at date)
SELECT * FROM json_populate_record(NULL::addr, '{"street":"s","zip":"z","more":1}')
SELECT x.a FROM json_populate_record(NULL::addr, '{"street":"s","zip":"z"}') x(a, b)
SELECT * FROM jsonb_populate_recordset(NULL::jr, '[{"id":1,"n":2},{"n":3.456, "at":"2024-01-02"}, {}]')
SELECT * FROM json_populate_recordset(NULL::jr, '{"id":1}')
SELECT json_populate_record(NULL::addr, '{"street":"s t","zip":"z"}'), (jsonb_populate_record(NULL::addr, '{"street":"q"}')).street
SELECT json_populate_record(NULL::person, '{"name":"n","home":{"street":"a,b","zip":null},"tags":["x","y z"]}')
SELECT * FROM json_populate_record(NULL::person, '{"name":"n","home":{"street":"a,b","zip":null},"tags":["x","y z"]}')
SELECT json_populate_record(NULL::addr, '{"street":"s","zip":"too long"}')
SELECT json_populate_record(NULL::addr, '[1]')
SELECT json_populate_record(NULL::addr, NULL)
SELECT json_populate_record(NULL::jr, row_to_json(jr)) FROM jr
INSERT INTO jr SELECT * FROM json_populate_record(NULL::jr, '{"id":5,"n":1.5}')
SELECT json_populate_record(NULL::jr, row_to_json(jr)) FROM jr
-- refused: a base row with values is not supported
SELECT json_populate_record(ROW('a', 'b')::addr, '{}')
DROP TABLE jr
DROP TYPE person, addr
CREATE TABLE w (id int, t text)
INSERT INTO w VALUES (1, 'a')
CREATE VIEW wv AS SELECT w, row_to_json(w) AS j, count(w) OVER () AS n FROM w
SELECT * FROM wv
DROP VIEW wv
DROP TABLE w
