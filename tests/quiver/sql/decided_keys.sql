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
