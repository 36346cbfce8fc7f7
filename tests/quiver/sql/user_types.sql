-- Enums: CREATE TYPE, ALTER TYPE, DROP TYPE, and values in every place.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')
CREATE TYPE mood AS ENUM ('x')
CREATE TYPE twice AS ENUM ('a', 'b', 'a')
CREATE TYPE empty_one AS ENUM ()
CREATE TYPE "Odd Name" AS ENUM ('It''s', '', 'a b')
SELECT enum_range(NULL::empty_one), '{}'::empty_one[]
SELECT enum_first(NULL::empty_one)
SELECT 'x'::empty_one
CREATE TYPE too_long AS ENUM ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
SELECT 'ok'::mood, 'sad'::public.mood AS q, mood 'happy' AS t, NULL::mood AS n
SELECT 'bad'::mood
SELECT 'ok'::text::mood, 'ok'::mood::text AS t
SELECT x::mood FROM (VALUES ('ok'), ('bad')) v(x)
SELECT 'ok'::nomood
SELECT 'ok'::mood(3)
SELECT 'It''s'::"Odd Name", ''::"Odd Name" AS e
SELECT '{ok,sad,NULL}'::mood[], ARRAY['ok','happy']::mood[] AS a, ARRAY['sad'::mood, 'ok'] AS b, '{sad}'::_mood AS c
SELECT '{ok,bad}'::mood[]
SELECT '{"a b","It''s",""}'::"Odd Name"[]
SELECT 'ok'::mood < 'happy', 'ok'::mood = 'ok', 'sad'::mood > 'ok', 'ok'::mood <> 'sad', 'ok'::mood BETWEEN 'sad' AND 'happy'
SELECT 'ok'::mood = 'ok'::text
SELECT 'ok'::mood = 'bad'
SELECT 'ok'::mood || 'x', 'x' || 'ok'::mood
SELECT upper('ok'::mood)
SELECT length('ok'::mood)
SELECT 'ok'::mood + 1
SELECT 'ok'::mood::int
SELECT 1::mood
SELECT 'ok'::mood LIKE 'o%'
SELECT greatest('ok'::mood, 'happy'), least('ok'::mood, 'sad'), coalesce(NULL::mood, 'ok'), nullif('ok'::mood, 'ok')
SELECT CASE WHEN true THEN 'ok'::mood ELSE 'sad' END
SELECT enum_first(NULL::mood), enum_last(NULL::mood), enum_range(NULL::mood)
SELECT enum_range('ok'::mood, NULL), enum_range(NULL, 'ok'::mood), enum_range('ok'::mood, 'happy'::mood), enum_range('happy'::mood, 'sad')
SELECT enum_first(NULL::int)
SELECT unnest(enum_range(NULL::mood))
SELECT pg_typeof('ok'::mood), pg_typeof('{ok}'::mood[]), pg_typeof('a b'::"Odd Name")
SELECT to_json('ok'::mood), to_jsonb('ok'::mood), json_build_object('m', 'ok'::mood), jsonb_build_array('ok'::mood, 1), array_to_json(enum_range(NULL::mood))
SELECT concat('ok'::mood, 1), concat_ws('-', 'ok'::mood, 'sad'::mood), format('%s %L', 'ok'::mood, 'sad'::mood), quote_literal('ok'::mood), quote_nullable(NULL::mood)
SELECT array_to_string(enum_range(NULL::mood), ','), array_length(enum_range(NULL::mood), 1), enum_range(NULL::mood)::text, enum_range(NULL::mood)::text[]
SELECT ARRAY['sad','ok']::text[]::mood[]
SELECT 'ok'::mood = ANY ('{sad,ok}'), 'ok'::mood = ANY ('{sad}'::mood[]), 'ok'::mood IN ('sad', 'happy'), 'ok'::mood = ALL ('{ok}'::mood[])
SELECT array_append(ARRAY['ok']::mood[], 'sad'), array_position(enum_range(NULL::mood), 'ok'), 'ok'::mood || ARRAY['sad']::mood[], ARRAY['ok']::mood[] @> ARRAY['ok']::mood[]
SELECT (enum_range(NULL::mood))[2], (enum_range(NULL::mood))[2:3]
SELECT ARRAY['ok','sad']::mood[] < ARRAY['happy']::mood[]
SELECT row('ok'::mood, 1)::text
SELECT row('ok'::mood, 1) < row('happy'::mood, 0), ('sad'::mood, 2) = ('sad', 2)
CREATE TABLE people (id int PRIMARY KEY, m mood DEFAULT 'ok', ms mood[] DEFAULT '{sad}', CHECK (m <> 'sad' OR id > 0))
INSERT INTO people VALUES (1, 'happy', '{ok,happy}'), (2, 'sad', NULL), (3, NULL, '{}')
INSERT INTO people (id) VALUES (4)
INSERT INTO people VALUES (5, 'bad')
INSERT INTO people VALUES (5, 'ok'::text)
INSERT INTO people VALUES (-1, 'sad')
INSERT INTO people SELECT 6, 'ok', NULL
INSERT INTO people SELECT id + 10, m, ms FROM people
SELECT * FROM people ORDER BY m, id
SELECT * FROM people ORDER BY m DESC NULLS LAST, id
SELECT min(m), max(m), count(m), count(DISTINCT m) FROM people
SELECT m, count(*) FROM people GROUP BY m ORDER BY m
SELECT DISTINCT m FROM people ORDER BY m
SELECT array_agg(m ORDER BY m DESC, id) FROM people
SELECT string_agg(m::text, ',' ORDER BY id) FROM people
SELECT json_agg(m ORDER BY id), jsonb_agg(ms ORDER BY id) FROM people
SELECT row_to_json(p) FROM people p ORDER BY id LIMIT 2
SELECT to_jsonb(p) FROM people p ORDER BY id LIMIT 2
SELECT json_agg(p ORDER BY id) FROM people p WHERE id < 3
SELECT p::text FROM people p ORDER BY id
SELECT id FROM people WHERE m > 'sad' ORDER BY id
SELECT id FROM people WHERE m = 'ok' ORDER BY id
SELECT id FROM people WHERE m IN ('ok', 'sad') ORDER BY id
SELECT id FROM people WHERE m::text LIKE 'ha%' ORDER BY id
SELECT id FROM people WHERE 'ok' = ANY (ms) ORDER BY id
SELECT id FROM people WHERE m = ANY ('{ok,happy}') ORDER BY id
SELECT id FROM people WHERE m = 'bad'
SELECT a.id, b.id FROM people a JOIN people b ON a.m = b.m AND a.id < b.id ORDER BY 1, 2
SELECT m, lag(m) OVER (ORDER BY id), rank() OVER (ORDER BY m), first_value(m) OVER (ORDER BY m DESC NULLS LAST) FROM people ORDER BY id
SELECT m FROM people UNION SELECT 'sad' ORDER BY 1
SELECT m::text || '!' FROM people ORDER BY id
SELECT md5(m::text), m::text::varchar(2) FROM people ORDER BY id
SELECT CASE m WHEN 'ok' THEN 1 WHEN 'sad' THEN 2 END FROM people ORDER BY id
UPDATE people SET m = 'happy' WHERE m = 'ok' AND id = 4
UPDATE people SET m = 'bad'
UPDATE people SET m = DEFAULT WHERE id = 3 RETURNING *
DELETE FROM people WHERE m < 'ok' RETURNING id, m
CREATE TABLE keyed (m mood PRIMARY KEY, n int)
INSERT INTO keyed VALUES ('ok', 1), ('sad', 2)
INSERT INTO keyed VALUES ('ok', 3)
INSERT INTO keyed VALUES ('ok', 3) ON CONFLICT (m) DO UPDATE SET n = excluded.n RETURNING *
SELECT * FROM keyed WHERE m = 'ok'
CREATE TABLE referring (m mood REFERENCES keyed)
INSERT INTO referring VALUES ('ok')
INSERT INTO referring VALUES ('happy')
CREATE INDEX people_m ON people (m)
CREATE INDEX people_m_ops ON people (m enum_ops DESC)
SELECT pg_get_indexdef('people_m'::regclass), pg_get_indexdef('people_m_ops'::regclass)
SELECT id FROM people WHERE m >= 'ok' ORDER BY m, id
ALTER TABLE people ADD COLUMN again mood DEFAULT 'happy' NOT NULL
SELECT id, again FROM people ORDER BY id
ALTER TABLE people ALTER COLUMN again DROP DEFAULT, ALTER COLUMN again TYPE text
SELECT id, again FROM people ORDER BY id
ALTER TABLE people ALTER COLUMN again TYPE mood USING again::mood
SELECT id, again FROM people WHERE again = 'happy' ORDER BY id
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'people'::regclass AND contype = 'c'
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'people'::regclass ORDER BY adnum
SELECT typname, typnamespace::regnamespace::text, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined, typdelim, typrelid, typinput, typoutput, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation, typdefault FROM pg_type WHERE typname IN ('mood', '_mood', 'Odd Name', '_Odd Name') ORDER BY typname COLLATE "C"
SELECT e.typname, a.typname FROM pg_type e JOIN pg_type a ON a.typelem = e.oid AND e.typarray = a.oid WHERE e.typname IN ('mood', 'Odd Name') ORDER BY 1
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'mood'::regtype ORDER BY enumsortorder
SELECT attname, format_type(atttypid, atttypmod), attlen, attbyval, attalign, attndims FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 ORDER BY attnum
SELECT column_name, data_type, udt_schema, udt_name FROM information_schema.columns WHERE table_name = 'people' ORDER BY ordinal_position
SELECT 'mood'::regtype, 'public.mood'::regtype, 'mood[]'::regtype, to_regtype('mood')::text, to_regtype('nomood'), '"Odd Name"'::regtype
SELECT pg_type_is_visible('mood'::regtype)
COMMENT ON TYPE mood IS 'how one feels'
SELECT obj_description('mood'::regtype, 'pg_type')
COMMENT ON TYPE nomood IS 'x'
ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'
ALTER TYPE mood ADD VALUE 'worst' BEFORE 'sad'
ALTER TYPE mood ADD VALUE 'best'
ALTER TYPE mood ADD VALUE 'best'
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'best'
ALTER TYPE mood ADD VALUE 'x' BEFORE 'nowhere'
ALTER TYPE nomood ADD VALUE 'x'
SELECT enum_range(NULL::mood)
SELECT enumlabel, enumsortorder FROM pg_enum WHERE enumtypid = 'mood'::regtype ORDER BY enumsortorder
INSERT INTO people VALUES (20, 'fine', '{worst,best}', 'best'), (21, 'worst', NULL, 'worst')
SELECT id, m FROM people ORDER BY m, id
SELECT m FROM people WHERE m > 'ok' AND m < 'happy'
ALTER TYPE mood RENAME VALUE 'best' TO 'great'
ALTER TYPE mood RENAME VALUE 'best' TO 'x'
ALTER TYPE mood RENAME VALUE 'great' TO 'fine'
SELECT id, again FROM people WHERE again = 'great'
SELECT 'best'::mood
CREATE TYPE other AS ENUM ('a', 'b')
ALTER TYPE other RENAME TO another
ALTER TYPE other RENAME TO x
ALTER TYPE another RENAME TO mood
SELECT 'a'::another, pg_typeof('a'::another)
CREATE SCHEMA side
ALTER TYPE another SET SCHEMA side
SELECT 'a'::another
SELECT 'a'::side.another, pg_typeof('a'::side.another), format_type('side.another'::regtype, -1), pg_type_is_visible('side.another'::regtype)
ALTER TYPE side.another OWNER TO nobody_here
DROP SCHEMA side
DROP TYPE mood
DROP TYPE nomood
DROP TYPE IF EXISTS nomood
DROP TYPE int4
CREATE TABLE mood (a int)
CREATE TYPE people AS ENUM ('x')
DROP TYPE side.another
SELECT 'a'::side.another
DROP TABLE referring
DROP TYPE mood CASCADE
SELECT * FROM people ORDER BY id
SELECT * FROM keyed ORDER BY n
SELECT count(*) FROM pg_type WHERE typname IN ('mood', '_mood')
DROP TYPE "Odd Name", empty_one
