-- SQL/JSON paths: the type, operators and functions over documents of a table, in searches, joins and groups.
SELECT '$.a[*] ? (@.b > 1 && @.c starts with "x").d'::jsonpath, 'strict $'::jsonpath, '$.**{2 to last}'::jsonpath::text
SELECT '($ == 1).type()'::jsonpath, jsonpath '$[last - 1]', CAST('-$.a' AS jsonpath), pg_typeof('$'::jsonpath)
SELECT ARRAY['$.a'::jsonpath, '$.b', NULL], coalesce(NULL::jsonpath, '$.x'), '$'::jsonpath IS NULL
SELECT ''::jsonpath
SELECT '$.a['::jsonpath
SELECT '$ ? (@ like_regex "(")'::jsonpath
SELECT '@'::jsonpath
SELECT '{}'::jsonb @? '$.a ?'
SELECT '{}'::jsonb @? '$.a'::text
SELECT '{}'::json @? '$.a'
SELECT '$.a'::jsonpath = '$.a'::jsonpath
SELECT DISTINCT '$.a'::jsonpath
SELECT min('$.a'::jsonpath)
SELECT 1 ORDER BY '$.a'::jsonpath
SELECT ('$[' || n || ']')::jsonpath FROM generate_series(0, 2) n
SELECT ('$[' || n || '')::jsonpath FROM generate_series(0, 2) n
SELECT id, jb @? '$.b', jb @@ '$.a == 1', jb @? 'strict $.b[0]', jb @@ '$' FROM every
SELECT id FROM every WHERE jb @? '$.b.c[*].d'
SELECT id FROM every WHERE jb @@ '$.a > 0 || $.s == "é"'
SELECT id FROM every WHERE NOT jb @? '$[*] ? (@ == 1)'
SELECT id, jsonb_path_query_array(jb, '$.**'), jsonb_path_query_first(jb, '$.*') FROM every
SELECT id, jsonb_path_exists(jb, '$.a ? (@ > $min)', '{"min": 0}') FROM every
SELECT id, jsonb_path_exists(jb, 'strict $.a', silent => true) FROM every
SELECT id, jsonb_path_exists(jb, 'strict $.a') FROM every
SELECT id, jsonb_path_match(jb, 'exists($.a)') FROM every
SELECT id, jsonb_path_match(jb, '$.a') FROM every
SELECT id, jsonb_path_query(jb, '$.b') FROM every
SELECT id, jsonb_path_query(jb, '$.b[*]'), jsonb_path_query(jb, '$.a') FROM every
SELECT e.id, q.item FROM every e, jsonb_path_query(e.jb, '$.b[*]') AS q(item)
SELECT e.id, q.item, q.n FROM every e CROSS JOIN LATERAL jsonb_path_query(e.jb, '$[*]') WITH ORDINALITY AS q(item, n)
SELECT * FROM jsonb_path_query('[1,2,{"a":3}]', '$[*] ? (@ > $x).a', vars => '{"x": 1}')
SELECT * FROM jsonb_path_query('[1,2,{"a":3}]', 'strict $[*].a')
SELECT * FROM jsonb_path_query('[1,2,{"a":3}]', '$[*].a', '[]')
SELECT * FROM jsonb_path_query('[1,2,{"a":3}]', '$[*] ? (@ == $y)')
SELECT jsonb_path_query('[1, 1.50, 1e2]', '$[*] / 0')
SELECT jsonb_path_query('[1, 1.50, 1e2]', '$[0] + $[1] * $[2] % 7 / 3')
SELECT jsonb_path_query('{"x": {"y": 1, "z": [2]}}', '$.x.keyvalue()')
SELECT jsonb_path_query_array('["2017-03-10", "2017-03-10 01:02:03.40", "10:11:12+05:30"]', '$[*].datetime()')
SELECT jsonb_path_query_array('["2017-03-10", "2017-03-11"]', '$[*].datetime() ? (@ < "2017-03-10 12:00:00".datetime())')
SELECT jsonb_path_query('["2017-03-10 00:00:00+00"]', '$[*].datetime() ? (@ < "2017-03-11".datetime())')
SELECT jsonb_path_query_tz('["2017-03-10 00:00:00+00"]', '$[*].datetime() ? (@ < "2017-03-11".datetime())')
SELECT jsonb_path_exists_tz('"2017-03-10"', '$.datetime() ? (@ < "2017-03-11 00:00:00+01".datetime())'), jsonb_path_match_tz('1', '$ == 1'), jsonb_path_query_first_tz('[1,2]', '$[1]'), jsonb_path_query_array_tz('[1,2]', '$[*]')
SELECT jsonb_path_query('"10.03.2017 14:05"', '$.datetime("DD.MM.YYYY HH24:MI")'), jsonb_path_query_array('["Mar 17", "9 PM"]', '$[0].datetime("Mon YY")')
SELECT jsonb_path_query('"10-03-2017x"', '$.datetime("DD-MM-YYYY")')
SELECT '"10-03-2017x"'::jsonb @? '$.datetime("DD-MM-YYYY")', '"10"'::jsonb @@ '$.datetime("DD") == "10".datetime("DD")'
SELECT '"2017"'::jsonb @? '$.datetime("YYYY_")'
-- refused: datetime() with the template pattern "IYYY" is not supported
SELECT jsonb_path_query('"2017-12"', '$.datetime("IYYY-IW")')
SELECT id FROM items WHERE meta @? '$.n ? (@ > 1)' ORDER BY embedding <-> '[1,2,3]', id LIMIT 3
SELECT id FROM items WHERE meta @@ '$.lang == "en" && $.n < 5' ORDER BY embedding <=> '[1,2,3]', id LIMIT 2
SELECT id, meta @? '$.n' FROM items WHERE jsonb_path_exists(meta, '$.lang ? (@ like_regex $re)', '{"re": "^e"}') ORDER BY embedding <-> '[1,2,3]' LIMIT 3
SELECT id, jsonb_path_query_first(meta, '$.lang') FROM items WHERE jsonb_path_match(meta, '$.lang starts with "e"', silent => true) ORDER BY embedding <-> '[1,2,3]', id LIMIT 3
SELECT meta @@ '$.lang == "en"' AS is_english, count(*), min(price) FROM items GROUP BY 1 ORDER BY 1
SELECT jsonb_path_query_first(meta, '$.lang') AS lang, count(*) FROM items GROUP BY 1
SELECT i.id, c.title FROM items i JOIN categories c ON c.id = i.category_id AND i.meta @? '$.n[*] ? (@ >= 2)' ORDER BY i.id
SELECT count(*) FILTER (WHERE meta @? '$.n'), bool_or(meta @@ '$.n > 5') FROM items
SELECT CASE WHEN meta @? '$.n' THEN 'n' ELSE 'none' END FROM items ORDER BY id
CREATE TABLE paths (id int PRIMARY KEY, path jsonpath DEFAULT '$.lang', CHECK ('{"lang": 1}' @? path))
INSERT INTO paths VALUES (1, '$.n ? (@ > 2)')
INSERT INTO paths VALUES (1, '$.*'), (2, 'strict $.lang'), (3, DEFAULT) RETURNING id, path
INSERT INTO paths VALUES (4, '$.lang ?')
SELECT p.id, i.id FROM paths p JOIN items i ON i.meta @? p.path ORDER BY p.id, i.id
UPDATE paths SET path = '$."lang".type()' WHERE id = 1 RETURNING path
SELECT path::text || '!' FROM paths ORDER BY id
CREATE INDEX ON paths (path)
CREATE INDEX items_en ON items USING hnsw (embedding vector_l2_ops) WHERE (meta @@ '$.lang == "en"')
SELECT indexdef FROM pg_indexes WHERE indexname = 'items_en'
SELECT id FROM items WHERE meta @@ '$.lang == "en"' ORDER BY embedding <-> '[4,5,6]' LIMIT 2
DROP INDEX items_en
DROP TABLE paths
SELECT typname, typcategory, typinput, typsend FROM pg_type WHERE oid IN (4072, 4073) ORDER BY oid
SELECT oprname, oprcode FROM pg_operator WHERE oprright = 'jsonpath'::regtype ORDER BY oprname
