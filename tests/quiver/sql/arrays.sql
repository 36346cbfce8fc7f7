-- Arrays of several dimensions and of any bounds. Literals and constructors.
SELECT '{{1,2},{3,4}}'::int[], '{{1,2},{3,4}}'::int[][], ARRAY[[1,2],[3,4]], ARRAY[ARRAY[1,2],ARRAY[3,4]], ARRAY[[['a','b']],[['c',NULL]]]
SELECT '[0:1]={1,2}'::int[], '[-1:0][2:3]={{1,2},{3,4}}'::bigint[], '[2]={7,8}'::int[], ' [1:1] = { 5 } '::int[], '{ {1} , {2} }'::text[]
SELECT '{{"a,b","c\"d"},{"",NULL},{"NULL",x y}}'::text[], '{{2024-01-01,infinity}}'::date[], '{{1.50,NaN}}'::numeric[], '{{t,f}}'::bool[], '{{1.5,-0}}'::float8[], '{{"{\"a\": 1}"}}'::jsonb[]
SELECT '{{00000000-0000-0000-0000-000000000001}}'::uuid[], '{{\\x00ff}}'::bytea[], '{{1 day,2 mons}}'::interval[], '{{10:00,11:30}}'::time[], '{{2024-01-01 10:00:00+02}}'::timestamptz[], '{{101}}'::bit(3)[], '{{10.0.0.1}}'::inet[], '{{abc}}'::varchar(2)[], '{{a}}'::char(3)[]
SELECT ARRAY[[1,2.5],[3,4]], ARRAY[[1,2],[3,4]]::text[], ARRAY[['1','2']]::int[], ARRAY['{1,2}'::int[], '{3,4}'], ARRAY[[NULL,1]], ARRAY[NULL::int[], NULL], ARRAY['{}'::int[], '{}'], ARRAY[[]]::int[]
SELECT ARRAY[ARRAY[1,2],'{3,4}'], ARRAY[ARRAY[[1]],ARRAY[[2]]], ARRAY['[0:1]={1,2}'::int[]], ('{{1,2}}'::int[])::text, ('{{1,2}}'::int[])::bigint[], ('{{a,b}}'::text[])::varchar(1)[], '{{1.5,2.5}}'::numeric(4,1)[]
SELECT ARRAY[[1,2],[3]]
SELECT ARRAY[ARRAY[1,2], NULL]
SELECT ARRAY[ARRAY[1,2], '{}']
SELECT ARRAY[[1],[2,3]]::int[]
SELECT ARRAY[1, ARRAY[2]]
SELECT ARRAY[ARRAY[1], 2]
SELECT '{{1,2},{3}}'::int[]
SELECT '{{1},{2,3}}'::int[]
SELECT '{{1,2},3}'::int[]
SELECT '{1,{2}}'::int[]
SELECT '{{1}{2}}'::int[]
SELECT '{{1},}'::int[]
SELECT '{{},{}}'::int[]
SELECT '{{1,a}}'::int[]
SELECT '{{1,2}'::int[]
SELECT '{{1,2}}}'::int[]
SELECT '{{{{{{{1}}}}}}}'::int[]
SELECT '[1:2]={1}'::int[]
SELECT '[1:2]{1,2}'::int[]
SELECT '[2:1]={}'::int[]
SELECT '[1:2][1:1]={1,2}'::int[]
SELECT '[a:2]={1,2}'::int[]
SELECT '[1:]={1,2}'::int[]
SELECT '[1:2={1,2}'::int[]
SELECT '[1:2]=1,2'::int[]
SELECT '[1][1][1][1][1][1][1]={1}'::int[]
SELECT 'x{1}'::int[]
-- Subscripts and slices.
SELECT a[1][2], a[2][1], a[3][1], a[1], a[1][1][1], a[NULL][1], a[1:1], a[1:2][1:1], a[2:], a[:1][2:], a[1:2][2], a[2][1:2], a[3:4], a[2:1], a[NULL:2], a[:][2:2], a[1:1][1:1][1:1] FROM (SELECT ARRAY[[1,2],[3,4]] AS a) s
SELECT a[0], a[1], a[2], a[:0], a[1:], a[-5:5] FROM (SELECT '[0:1]={7,8}'::int[] AS a) s
SELECT ('{1,2,3}'::int[])[1][1], ('{1,2,3}'::int[])[1:2][1], ('{{1,2},{3,4}}'::int[])[2][2], (ARRAY[[1,2],[3,4]])[1:1][2], ('{}'::int[])[1:2][1:2]
SELECT a[1][1][1][1][1][1][1] FROM (SELECT ARRAY[[1]] AS a) s
SELECT a['x'][1] FROM (SELECT ARRAY[[1]] AS a) s
SELECT a[1][true] FROM (SELECT ARRAY[[1]] AS a) s
-- What is known of a shape.
SELECT array_ndims(a), array_dims(a), array_length(a, 1), array_length(a, 2), array_length(a, 3), array_lower(a, 1), array_upper(a, 2), array_lower(a, 0), cardinality(a) FROM (VALUES (ARRAY[[1,2,3],[4,5,6]]), ('[0:1][-1:0]={{1,2},{3,4}}'), ('{}'), (NULL), ('{1}')) v(a)
SELECT array_ndims('{{{1}}}'::int[]), array_dims('[5:6]={1,2}'::int[]), cardinality('[5:6]={1,2}'::int[]), array_upper('[5:6]={1,2}'::int[], 1), array_length('[5:6]={1,2}'::int[], NULL)
SELECT x FROM unnest(ARRAY[[1,2],[3,4]]) x
SELECT unnest('[0:1][0:1]={{a,b},{c,NULL}}'::text[]), generate_subscripts('[0:3]={a,b,c,d}'::text[], 1)
SELECT x, n FROM unnest('{{5,6}}'::int[]) WITH ORDINALITY u(x, n)
SELECT i, j, a[i][j] FROM (SELECT '[0:1][2:3]={{1,2},{3,4}}'::int[] AS a) s, generate_subscripts(a, 1) i, generate_subscripts(a, 2) j ORDER BY i, j
SELECT generate_subscripts('{{1,2},{3,4},{5,6}}'::int[], 1, true), generate_subscripts('{{1,2}}'::int[], 3)
-- Concatenation and change.
SELECT ARRAY[1,2] || ARRAY[[3,4]], ARRAY[[1,2]] || ARRAY[3,4], ARRAY[[1,2]] || ARRAY[[3,4]], ARRAY[[1,2]] || '{}', '{}'::int[] || ARRAY[[1,2]], NULL::int[] || ARRAY[[1]], ARRAY[[1,2]] || NULL
SELECT '[0:1]={1,2}'::int[] || 3, 0 || '[0:1]={1,2}'::int[], array_append('[5:5]={1}'::int[], 2), array_prepend(0, '[5:5]={1}'::int[]), array_cat('[0:0]={1}'::int[], '[7:7]={2}'), '[0:1]={1,2}'::int[] || '{3}'
SELECT ARRAY[[1,2]] || ARRAY[3]
SELECT ARRAY[[1,2]] || ARRAY[[3]]
SELECT ARRAY[[[1,2]]] || ARRAY[3,4]
SELECT array_append(ARRAY[[1,2]], 3)
SELECT array_prepend(3, ARRAY[[1,2]])
SELECT ARRAY[[1,2]] || 3
SELECT array_cat(ARRAY[[1,2]], ARRAY[[3,4]]), array_cat(ARRAY[[1.5]], ARRAY[[2]]), array_replace('{{1,2},{2,3}}'::int[], 2, 9), array_replace('{{1,NULL}}'::int[], NULL, 0), array_remove('[0:2]={1,2,1}'::int[], 1), array_remove('[0:0]={1}'::int[], 1)
SELECT array_remove(ARRAY[[1,2]], 1)
SELECT array_position('[3:5]={a,b,a}'::text[], 'b'), array_position('[3:5]={a,b,a}'::text[], 'a', 4), array_positions('[3:5]={a,b,a}'::text[], 'a')
SELECT array_position(ARRAY[[1,2]], 1)
SELECT array_positions(ARRAY[[1,2]], 1)
SELECT array_position(ARRAY[1,2], 1, NULL)
SELECT array_fill(7, ARRAY[2,2]), array_fill('x'::text, ARRAY[2], ARRAY[0]), array_fill(1, ARRAY[1,2], ARRAY[3,4]), array_fill(NULL::int, ARRAY[1,2]), array_fill(1, ARRAY[2,0]), array_fill(1, '{}'), array_fill(1, '{3}')
SELECT array_fill(1, ARRAY[1,1,1,1,1,1,1])
SELECT array_fill(1, ARRAY[2,2], ARRAY[1])
SELECT array_fill(1, ARRAY[2,NULL])
SELECT array_fill(1, NULL, ARRAY[1])
SELECT array_fill(1, ARRAY[2], ARRAY[NULL]::int[])
SELECT array_fill(1, ARRAY[100000,100000])
SELECT array_fill(1, ARRAY[-1,2])
SELECT trim_array('{{1,2},{3,4},{5,6}}'::int[], 1), trim_array('[0:2]={1,2,3}'::int[], 2), trim_array('{{1}}'::int[], 1)
SELECT trim_array('{{1,2},{3,4}}'::int[], 3)
SELECT array_to_string(ARRAY[[1,2],[3,NULL]], ','), array_to_string(ARRAY[[1,2],[3,NULL]], ',', '*'), string_to_array('1,2', ',')::int[] || ARRAY[[3,4]]
SELECT to_json(ARRAY[[1,2],[3,4]]), to_jsonb('{{a,NULL}}'::text[]), array_to_json(ARRAY[[1,2],[3,4]]), array_to_json(ARRAY[[1,2],[3,4]], true), json_build_array(ARRAY[[1]]), jsonb_build_object('k', ARRAY[[1],[2]]), to_json('[0:1]={1,2}'::int[]), to_json('{}'::int[] || ARRAY[[[1,2],[3,4]]])
-- Comparison.
SELECT ARRAY[[1,2]] = ARRAY[[1,2]], ARRAY[[1,2]] = ARRAY[[1],[2]], ARRAY[[1,2]] = ARRAY[1,2], ARRAY[1,2] < ARRAY[[1,2]], ARRAY[[1,2]] < ARRAY[[1],[2]], '[0:1]={1,2}'::int[] = '{1,2}', '[0:1]={1,2}'::int[] < '{1,2}', ARRAY[[1,2]] <> '{{1,3}}', ARRAY[[1,NULL]] = ARRAY[[1,NULL]], ARRAY[[2]] > ARRAY[[1,5]]
SELECT ARRAY[[1.0,2]] = ARRAY[[1,2.00]], ARRAY[['a ']]::char(2)[] = ARRAY[['a']]::char(2)[], ARRAY[[1,2]] IS DISTINCT FROM ARRAY[[1,2]], ARRAY[[1,2]] IS NOT DISTINCT FROM NULL, ARRAY[[1]] IN (ARRAY[[1]], ARRAY[2]), ARRAY[1] IN (ARRAY[[1]], '{1}'), NULLIF(ARRAY[[1]], ARRAY[1])
SELECT 3 = ANY (ARRAY[[1,2],[3,4]]), 9 <> ALL (ARRAY[[1,2],[3,4]]), 2 > ANY ('[5:6]={1,2}'::int[]), NULL = ANY (ARRAY[[1]])
SELECT ARRAY[[1,2],[3,4]] @> ARRAY[4,1], ARRAY[1] <@ ARRAY[[1,2]], ARRAY[[1,2]] && ARRAY[[2],[7]], ARRAY[[1,2]] @> ARRAY[[5]], '{}'::int[] <@ ARRAY[[1]]
SELECT coalesce(NULL::int[], ARRAY[[1,2]]), CASE WHEN true THEN ARRAY[1] ELSE ARRAY[[2]] END, greatest(ARRAY[1,2], ARRAY[[1,2]]), least(ARRAY[[3]], '{3}')
SELECT a FROM (VALUES (ARRAY[1,2]), (ARRAY[[1,2]]), ('{{1},{2}}'), ('[0:1]={1,2}'), (NULL), ('{}'), ('{1}'), ('{{1,2,3}}')) v(a) ORDER BY a
SELECT a, count(*) FROM (VALUES (ARRAY[[1,2]]), ('{{1,2}}'), ('{1,2}')) v(a) GROUP BY a ORDER BY a
SELECT DISTINCT a FROM (VALUES (ARRAY[[1,2]]), ('{{1,2}}'), ('{1,2}')) v(a) ORDER BY a DESC
SELECT ARRAY[1] UNION SELECT ARRAY[[1]] UNION SELECT '{{1}}' ORDER BY 1
SELECT max(a), min(a), count(a), count(DISTINCT a) FROM (VALUES (ARRAY[[1,2]]), ('{{1,3}}'), ('{1,2}')) v(a)
SELECT lag(a) OVER (ORDER BY a), first_value(a) OVER (ORDER BY a) FROM (VALUES (ARRAY[[1,2]]), ('{{1,3}}')) v(a)
SELECT ARRAY[[1]] IN (SELECT ARRAY[1]), ARRAY[1] IN (SELECT '{{1}}'::int[]), ARRAY[[1]] = ANY (SELECT ARRAY[[1]])
-- Aggregates of arrays, and sub-queries.
SELECT array_agg(a ORDER BY a DESC) FROM (VALUES (ARRAY[1,2]), (ARRAY[3,4])) v(a)
SELECT array_agg(a) FROM (VALUES ('[0:1]={1,2}'::int[]), ('[0:1]={3,4}')) v(a)
SELECT array_agg(ARRAY[[x]]) FROM generate_series(1, 3) x
SELECT g, array_agg(ARRAY[x, x * 2] ORDER BY x) FROM (SELECT x % 2 AS g, x FROM generate_series(1, 4) x) s GROUP BY g ORDER BY g
SELECT array_agg(ARRAY['a']) FROM generate_series(1, 0) x
SELECT array_agg(a) FROM (VALUES (ARRAY[1,2]), (ARRAY[3])) v(a)
SELECT array_agg(a) FROM (VALUES (ARRAY[1,2]), (NULL)) v(a)
SELECT array_agg(a) FROM (VALUES ('{}'::int[])) v(a)
SELECT ARRAY(SELECT ARRAY[x, x + 1] FROM generate_series(1, 3) x ORDER BY x DESC), ARRAY(SELECT ARRAY[1] WHERE false)
SELECT x, ARRAY(SELECT ARRAY[x, y] FROM generate_series(1, 2) y) FROM generate_series(1, 2) x ORDER BY x
SELECT ARRAY(SELECT NULL::int[])
SELECT pg_typeof(ARRAY[[1,2]]), pg_typeof('{{a}}'::text[][]), format('%s', ARRAY[[1,2]]), concat(ARRAY[[1,2]], '!'), ARRAY[[1,2]] || ''::text
-- Stored.
CREATE TABLE grids (id int PRIMARY KEY, a int[][], t text[][], n numeric(5,2)[][], s int[])
INSERT INTO grids VALUES (1, '{{1,2},{3,4}}', ARRAY[['a','b']], '{{1.234,5}}', '{1,2}'), (2, '{5}', NULL, '{}', NULL), (3, '[0:0]={9}', '{{NULL,x}}', NULL, '{}')
INSERT INTO grids SELECT 4, array_agg(ARRAY[x, x]), NULL, NULL, ARRAY[7] FROM generate_series(1, 2) x
SELECT * FROM grids ORDER BY id
SELECT id, a[1], a[1][1], a[0], a[1:1], array_dims(a), cardinality(a), t[1][2], n[1][1], s[1], s[1:1] FROM grids ORDER BY id
SELECT id FROM grids WHERE a = '{{1,2},{3,4}}'
SELECT id FROM grids WHERE 9 = ANY (a) OR a @> '{4}' ORDER BY id
SELECT id FROM grids WHERE a[1][2] = 2
SELECT id, a FROM grids ORDER BY a, id
SELECT x.id, y.id FROM grids x JOIN grids y ON x.a = y.a AND x.id < y.id
UPDATE grids SET a = a || ARRAY[[7,8]], t = NULL WHERE id = 1 RETURNING a, t, n
UPDATE grids SET a = ARRAY[s] WHERE id = 4 RETURNING a
UPDATE grids SET a = '{{1,2},{3,4}}' WHERE id = 2 RETURNING *
SELECT id, unnest(a) FROM grids ORDER BY 1, 2
SELECT a, t, n, s FROM grids WHERE id = 1 FOR UPDATE
DELETE FROM grids WHERE a = '[0:0]={9}' RETURNING id
SELECT attname, atttypid::regtype, atttypmod FROM pg_attribute WHERE attrelid = 'grids'::regclass AND attnum > 0 ORDER BY attnum
SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = 'grids' ORDER BY ordinal_position
CREATE VIEW grid_view AS SELECT id, a, a[1][2] AS x, a[1:1] AS y, ARRAY[a, a] AS z, unnest(a) AS u, 3 = ANY (a) AS v FROM grids
SELECT * FROM grid_view WHERE id = 1
SELECT array_dims(z), y FROM grid_view WHERE id = 2
CREATE TABLE grid_copy AS SELECT id, a, ARRAY[[id]] AS b FROM grids
SELECT * FROM grid_copy ORDER BY id
CREATE UNIQUE INDEX ON grid_copy (b)
INSERT INTO grid_copy VALUES (9, NULL, '{{1}}')
INSERT INTO grid_copy VALUES (9, NULL, '{1}') ON CONFLICT (b) DO NOTHING
ALTER TABLE grid_copy ADD COLUMN c text[][] DEFAULT '{{x,y}}'
SELECT c FROM grid_copy ORDER BY id
ALTER TABLE grid_copy ALTER COLUMN a TYPE bigint[][] USING a::bigint[]
SELECT id, a FROM grid_copy ORDER BY id
CREATE DOMAIN grid AS int[][] CHECK (array_ndims(VALUE) = 2)
SELECT '{{1,2}}'::grid, ARRAY[[3]]::grid
SELECT '{1}'::grid
CREATE TYPE boxed AS (g int[][], name text)
SELECT ROW('{{1,2}}', 'x')::boxed, (ROW('{{1,2}}', 'x')::boxed).g, ROW(ARRAY[[1]], 2)
SELECT '{{1,2}}'::int[]::vector
SELECT ARRAY[[1,2],[3,4]]::halfvec
SELECT '{{1,2}}'::float8[]::sparsevec
SELECT '[0:1]={1,2}'::int[]::vector
-- A column declared with one pair of brackets takes any array, from whatever statement.
CREATE TABLE any_lists (id int PRIMARY KEY, a int[] DEFAULT '{0}', b text[], c int CHECK (c > 0), n numeric(4,1)[])
INSERT INTO any_lists VALUES (1, '{1,2}', '{a}', 1, '{1.25}'), (2, NULL, NULL, 2, NULL)
CREATE INDEX ON any_lists (a)
INSERT INTO any_lists VALUES (3, '{{1,2},{3,4}}', '{b}', 3, '{{1.25}}')
INSERT INTO any_lists (id, a, b) VALUES (4, '{5}', ARRAY[['x'],['y']]), (5, '[0:1]={7,8}', NULL)
SELECT * FROM any_lists ORDER BY id
UPDATE any_lists SET n = ARRAY[[id, 2]] WHERE id < 3 RETURNING id, n
INSERT INTO any_lists (id) VALUES (6) RETURNING *
SELECT id FROM any_lists WHERE 2 = ANY (a) ORDER BY id
SELECT id, a[1], a[1][2], array_dims(b) FROM any_lists ORDER BY a, id
CREATE TABLE more_lists (id int, a int[])
INSERT INTO more_lists SELECT id, a FROM any_lists
INSERT INTO more_lists VALUES (1, '{1}') 
SELECT * FROM more_lists ORDER BY id, a
MERGE INTO more_lists m USING (VALUES (2, ARRAY[[9]])) v(id, a) ON m.id = v.id WHEN MATCHED THEN UPDATE SET a = v.a WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.a)
CREATE TABLE conflicts (id int PRIMARY KEY, a int[])
INSERT INTO conflicts VALUES (1, '{1}')
INSERT INTO conflicts VALUES (1, '{2}') ON CONFLICT (id) DO UPDATE SET a = ARRAY[conflicts.a, excluded.a]
WITH changed AS (UPDATE conflicts SET a = a || ARRAY[[5]] WHERE id = 1 RETURNING a) SELECT * FROM changed
SELECT * FROM conflicts
CREATE TABLE shaped_defaults (id int, a int[] DEFAULT '{{1,2}}', b text[] DEFAULT '{}')
INSERT INTO shaped_defaults (id) VALUES (1)
INSERT INTO shaped_defaults VALUES (2, DEFAULT, DEFAULT), (3, '{5}', ARRAY[['x']])
ALTER TABLE shaped_defaults ALTER COLUMN b SET DEFAULT '[3:3]={z}'
INSERT INTO shaped_defaults DEFAULT VALUES
ALTER TABLE shaped_defaults ALTER COLUMN a DROP DEFAULT
ALTER TABLE shaped_defaults ALTER COLUMN a TYPE text[]
SELECT * FROM shaped_defaults ORDER BY id
ALTER TABLE shaped_defaults ALTER COLUMN a TYPE int[] USING (a::int[])[1:1][1:1]
SELECT * FROM shaped_defaults ORDER BY id
PREPARE shaped_parameter(int[], int) AS SELECT $1, array_ndims($1), $2
EXECUTE shaped_parameter('{{1,2}}', 3)
EXECUTE shaped_parameter(ARRAY[[[1]]], 4)
EXECUTE shaped_parameter('{7}', 5)
PREPARE shaped_rows(int, text[][]) AS SELECT $1, $2[1][2]
EXECUTE shaped_rows(1, '{{a,b}}')
EXECUTE shaped_rows(1, '{a}')
-- Arrays of rows are there, and are equal where the texts of their rows say so.
SELECT ARRAY[ROW(1, 'a'::text)] = ARRAY[ROW(1, 'a'::text)], ARRAY[ROW(1), ROW(2)], ARRAY[ROW(1)] <> ARRAY[ROW(2)]
SELECT DISTINCT x FROM (VALUES (ARRAY[ROW(1)]), (ARRAY[ROW(1)])) v(x)
-- refused: sorting by a value of a row type is not supported
SELECT x FROM (VALUES (ARRAY[ROW(10)]), (ARRAY[ROW(9)])) v(x) ORDER BY x
-- refused: comparison of arrays of rows is not supported
SELECT ARRAY[ROW(10)] > ARRAY[ROW(9)]
-- refused: comparison of arrays of rows is not supported
SELECT max(x) FROM (VALUES (ARRAY[ROW(10)]), (ARRAY[ROW(9)])) v(x)
-- refused: comparison of arrays of rows is not supported
SELECT ARRAY[ROW(1.0)] = ARRAY[ROW(1.00)]
SELECT array_position('{2024-01-01,infinity,-infinity}'::date[], 'infinity'), array_positions('{infinity,NULL,12024-01-01}'::date[], '12024-01-01'), array_remove('{infinity,2024-01-01}'::timestamp[], 'infinity'), array_replace('{-infinity}'::timestamptz[], '-infinity', '12024-01-01 00:00+00')
SELECT array_append('{infinity}'::date[], '-infinity'), array_prepend('24:00', '{01:02:03.5}'::time[]), array_cat('{infinity}'::date[], NULL), trim_array('{infinity,2024-01-01}'::date[], 1), array_append(NULL::interval[], '1 day'), array_position('{1 day,24:00}'::interval[], '24:00')
