-- keys of GROUP BY that a primary key or an equality decides, and select lists of EXISTS, which nobody asks for
CREATE TABLE nations (id int PRIMARY KEY, name char(10), region int)
CREATE TABLE clients (id int PRIMARY KEY, name text, nation int, comment varchar(20), balance numeric)
CREATE TABLE sales (client int, line int, kind text, amount numeric(8,2), PRIMARY KEY (client, line))
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n text)
INSERT INTO nations VALUES (1, 'here', 1), (2, 'there', NULL), (3, 'here', 2)
INSERT INTO clients SELECT i, 'n' || i % 3, nullif(i % 4, 0), nullif('c' || i % 5, 'c2'), i / 3.0 FROM generate_series(1, 12) i
INSERT INTO sales SELECT i % 9, i, 'k' || i % 2, i FROM generate_series(1, 40) i
INSERT INTO late VALUES (1, 'a'), (2, 'b')
SELECT c.id, c.name, c.comment, c.balance, count(*) FROM clients c JOIN sales s ON s.client = c.id GROUP BY c.id, c.name, c.comment, c.balance ORDER BY c.id
SELECT c.name, c.id, n.name, n.region, sum(s.amount) FROM clients c, sales s, nations n WHERE s.client = c.id AND c.nation = n.id GROUP BY c.name, c.id, n.name, n.region ORDER BY 2
SELECT s.client, c.name, c.comment, sum(amount) FROM sales s JOIN clients c ON c.id = s.client GROUP BY s.client, c.name, c.comment ORDER BY 1
SELECT s.client, c.name, sum(amount) FROM sales s LEFT JOIN clients c ON c.id = s.client GROUP BY s.client, c.name ORDER BY 1, 2
SELECT c.id, c.name, n.id, n.name, count(s.line) FROM clients c LEFT JOIN nations n ON n.id = c.nation AND n.region > 1 LEFT JOIN sales s ON s.client = c.id GROUP BY c.id, c.name, n.id, n.name ORDER BY c.id
SELECT n.id, n.name, n.region, count(c.id) FROM clients c LEFT JOIN nations n ON n.id = c.nation GROUP BY n.id, n.name, n.region ORDER BY 1
SELECT n.name, n.region, count(*) FROM clients c JOIN nations n ON n.id = c.nation GROUP BY n.name, n.region ORDER BY 1, 2
SELECT s.client, s.kind, count(*) FROM sales s GROUP BY s.client, s.kind ORDER BY 1, 2
SELECT s.client, s.line, s.kind, max(amount) FROM sales s GROUP BY s.client, s.line, s.kind ORDER BY 1, 2
SELECT a.id, a.name, b.id, b.name, count(*) FROM clients a JOIN clients b ON a.name = b.name GROUP BY a.id, a.name, b.id, b.name ORDER BY 1, 3
SELECT c.id, upper(c.name), c.name || 'x', count(*) FROM clients c GROUP BY c.id, upper(c.name), c.name ORDER BY 2, 1
SELECT c.id, c.name FROM clients c GROUP BY c.id, c.name HAVING c.name > 'n0' AND count(*) = 1 ORDER BY c.name DESC, c.id
SELECT DISTINCT c.name, c.comment FROM clients c GROUP BY c.id, c.name, c.comment ORDER BY 1, 2
SELECT DISTINCT ON (c.name) c.name, c.id FROM clients c GROUP BY c.id, c.name ORDER BY c.name, c.id DESC
SELECT c.id, c.name, (SELECT count(*) FROM sales s WHERE s.kind = 'k' || right(c.name, 1)) FROM clients c GROUP BY c.id, c.name ORDER BY 1
SELECT c.id, c.name, rank() OVER (PARTITION BY c.name ORDER BY count(*) DESC, c.id) FROM clients c JOIN sales s ON s.client = c.id GROUP BY c.id, c.name ORDER BY 1
SELECT c.id, c.name, grouping(c.id, c.name), count(*) FROM clients c GROUP BY ROLLUP (c.id, c.name) ORDER BY 1, 2, 3
SELECT c.id, c.name, grouping(c.name), count(*) FROM clients c GROUP BY c.id, c.name ORDER BY 1
SELECT count(*) FROM (SELECT c.id, c.name FROM clients c GROUP BY c.id, c.name) q
SELECT c.id, q.name FROM clients c JOIN (SELECT id, name FROM nations UNION ALL SELECT 1, 'again') q ON q.id = c.nation GROUP BY c.id, q.name ORDER BY 1, 2
BEGIN
INSERT INTO late VALUES (1, 'c'), (2, 'b')
SELECT id, n, count(*) FROM late GROUP BY id, n ORDER BY 1, 2
ROLLBACK
SELECT id FROM clients c WHERE EXISTS (SELECT * FROM sales s WHERE s.client = c.id AND amount > 30) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT 1/0, s.* FROM sales s WHERE s.client = c.id) ORDER BY 1
SELECT id FROM clients c WHERE NOT EXISTS (SELECT DISTINCT kind FROM sales s WHERE s.client = c.id) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT count(*) FROM sales s WHERE s.client = c.id) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT max(amount) FROM sales s WHERE s.client = c.id HAVING max(amount) > 35) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT unnest(array[]::int[]) FROM sales s WHERE s.client = c.id) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT kind FROM sales s WHERE s.client = c.id ORDER BY amount LIMIT 0) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT kind FROM sales s WHERE s.client = c.id OFFSET 4) ORDER BY 1
SELECT id FROM clients c WHERE EXISTS (SELECT s.kind, EXISTS (SELECT s.kind) FROM sales s WHERE s.client = c.id AND EXISTS (SELECT s.line, n.* FROM nations n WHERE n.id = s.line)) ORDER BY 1
SELECT id, EXISTS (SELECT name, comment FROM clients d WHERE d.id = c.id + 6), EXISTS (SELECT) FROM clients c ORDER BY 1
SELECT EXISTS (VALUES (1)), EXISTS (SELECT 1 WHERE false), EXISTS (SELECT 1 UNION SELECT 2)
-- what ON says of one table
-- what ON says of one table
SELECT c.id, n.name FROM clients c LEFT JOIN nations n ON n.id = c.nation AND n.region > 1 ORDER BY 1
SELECT c.id, n.name FROM clients c LEFT JOIN nations n ON n.id = c.nation AND c.name = 'n1' ORDER BY 1
SELECT c.id, n.name FROM clients c LEFT JOIN nations n ON n.id = c.nation AND n.region IS NULL AND c.id > 4 ORDER BY 1
SELECT c.id, n.name FROM clients c RIGHT JOIN nations n ON n.id = c.nation AND c.name <> 'n2' AND n.region = 1 ORDER BY n.id, 1
SELECT c.id, n.name FROM clients c FULL JOIN nations n ON n.id = c.nation AND n.id > 1 WHERE c.id IS NULL OR c.id < 6 ORDER BY 1, 2
SELECT c.id, n.name FROM clients c LEFT JOIN nations n ON n.region = 2 ORDER BY 1, 2
SELECT c.id, n.name FROM clients c LEFT JOIN nations n ON false ORDER BY 1 LIMIT 3
SELECT c.id, n.name FROM clients c JOIN nations n ON n.region = 1 AND c.id < 3 ORDER BY 1
SELECT c.id, n.name, s.line FROM clients c LEFT JOIN (nations n JOIN sales s ON s.line = n.id AND s.kind = 'k1') ON n.id = c.nation AND s.amount < 3 AND c.id < 9 ORDER BY 1
SELECT c.id, n.name, s.line FROM clients c LEFT JOIN (nations n LEFT JOIN sales s ON s.line = n.id AND s.kind = 'k1') ON n.id = c.nation AND s.line IS NULL ORDER BY 1
SELECT c.id, n.id, s.line FROM clients c LEFT JOIN nations n ON n.id = c.nation AND n.region = 1 LEFT JOIN sales s ON s.client = n.id AND s.amount > 30 AND n.name = 'here' WHERE c.id < 7 ORDER BY 1, 3
SELECT c.id, n.id, s.line FROM clients c JOIN nations n ON n.id = c.nation AND n.region = 1 RIGHT JOIN sales s ON s.client = c.id AND c.balance > 1 ORDER BY 3
SELECT c.id, s.line FROM clients c LEFT JOIN sales s ON s.client = c.id AND (s.amount > 38 OR s.kind = 'k0' AND s.amount > 30) ORDER BY 1, 2
SELECT n.name, count(c.id), count(*) FROM nations n LEFT JOIN clients c ON c.nation = n.id AND c.comment LIKE 'c%' AND c.balance < 3 GROUP BY n.id, n.name ORDER BY n.id
SELECT id, n.region FROM clients c LEFT JOIN nations n USING (id) WHERE n.region IS NULL ORDER BY 1
SELECT c.id FROM clients c WHERE EXISTS (SELECT FROM sales s LEFT JOIN nations n ON n.id = s.line AND n.region = 1 WHERE s.client = c.id AND n.id IS NULL) ORDER BY 1
SELECT c.id, 1 / (c.id - 5) FROM clients c JOIN nations n ON n.id = c.nation AND 1 / (c.id - 5) > 0 ORDER BY 1
UPDATE clients SET comment = 'changed' FROM nations n LEFT JOIN sales s ON s.line = n.id AND s.amount > 2 WHERE clients.nation = n.id AND s.line IS NULL RETURNING clients.id, n.id
