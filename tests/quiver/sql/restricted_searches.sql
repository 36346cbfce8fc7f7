-- Searches that other tables restrict, over the tables of test_restricted_searches.py. `-- index`: the next one asks the graph.
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE EXISTS (SELECT 1 FROM documents d WHERE d.id = c.document_id AND d.price < 30) ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE NOT EXISTS (SELECT FROM documents d WHERE c.document_id = d.id AND price < 30) ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE NOT EXISTS (SELECT FROM documents d WHERE c.document_id = d.id) ORDER BY 2, 1 LIMIT 8 OFFSET 3
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE document_id IN (SELECT id FROM documents WHERE owner_id IN (SELECT id FROM owners WHERE name = 'owner 3')) ORDER BY 2, 1 LIMIT 8
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE document_id NOT IN (SELECT owner_id FROM documents) ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE document_id NOT IN (SELECT id FROM owners) ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE EXISTS (SELECT 1 FROM documents d JOIN owners o ON o.id = d.owner_id WHERE d.id = c.document_id AND o.name LIKE '%2') OR c.n = 3 ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.price < 20 ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title, o.name FROM documents d JOIN owners o ON o.id = d.owner_id JOIN chunks c ON d.id = c.document_id AND d.price < 50 WHERE o.name > 'owner 2' AND c.n <> 1 ORDER BY 2, 1 LIMIT 8 OFFSET 2
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM chunks c, documents d WHERE d.id = c.document_id ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document_id AND d.price < 9 WHERE c.n = 2 ORDER BY 2, 1 LIMIT 8
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document_id WHERE d.price < 9 ORDER BY 2, 1 LIMIT 8
-- index
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM documents d RIGHT JOIN chunks c ON d.id = c.document_id ORDER BY 2, 1 LIMIT 8
-- Several rows of the join for one of the search.
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', x.n FROM chunks c JOIN chunks x ON x.document_id = c.document_id AND x.n = 0 ORDER BY 2, 1, 3 LIMIT 8
SELECT d.id, d.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id FROM documents d JOIN chunks c ON d.id = c.document_id WHERE c.content = 'c 3' ORDER BY 2, 1, 3 LIMIT 5
-- Both sides have a distance.
SELECT d.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.embedding <-> c.embedding FROM documents d JOIN chunks c ON d.id = c.document_id ORDER BY 2, 1, c.id LIMIT 5
SELECT d.id, d.embedding <-> c.embedding FROM documents d JOIN chunks c ON d.id = c.document_id ORDER BY 2, 1, c.id LIMIT 5
-- What a restriction must not change.
SELECT count(*) OVER (), c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 3, 2 LIMIT 4
SELECT DISTINCT c.n, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 2, 1 LIMIT 4
SELECT c.n, count(*), min(c.embedding <-> '[0.3,-0.2,0.5,0.1]') FROM chunks c JOIN documents d ON d.id = c.document_id GROUP BY 1 ORDER BY 3 LIMIT 4
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', generate_series(1, 2) g FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 2, 1, 3 LIMIT 7
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE EXISTS (SELECT count(*) FROM documents d WHERE d.id = c.document_id AND price < 0) ORDER BY 2, 1 LIMIT 5
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE EXISTS (SELECT FROM documents d WHERE d.id = c.document_id OFFSET 1) ORDER BY 2, 1 LIMIT 5
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c WHERE EXISTS (SELECT FROM documents d WHERE d.id = c.document_id AND d.price > c.n * 20) ORDER BY 2, 1 LIMIT 5
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]', d.title FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 2, d.title DESC, 1 LIMIT 9
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 2 DESC NULLS LAST, 1 LIMIT 5
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.price = 3 ORDER BY 2, 1 LIMIT 1000
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id WHERE false ORDER BY 2, 1 LIMIT 5
SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 2, 1 LIMIT 0
-- Inside other queries.
SELECT o.id, (SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.owner_id = o.id ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 1) FROM owners o ORDER BY 1
SELECT count(*), sum(x.id) FROM (SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.price < 40 ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 20) x
WITH w AS (SELECT c.id, d.owner_id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.price < 40 ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 20) SELECT o.name, count(*) FROM w JOIN owners o ON o.id = w.owner_id GROUP BY 1 ORDER BY 1
WITH cheap AS (SELECT id FROM documents WHERE price < 10) SELECT c.id, c.embedding <-> '[0.3,-0.2,0.5,0.1]' FROM chunks c JOIN cheap ON cheap.id = c.document_id ORDER BY 2, 1 LIMIT 6
SELECT o.id, x.id FROM owners o, LATERAL (SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.owner_id = o.id ORDER BY c.embedding <-> '[0.3,-0.2,0.5,0.1]', c.id LIMIT 2) x ORDER BY 1, 2
