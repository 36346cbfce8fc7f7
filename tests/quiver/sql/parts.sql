-- Assignment to elements and slices of arrays, members of jsonb, fields of composite types.
CREATE TYPE place AS (x int, y text, tags text[])
CREATE TABLE parts (id int PRIMARY KEY, a int[], g int[][], j jsonb, c place, t varchar(3)[], n numeric(4,1)[])
INSERT INTO parts VALUES (1, '{1,2,3}', '{{1,2},{3,4}}', '{"a": {"b": 1}, "l": [1,2]}', ROW(1, 'one', '{p,q}'), '{abc}', '{1.5}'), (2, NULL, NULL, NULL, NULL, NULL, NULL), (3, '{}', '{}', '[]', ROW(NULL, NULL, NULL), '{}', '{}')
UPDATE parts SET a[2] = 20 RETURNING id, a
UPDATE parts SET a[6] = 60 WHERE id = 1 RETURNING a
UPDATE parts SET a[-1] = id RETURNING id, a
UPDATE parts SET a[1] = 7, a[2] = 8, a[3] = a[1] WHERE id < 3 RETURNING id, a
UPDATE parts SET a[1] = NULL WHERE id = 1 RETURNING a
UPDATE parts SET a[NULL] = 1 WHERE id = 1
UPDATE parts SET a[1][1] = 1 WHERE id = 1
UPDATE parts SET a[1] = 'x' WHERE id = 1
UPDATE parts SET a[1] = now() WHERE id = 1
UPDATE parts SET a[1] = DEFAULT WHERE id = 1
UPDATE parts SET a = '{1}', a[1] = 2
UPDATE parts SET a[1] = 2, a = '{1}'
UPDATE parts SET id[1] = 2
UPDATE parts SET z[1] = 2
UPDATE parts SET a = '{1,2,3,4,5}' RETURNING a
UPDATE parts SET a[2:3] = '{7,8,9}' RETURNING id, a
UPDATE parts SET a[5:7] = ARRAY[50,60,70] WHERE id = 1 RETURNING a
UPDATE parts SET a[-1:0] = ARRAY[50,60,70] WHERE id = 2 RETURNING a
UPDATE parts SET a[:2] = '{1,1}', a[7:] = '{0}' WHERE id = 1 RETURNING a
UPDATE parts SET a[2:3] = NULL WHERE id = 1 RETURNING a
UPDATE parts SET a[2:3] = '{1}' WHERE id = 1
UPDATE parts SET a[3:2] = '{1}' WHERE id = 1
UPDATE parts SET a[1:2] = 5 WHERE id = 1
UPDATE parts SET a = NULL WHERE id = 1 RETURNING a
UPDATE parts SET a[3:4] = '{5,6}' WHERE id = 1 RETURNING a
UPDATE parts SET a = '{}' WHERE id = 1
UPDATE parts SET a[:4] = '{5,6}' WHERE id = 1
UPDATE parts SET a[1:2] = '{5}' WHERE id = 1
UPDATE parts SET g[2][1] = 30 RETURNING id, g
UPDATE parts SET g[1:2][2:2] = '{{7},{8}}' WHERE id = 1 RETURNING g
UPDATE parts SET g[2:2] = '{0,0}' WHERE id = 1 RETURNING g
UPDATE parts SET g[3][1] = 1 WHERE id = 1
UPDATE parts SET g[1] = 1 WHERE id = 1
UPDATE parts SET g[1:3][1:2] = '{1,2,3,4,5,6}' WHERE id = 1
UPDATE parts SET t[2] = 'xyz', n[3] = 2.25 RETURNING id, t, n
UPDATE parts SET t[2] = 'wxyz' WHERE id = 1
UPDATE parts SET j['k'] = '5' RETURNING id, j
UPDATE parts SET j = NULL WHERE id = 3
UPDATE parts SET j['a']['b'] = '"x"', j['l'][0] = '{"z": null}' WHERE id = 1 RETURNING j
UPDATE parts SET j['new'][2]['deep'] = to_jsonb(id) RETURNING id, j
UPDATE parts SET j['l'][-1] = '9', j['l'][5] = NULL WHERE id = 1 RETURNING j
UPDATE parts SET j['l'][-9] = '9' WHERE id = 1
UPDATE parts SET j['l']['x'] = '9' WHERE id = 1
UPDATE parts SET j['k']['x'] = '9' WHERE id = 1
UPDATE parts SET j[NULL] = '1' WHERE id = 1
UPDATE parts SET j['a':'b'] = '1' WHERE id = 1
UPDATE parts SET j['a'] = 1 WHERE id = 1
UPDATE parts SET j[1.5] = '1' WHERE id = 1
UPDATE parts SET j = '5' WHERE id = 3
UPDATE parts SET j['a'] = '1' WHERE id = 3
UPDATE parts SET j = NULL WHERE id = 3
UPDATE parts SET j[2] = '1' WHERE id = 3 RETURNING j
UPDATE parts SET c.x = id * 10 RETURNING id, c
UPDATE parts SET c.y = 'two', c.tags[2] = 'r' WHERE id = 1 RETURNING id, c
-- refused: an array of several dimensions, or with a lower bound other than 1, is not supported here
UPDATE parts SET c.tags[2] = 'r' WHERE id = 2 RETURNING id
UPDATE parts SET c.x = 'x' WHERE id = 1
UPDATE parts SET c.x = now() WHERE id = 1
UPDATE parts SET c.z = 1 WHERE id = 1
UPDATE parts SET a.z = 1 WHERE id = 1
UPDATE parts SET c.x = DEFAULT WHERE id = 1
UPDATE parts SET (a[1], c.x) = (1, 2) WHERE id = 1 RETURNING a, c
UPDATE parts p SET a[1] = v.x FROM (VALUES (1, 100)) v(id, x) WHERE v.id = p.id RETURNING p.a
INSERT INTO parts (id, a) VALUES (1, '{4}') ON CONFLICT (id) DO UPDATE SET a[2] = excluded.a[1] RETURNING a
MERGE INTO parts p USING (VALUES (1)) v(id) ON v.id = p.id WHEN MATCHED THEN UPDATE SET a[3] = 33
SELECT a FROM parts WHERE id = 1
CREATE TABLE parted (id int, a int[] DEFAULT '{9}', g int[][], j jsonb, c place)
INSERT INTO parted (id, a[1], a[2]) VALUES (1, 10, 20), (2, NULL, 5) RETURNING *
INSERT INTO parted (id, a[2:3], g[1][1], j['k'], j['l'][1], c.x, c.tags[1]) VALUES (3, '{7,8}', 5, '1', '"x"', 4, 'tag') RETURNING *
INSERT INTO parted (a[1], id, c.y) VALUES (1, 4, 'y') RETURNING *
INSERT INTO parted (id, a[1], a) VALUES (1, 10, '{1}')
INSERT INTO parted (id, a[1]) VALUES (1, 'x')
INSERT INTO parted (id, a[1]) VALUES (1, DEFAULT)
INSERT INTO parted (id, z[1]) VALUES (1, 2)
INSERT INTO parted (id, a[1]) VALUES (1, 2, 3)
INSERT INTO parted (id, a[1]) VALUES (1)
-- refused: a part of a column as the target of a query is not supported
INSERT INTO parted (id, a[1]) SELECT 1, 2
