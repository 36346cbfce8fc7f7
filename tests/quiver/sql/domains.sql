-- domains: CREATE, ALTER and DROP DOMAIN, values on every way into a table, the catalogs
CREATE EXTENSION IF NOT EXISTS vector
CREATE DOMAIN posint AS integer CHECK (VALUE > 0)
CREATE DOMAIN posint AS integer
CREATE DOMAIN short varchar(5) DEFAULT 'abc' NOT NULL
CREATE DOMAIN email AS text CONSTRAINT has_at CHECK (VALUE ~ '@') CONSTRAINT not_long CHECK (length(VALUE) < 20)
CREATE DOMAIN smallpos AS posint CHECK (VALUE < 100) DEFAULT 7
CREATE DOMAIN money2 numeric(8,2) CHECK (value >= 0)
CREATE DOMAIN plain text
CREATE DOMAIN required AS int NOT NULL
CREATE DOMAIN bad int UNIQUE
CREATE DOMAIN bad int PRIMARY KEY
CREATE DOMAIN bad int REFERENCES posint
CREATE DOMAIN bad int CHECK (VALUE > 0) NO INHERIT
CREATE DOMAIN bad int CHECK (VALUE > 0) DEFERRABLE
CREATE DOMAIN bad int NOT NULL NULL
CREATE DOMAIN bad int DEFAULT 1 DEFAULT 2
CREATE DOMAIN bad record
CREATE DOMAIN bad nothere
CREATE DOMAIN bad int CHECK (foo > 0)
CREATE DOMAIN bad int CHECK (VALUE)
CREATE DOMAIN bad int CHECK (VALUE > 'x')
CREATE DOMAIN bad int CHECK (VALUE > (SELECT 1))
CREATE DOMAIN bad int CHECK (sum(VALUE) > 1)
CREATE DOMAIN bad int DEFAULT 'x'
CREATE DOMAIN bad int CONSTRAINT c CHECK (VALUE > 0) CONSTRAINT c CHECK (VALUE > 1)
CREATE DOMAIN bad text COLLATE nowhere
CREATE DOMAIN bad int COLLATE "C"
CREATE DOMAIN nowhere.bad int
SELECT 5::posint, '7'::posint, CAST(8 AS posint), posint '9'
SELECT pg_typeof(5::posint), pg_typeof(5::posint + 1), pg_typeof('a@b'::email || 'x')
SELECT (-5)::posint
SELECT '-5'::posint
SELECT 'x'::posint
SELECT NULL::posint
SELECT NULL::required
SELECT 'abcdefgh'::short
SELECT 'no at'::email
SELECT 'a@bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'::email
SELECT 500::smallpos
SELECT (-1)::smallpos
SELECT 5.678::money2
SELECT x::posint FROM generate_series(-1, 3) g(x)
SELECT x::posint FROM generate_series(1, 3) g(x) WHERE x > 1
SELECT CASE WHEN x > 0 THEN x::posint ELSE 0 END FROM generate_series(-1, 2) g(x)
SELECT coalesce(NULL::posint, 3::posint), greatest(3::posint, 4::posint), 5::posint = 5, 5::posint IN (1, 5)
SELECT 5::posint::text, 5::posint::smallpos, 5::posint::bigint, 'a'::plain || 'b', upper('a@b'::email)
SELECT ARRAY[1::posint, 2::posint]::int[]
SELECT sum(x::posint), max(x::posint) FROM generate_series(1, 3) g(x)
SELECT 5::posint UNION ALL SELECT 6::posint
SELECT true::posint
SELECT now()::posint
CREATE TABLE d (id int PRIMARY KEY, qty posint, mail email, code short, price money2, small smallpos, note plain)
INSERT INTO d (id, qty, mail) VALUES (1, 3, 'a@b')
INSERT INTO d VALUES (2, 4, NULL, 'xyz', 1.005, 99, 'n')
INSERT INTO d (id, qty) VALUES (3, -1)
INSERT INTO d (id, mail) VALUES (3, 'nope')
INSERT INTO d (id, code) VALUES (3, NULL)
INSERT INTO d (id, code) VALUES (3, 'toolong')
INSERT INTO d (id, small) VALUES (3, 100)
INSERT INTO d (id, small) VALUES (3, -100)
INSERT INTO d (id, qty) VALUES (NULL, -1)
INSERT INTO d (id, qty) VALUES (5, 1), (6, 2), (7, 0)
INSERT INTO d (id, qty) VALUES (5, '1'), (6, '-2')
INSERT INTO d (id, qty) SELECT x, x - 20 FROM generate_series(10, 30) g(x)
INSERT INTO d (id, qty) SELECT x, x FROM generate_series(10, 12) g(x)
INSERT INTO d (id, qty) VALUES (1, -1) ON CONFLICT DO NOTHING
INSERT INTO d (id, qty) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET qty = EXCLUDED.qty - 5
INSERT INTO d (id, qty) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET qty = d.qty + 5
INSERT INTO d (id, qty) VALUES (1, true)
UPDATE d SET qty = qty - 10
UPDATE d SET qty = qty + 10 WHERE id = 2
UPDATE d SET code = NULL WHERE id = 1
UPDATE d SET code = DEFAULT, small = DEFAULT WHERE id = 2
UPDATE d SET qty = 'x' WHERE id = 2
UPDATE d SET qty = now() WHERE id = 2
MERGE INTO d USING (VALUES (1, -3), (50, 5)) s(id, q) ON d.id = s.id WHEN MATCHED THEN UPDATE SET qty = s.q WHEN NOT MATCHED THEN INSERT (id, qty) VALUES (s.id, s.q)
MERGE INTO d USING (VALUES (1, 3), (50, -5)) s(id, q) ON d.id = s.id WHEN MATCHED THEN UPDATE SET qty = s.q WHEN NOT MATCHED THEN INSERT (id, qty) VALUES (s.id, s.q)
MERGE INTO d USING (VALUES (1, 3), (50, 5)) s(id, q) ON d.id = s.id WHEN MATCHED THEN UPDATE SET qty = s.q WHEN NOT MATCHED THEN INSERT (id, qty) VALUES (s.id, s.q)
SELECT * FROM d ORDER BY id
SELECT id, qty + 1, pg_typeof(qty), pg_typeof(qty + 1), pg_typeof(code) FROM d WHERE qty = 3 ORDER BY id
SELECT qty, count(*) FROM d GROUP BY qty ORDER BY qty
SELECT id FROM d WHERE mail LIKE 'a%' AND code = 'abc' ORDER BY 1
SELECT a.id FROM d a JOIN d b ON a.qty = b.id ORDER BY 1
PREPARE p (posint) AS SELECT $1 + 1
EXECUTE p (3)
DEALLOCATE p
CREATE TABLE d2 AS SELECT id, qty, qty + 1 AS more, code FROM d WHERE id < 3
SELECT attname, atttypid::regtype, atttypmod, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'd2'::regclass AND attnum > 0 ORDER BY attnum
INSERT INTO d2 VALUES (9, -9, 1, 'x')
CREATE TABLE d3 (LIKE d INCLUDING ALL)
INSERT INTO d3 (id, qty) VALUES (1, -1)
CREATE VIEW dv AS SELECT id, qty, price::posint AS p FROM d
SELECT * FROM dv ORDER BY id LIMIT 1
SELECT pg_get_viewdef('dv'::regclass)
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'dv'::regclass AND attnum > 0 ORDER BY attnum
INSERT INTO dv (id, qty) VALUES (70, -70)
DROP DOMAIN posint
DROP VIEW dv
ALTER TABLE d2 ADD COLUMN extra smallpos
ALTER TABLE d2 ADD COLUMN need required
ALTER TABLE d2 ADD COLUMN need required DEFAULT 3
ALTER TABLE d2 ADD COLUMN low posint DEFAULT -3
ALTER TABLE d2 ADD COLUMN rnd posint DEFAULT (random() * 10)::int + 1
SELECT id, qty, more, code, extra, need FROM d2 ORDER BY id
ALTER TABLE d2 ADD COLUMN plainint int DEFAULT -1
ALTER TABLE d2 ALTER COLUMN plainint TYPE posint
UPDATE d2 SET plainint = 4
ALTER TABLE d2 ALTER COLUMN plainint TYPE posint
UPDATE d2 SET plainint = -4
ALTER TABLE d2 ALTER COLUMN plainint TYPE int
UPDATE d2 SET plainint = -4
ALTER TABLE d2 ALTER COLUMN qty SET DEFAULT -3
INSERT INTO d2 (id) VALUES (77)
ALTER TABLE d2 ALTER COLUMN qty SET DEFAULT NULL
ALTER TABLE d2 ALTER COLUMN extra SET DEFAULT NULL
INSERT INTO d2 (id, need) VALUES (77, 1) RETURNING qty, extra
ALTER TABLE d2 ALTER COLUMN extra DROP DEFAULT
INSERT INTO d2 (id, need) VALUES (78, 1) RETURNING qty, extra
CREATE TABLE g (a int, b posint GENERATED ALWAYS AS (a * 2) STORED)
INSERT INTO g VALUES (1)
INSERT INTO g VALUES (-1)
CREATE TABLE c (a posint CHECK (a < 10), b int CHECK (b::posint < 5))
INSERT INTO c VALUES (20, 1)
INSERT INTO c VALUES (-1, 1)
INSERT INTO c VALUES (1, -1)
INSERT INTO c VALUES (1, 1)
CREATE TABLE k (a posint PRIMARY KEY, b smallpos UNIQUE, c email REFERENCES nothing)
CREATE TABLE k (a posint PRIMARY KEY, b smallpos UNIQUE, x int)
INSERT INTO k VALUES (1, 1), (2, 2)
INSERT INTO k VALUES (1, 3)
CREATE TABLE kk (a int REFERENCES k (a) ON DELETE SET NULL, b posint REFERENCES k (a) ON UPDATE CASCADE)
INSERT INTO kk VALUES (1, 2)
UPDATE k SET a = -5 WHERE a = 2
SELECT * FROM k WHERE a = 1 AND b = 1
ALTER DOMAIN posint ADD CONSTRAINT under CHECK (VALUE < 2)
ALTER DOMAIN posint ADD CONSTRAINT under CHECK (VALUE < 1000) NOT VALID
INSERT INTO d (id, qty) VALUES (80, 5000)
ALTER DOMAIN posint VALIDATE CONSTRAINT under
ALTER DOMAIN posint VALIDATE CONSTRAINT nothere
ALTER DOMAIN posint ADD CONSTRAINT under CHECK (VALUE < 1000)
ALTER DOMAIN posint ADD CHECK (VALUE <> 666)
ALTER DOMAIN posint RENAME CONSTRAINT under TO below
ALTER DOMAIN posint RENAME CONSTRAINT nothere TO below2
ALTER DOMAIN posint RENAME CONSTRAINT below TO posint_check
SELECT conname, contype, convalidated, pg_get_constraintdef(oid), contypid::regtype, conrelid, conkey FROM pg_constraint WHERE contypid <> 0 AND conname <> 'x' AND contypid > 16000 ORDER BY contypid::regtype::text, conname
ALTER DOMAIN posint DROP CONSTRAINT below
ALTER DOMAIN posint DROP CONSTRAINT below
ALTER DOMAIN posint DROP CONSTRAINT IF EXISTS below
ALTER DOMAIN posint SET NOT NULL
ALTER DOMAIN email SET NOT NULL
ALTER DOMAIN smallpos SET NOT NULL
INSERT INTO d (id, small) VALUES (81, NULL)
ALTER DOMAIN smallpos DROP NOT NULL
INSERT INTO d (id, small) VALUES (81, NULL)
ALTER DOMAIN posint SET DEFAULT 42
INSERT INTO d (id) VALUES (82) RETURNING qty, small
ALTER DOMAIN posint SET DEFAULT 'x'
ALTER DOMAIN posint DROP DEFAULT
INSERT INTO d (id) VALUES (83) RETURNING qty, small
ALTER DOMAIN nothere DROP DEFAULT
ALTER DOMAIN int4 DROP DEFAULT
ALTER DOMAIN plain RENAME TO plainer
SELECT pg_typeof(note) FROM d LIMIT 1
ALTER DOMAIN plainer RENAME TO email
ALTER DOMAIN plainer OWNER TO CURRENT_USER
CREATE SCHEMA s
ALTER DOMAIN plainer SET SCHEMA s
SELECT pg_typeof(note), format_type(atttypid, atttypmod) FROM d, pg_attribute WHERE attrelid = 'd'::regclass AND attname = 'note' LIMIT 1
CREATE DOMAIN s.inner AS int CHECK (VALUE > 10)
SELECT 5::s.inner
CREATE TYPE color AS ENUM ('red', 'green')
CREATE DOMAIN warm AS color CHECK (VALUE = 'red')
SELECT 'red'::warm, 'green'::warm
SELECT 'red'::warm, pg_typeof('red'::warm)
CREATE DOMAIN ints AS int[] CHECK (cardinality(VALUE) < 3)
SELECT '{1,2}'::ints, '{1,2}'::ints || 3, ('{1,2}'::ints)[1]
SELECT '{1,2,3}'::ints
CREATE DOMAIN point3 AS vector(3) CHECK (vector_norm(VALUE) > 0)
SELECT '[1,2,3]'::point3, '[1,2,3]'::point3 <-> '[0,0,0]', pg_typeof('[1,2,3]'::point3)
SELECT '[1,2]'::point3
SELECT '[0,0,0]'::point3
CREATE TABLE v (p point3)
INSERT INTO v VALUES ('[1,2,3]'), ('[3,2,1]')
INSERT INTO v VALUES ('[0,0,0]')
SELECT p FROM v ORDER BY p <-> '[1,2,3]' LIMIT 1
CREATE DOMAIN doc AS jsonb CHECK (VALUE ? 'k')
SELECT '{"k": 1}'::doc ->> 'k', ('{"k": 1}'::doc)['k'], '{}'::doc
SELECT '{"k": 1}'::doc ->> 'k', ('{"k": 1}'::doc)['k'], pg_typeof('{"k": 1}'::doc)
-- refused: an array of a domain is not supported
SELECT '{1,2}'::posint[]
-- refused: an array of a domain is not supported
CREATE TABLE arr (a posint[])
SELECT typname, typtype, typbasetype::regtype, typtypmod, typnotnull, typdefault, typlen, typbyval, typcategory, typinput, typoutput, typreceive, typsend, typndims, typcollation FROM pg_type WHERE typtype = 'd' AND typname <> 'point3' AND typnamespace = 'public'::regnamespace ORDER BY typname
SELECT typname, typelem::regtype, typtype, typcategory FROM pg_type WHERE typname IN ('_posint', '_short') ORDER BY 1
SELECT domain_schema, domain_name, data_type, character_maximum_length, numeric_precision, numeric_scale, domain_default, udt_schema, udt_name, dtd_identifier FROM information_schema.domains WHERE domain_schema = 'public' ORDER BY 2
SELECT domain_name, constraint_name FROM information_schema.domain_constraints WHERE domain_schema = 'public' ORDER BY 1, 2
SELECT table_name, column_name, domain_name FROM information_schema.column_domain_usage WHERE domain_schema = 'public' ORDER BY 1, 2
SELECT column_name, data_type, domain_schema, domain_name, udt_name, character_maximum_length, column_default FROM information_schema.columns WHERE table_name = 'd' ORDER BY ordinal_position
SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_name IN ('has_at', 'not_long', 'posint_check') ORDER BY 1, 2
SELECT t.typname, d.deptype FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid WHERE d.refclassid = 'pg_type'::regclass AND d.classid = 'pg_class'::regclass AND d.objid = 'd'::regclass ORDER BY d.objsubid
COMMENT ON DOMAIN posint IS 'more than nothing'
SELECT obj_description('posint'::regtype, 'pg_type')
COMMENT ON DOMAIN color IS 'x'
DROP DOMAIN color
DROP DOMAIN nothere
DROP DOMAIN IF EXISTS nothere
DROP DOMAIN int4
DROP TYPE color
DROP DOMAIN posint
DROP TYPE doc
DROP DOMAIN warm, color
DROP DOMAIN warm
DROP TABLE c, g
DROP DOMAIN posint CASCADE
SELECT attname FROM pg_attribute WHERE attrelid = 'd'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
SELECT 1::smallpos
BEGIN
CREATE DOMAIN brief AS int CHECK (VALUE > 0)
CREATE TABLE b (x brief)
INSERT INTO b VALUES (1)
ROLLBACK
SELECT 1::brief
BEGIN
CREATE DOMAIN brief AS int CHECK (VALUE > 0)
CREATE TABLE b (x brief)
INSERT INTO b VALUES (1)
COMMIT
SELECT * FROM b
ALTER DOMAIN brief ADD CHECK (VALUE < 5)
INSERT INTO b VALUES (7)
DROP SCHEMA s CASCADE
DROP TABLE d, d2, d3, v, k, kk, b
DROP DOMAIN email, short, money2, required, ints, point3, brief
DROP TYPE color
