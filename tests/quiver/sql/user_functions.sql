-- users' functions in SQL: CREATE, ALTER, DROP FUNCTION, calls, the catalogs
CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'select a+b'
SELECT add(1, 2), add(5), add(a => 3), add(b => 10, a => 1), public.add(1, 1)
SELECT add('7', 8), add(NULL, 1), pg_typeof(add(1)), add(add(1, 2), add(3))
SELECT add(1.5, 2)
SELECT add()
SELECT add(1, 2, 3)
SELECT add('x')
SELECT n, add(n, 2) FROM generate_series(1, 4) n WHERE add(n) > 2 ORDER BY add(n) DESC
SELECT sum(add(n, 1)), add(sum(n)::int, 1), add(count(*)::int) FROM generate_series(1, 4) n
CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'select a'
CREATE OR REPLACE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 + $2 $$
SELECT add(1, 2), add(5)
CREATE OR REPLACE FUNCTION add(a int, b int DEFAULT 1) RETURNS bigint LANGUAGE sql AS 'select 1::bigint'
CREATE OR REPLACE FUNCTION add(x int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'select 1'
CREATE OR REPLACE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION add(a text, b text) RETURNS text LANGUAGE sql STRICT AS 'select a || ''-'' || b'
SELECT add('a', 'b'), add('a', NULL), add(1, 2)
CREATE FUNCTION total(lim int) RETURNS bigint LANGUAGE sql STABLE AS 'select sum(n) from generate_series(1, lim) n'
SELECT total(4), total(0), total(NULL), n, total(n) FROM generate_series(1, 3) n ORDER BY n
CREATE FUNCTION evens(upto int) RETURNS SETOF int LANGUAGE sql AS $$ SELECT n FROM generate_series(1, upto) n WHERE n % 2 = 0 $$
SELECT * FROM evens(7) ORDER BY 1
SELECT e, e * 2 AS twice FROM evens(7) e ORDER BY 1
SELECT x.e FROM evens(7) x(e) ORDER BY 1
SELECT n, e FROM generate_series(2, 4) n, evens(n) e ORDER BY 1, 2
SELECT n, e FROM generate_series(1, 4) n LEFT JOIN LATERAL evens(n) e ON true ORDER BY 1, 2
SELECT count(*) FROM evens(NULL)
-- refused: function evens outside FROM is not supported
SELECT evens(4)
CREATE FUNCTION pairs(upto int) RETURNS TABLE(n int, square text) LANGUAGE sql STRICT ROWS 10 AS $$ SELECT i, (i * i)::text FROM generate_series(1, upto) i ORDER BY 1 $$
SELECT * FROM pairs(3) ORDER BY 1
SELECT p.square, n FROM pairs(3) p ORDER BY 2
SELECT a, b FROM pairs(2) p(a, b) ORDER BY 1
SELECT count(*) FROM pairs(NULL)
SELECT max(square) FROM pairs(4) WHERE n < 4
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'select 1 union all select 2 order by 1'
SELECT one(), one() + one()
CREATE FUNCTION none() RETURNS int LANGUAGE sql AS 'select 1 where false'
CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'select 1 where false'
SELECT nothing(), nothing() IS NULL
CREATE FUNCTION outer_call(x int) RETURNS int LANGUAGE sql AS 'select add(x, add(x)) from generate_series(1, 1)'
SELECT outer_call(3), outer_call(n) FROM generate_series(1, 2) n ORDER BY 2
CREATE FUNCTION shadow(n int) RETURNS int LANGUAGE sql AS 'select n from (values (42)) v(n)'
SELECT shadow(1)
CREATE FUNCTION qualified(n int) RETURNS int LANGUAGE sql AS 'select qualified.n + v.n from (values (42)) v(n)'
SELECT qualified(1)
CREATE FUNCTION smaller(x float8) RETURNS numeric LANGUAGE sql RETURN x / 2
SELECT smaller(3), pg_typeof(smaller(3))
CREATE FUNCTION assigned() RETURNS bigint LANGUAGE sql AS 'select 5'
SELECT assigned(), pg_typeof(assigned())
CREATE FUNCTION tagged(v text[]) RETURNS boolean LANGUAGE sql AS 'select ''a'' = any(v)'
SELECT tagged(ARRAY['a', 'b']), tagged('{c}'), tagged(NULL)
CREATE SCHEMA more
CREATE FUNCTION more.add(a int, b int) RETURNS int LANGUAGE sql AS 'select 1000'
SELECT add(1, 2), more.add(1, 2)
SET search_path = more, public
SELECT add(1, 2), add(5)
RESET search_path
SELECT nowhere.add(1, 2)
CREATE FUNCTION nowhere.f() RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql AS 'select ''x''::text'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql AS 'select 1, 2'
CREATE FUNCTION bad() RETURNS TABLE(a int, b int) LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad() RETURNS TABLE(a int, b int) LANGUAGE sql AS 'select 1, ''x''::text'
CREATE FUNCTION bad(a int) RETURNS int LANGUAGE sql AS 'select b'
CREATE FUNCTION bad(a int) RETURNS int LANGUAGE sql AS 'select $2'
CREATE FUNCTION bad(a int) RETURNS int LANGUAGE sql AS 'select a +'
CREATE FUNCTION bad(a int) RETURNS int LANGUAGE sql AS 'select a from nothere'
CREATE FUNCTION bad(a int, a int) RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad(a int DEFAULT 1, b int) RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad(a int DEFAULT 'x') RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad(a nothere) RETURNS int LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad() RETURNS int AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql
CREATE FUNCTION bad() LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE cobol AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql LANGUAGE sql AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql IMMUTABLE STABLE AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql ROWS 5 AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql COST 0 AS 'select 1'
CREATE FUNCTION bad() RETURNS int LANGUAGE sql PARALLEL often AS 'select 1'
-- refused: language plpgsql is not supported
CREATE FUNCTION plain() RETURNS int LANGUAGE plpgsql AS 'begin return 1; end'
-- refused: functions that return trigger are not supported
CREATE FUNCTION trg() RETURNS trigger LANGUAGE sql AS 'select 1'
-- refused: functions of other than one query are not supported
CREATE FUNCTION several() RETURNS int LANGUAGE sql AS 'select 1; select 2'
-- refused: OUT parameters of functions are not supported
CREATE FUNCTION outs(OUT a int, OUT b int) LANGUAGE sql AS 'select 1, 2'
-- refused: SECURITY DEFINER is not supported
CREATE FUNCTION definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'select current_user::text'
CREATE FUNCTION invoker() RETURNS text LANGUAGE sql SECURITY INVOKER AS 'select current_user::text'
SELECT invoker() = current_user
-- refused: BEGIN ATOMIC is not supported
CREATE FUNCTION atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END
-- refused: a definition that is kept and calls function add is not supported
CREATE VIEW adding AS SELECT add(1, 2) AS x
DROP VIEW IF EXISTS adding
-- refused: a volatile argument of function add, whose body does not use it just once, is not supported
SELECT add(a, 'x') IS NULL FROM (SELECT md5(random()::text) a) v WHERE add(md5(random()::text), 'x') IS NULL
SELECT proname, pronargs, pronargdefaults, prorettype::regtype, proargtypes::text, proargnames, provolatile, proisstrict, proretset, prokind, prosrc, proargmodes, prorows FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname IN ('add', 'pairs', 'evens', 'total') ORDER BY 1, 5
SELECT p.oid::regprocedure::text, p.oid::regproc::text = 'add' FROM pg_proc p WHERE proname = 'add' ORDER BY 1
SELECT pg_get_functiondef('add(int,int)'::regprocedure), pg_get_functiondef('pairs'::regproc)
SELECT pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid), pg_get_function_result(oid), pg_function_is_visible(oid) FROM pg_proc WHERE proname IN ('add', 'pairs', 'evens') ORDER BY 1, 2, 3
COMMENT ON FUNCTION add(int, int) IS 'adds'
COMMENT ON FUNCTION add IS 'which?'
COMMENT ON FUNCTION nothere(int) IS 'x'
SELECT obj_description('add(int,int)'::regprocedure, 'pg_proc')
SELECT routine_schema, routine_name, routine_type, data_type, type_udt_name, external_language, is_deterministic, is_null_call, security_type FROM information_schema.routines WHERE routine_schema IN ('public', 'more') AND routine_name IN ('add', 'pairs', 'evens', 'total') ORDER BY 1, 2, 4
SELECT ordinal_position, parameter_mode, parameter_name, data_type FROM information_schema.parameters WHERE specific_schema = 'public' AND specific_name ~ '^(pairs|total)_' ORDER BY specific_name, 1
ALTER FUNCTION total(int) RENAME TO sum_to
SELECT sum_to(3)
SELECT total(3)
ALTER FUNCTION sum_to(int) SET SCHEMA more
SELECT more.sum_to(3)
ALTER FUNCTION more.sum_to VOLATILE STRICT COST 7
SELECT provolatile, proisstrict, procost FROM pg_proc WHERE proname = 'sum_to'
ALTER FUNCTION add(int, int) SET SCHEMA more
ALTER FUNCTION nothere(int) RENAME TO x
ALTER FUNCTION add RENAME TO x
DROP FUNCTION add
DROP FUNCTION add(int)
DROP FUNCTION add(int, int), add(text, text)
SELECT add(1, 2)
DROP FUNCTION IF EXISTS add(int, int)
DROP FUNCTION IF EXISTS nothere
DROP FUNCTION lower(text)
DROP SCHEMA more
DROP SCHEMA more CASCADE
DROP FUNCTION evens, pairs(int), one, nothing(), outer_call, shadow(n int), qualified, smaller, assigned, tagged
CREATE TABLE held (id serial PRIMARY KEY, v int)
CREATE FUNCTION sized(low int) RETURNS bigint LANGUAGE sql AS 'select count(*) from held where v >= low'
CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('held_id_seq') $$
CREATE FUNCTION doubled(v int) RETURNS int LANGUAGE sql AS 'select 2 * v'
INSERT INTO held (v) VALUES (doubled(1)), (doubled(2)), (3)
INSERT INTO held (v) SELECT doubled(n) FROM generate_series(5, 7) n
UPDATE held SET v = doubled(v) WHERE doubled(v) < 7 RETURNING id, v
DELETE FROM held WHERE doubled(v) = 28
SELECT id, v, sized(v) FROM held ORDER BY id
SELECT next_id(), next_id()
SELECT id FROM held ORDER BY doubled(-v) LIMIT 2
SELECT doubled(v), count(*) FROM held GROUP BY doubled(v) HAVING doubled(count(*)::int) > 1 ORDER BY 1
WITH w AS (SELECT doubled(v) d FROM held) SELECT sum(d), sized(3) FROM w
SELECT (SELECT sized(h.v)) FROM held h ORDER BY id
SELECT CASE WHEN v > 100 THEN doubled(v / 0) ELSE 0 END FROM held ORDER BY 1
DROP TABLE held
SELECT sized(1)
DROP FUNCTION sized(int), next_id(), doubled(int)
