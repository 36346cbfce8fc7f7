-- tsvector and tsquery as values: text forms, order, operators, columns, COPY, errors.
SELECT 'a fat cat sat on a mat and ate a fat rat'::tsvector
SELECT 'a:1 fat:2 cat:3,7A sat:4B on:5C a:6D'::tsvector, $$the lexeme '    ' contains spaces$$::tsvector, $$'Joe''s' \\x 'it\'s'$$::tsvector
SELECT 'a:3A,1,1B b:16384,99999'::tsvector, ''::tsvector, ' '::tsvector, 'é:1 中:2'::tsvector
SELECT 'a:0'::tsvector
SELECT 'a:'::tsvector
SELECT 'a:1x'::tsvector
SELECT $$'abc$$::tsvector
SELECT $$''$$::tsvector
SELECT repeat('x', 2047)::tsvector
SELECT 'fat & rat'::tsquery, 'fat & (rat | cat)'::tsquery, 'fat & rat & !cat'::tsquery, 'fat:ab & cat'::tsquery, 'super:*'::tsquery, 'fat:*DCBA'::tsquery
SELECT 'a <-> b'::tsquery, 'a <3> b <-> c'::tsquery, 'a <-> (b <-> c)'::tsquery, '!a <-> !(b | c)'::tsquery, '!!a'::tsquery, 'a | b & c'::tsquery, '(a | b) & c'::tsquery
SELECT 'a &'::tsquery
SELECT 'a b'::tsquery
SELECT '(a'::tsquery
SELECT 'a)'::tsquery
SELECT 'a <99999> b'::tsquery
SELECT ':a'::tsquery
SELECT '&'::tsquery
SELECT pg_typeof('a'::tsvector), pg_typeof('a'::tsquery), pg_typeof('english'::regconfig), pg_typeof('{a}'::tsvector[])
SELECT '{"a b:1",c}'::tsvector[], '{a&b,!c}'::tsquery[], array['a'::tsvector, null]
SELECT 'a:1 b'::tsvector::text, 'a & b'::tsquery::text, 'a b'::text::tsvector, 'a'::varchar::tsquery
SELECT 'a:1'::tsvector = 'a:1'::tsvector, 'a:1'::tsvector = 'a:2'::tsvector, 'a'::tsvector < 'b'::tsvector, 'a:1'::tsvector < 'a'::tsvector, 'a b'::tsvector > 'z'::tsvector, 'a'::tsvector <> 'b'::tsvector
SELECT 'a:A'::tsquery = 'a:B'::tsquery, 'a & b'::tsquery = 'b & a'::tsquery, 'a'::tsquery < 'b'::tsquery, 'a & b'::tsquery > 'z'::tsquery, 'a'::tsquery <= 'a:*'::tsquery
SELECT tsvector_cmp('a', 'b'), tsquery_cmp('a', 'b'), tsvector_eq('a', 'a'), tsquery_ne('a', 'b')
-- Matching.
SELECT 'fat cats ate rats'::tsvector @@ 'rats'::tsquery, 'a:1 b:2'::tsvector @@ 'a <-> b'::tsquery, 'a:1 b:3'::tsvector @@ 'a <-> b'::tsquery, 'a:1 b:3'::tsvector @@ 'a <2> b'::tsquery, 'a b'::tsvector @@ 'a <-> b'::tsquery
SELECT 'a:1A b:2'::tsvector @@ 'a:A'::tsquery, 'a:1A b:2'::tsvector @@ 'a:B'::tsquery, 'a'::tsvector @@ 'a:B'::tsquery, 'abc:1'::tsvector @@ 'ab:*'::tsquery, 'abc:1B'::tsvector @@ 'ab:*A'::tsquery, 'a:1'::tsvector @@ ''::tsquery
SELECT 'a:1 c:2'::tsvector @@ 'a <-> !b'::tsquery, 'a:1 b:2'::tsvector @@ 'a <-> !b'::tsquery, 'a:1 b:2 a:3'::tsvector @@ 'a <-> !b'::tsquery, 'a:1 b:2 c:3'::tsvector @@ 'a <-> (b <-> c)'::tsquery, 'a:1 b:2 c:3'::tsvector @@ '(a | x) <-> b'::tsquery, 'a:1 b:2'::tsvector @@ '!(a <-> b)'::tsquery, 'a b'::tsvector @@ '!(a <-> b)'::tsquery
SELECT 'a:1'::tsvector @@@ 'a'::tsquery, 'a'::tsquery @@ 'a:1'::tsvector, 'a'::tsquery @@@ 'b'::tsvector, null::tsvector @@ 'a'::tsquery, 'a'::tsvector @@ null::tsquery
SELECT 'the fat cats' @@ 'cat & fat'::tsquery, 'The Fat Cats' @@ 'fat cats', 'the fat cats' @@ to_tsquery('cats & !dogs'), 'x'::text @@ 'y'::text
SELECT 'a & b'::tsquery && 'c'::tsquery, 'a'::tsquery || 'b & c'::tsquery, !!'a | b'::tsquery, 'a'::tsquery <-> 'b | c'::tsquery, 'a & b'::tsquery @> 'a'::tsquery, 'a'::tsquery <@ 'a | b'::tsquery, ''::tsquery && 'a'::tsquery
SELECT 'a:1 b:2'::tsvector || 'a:1 c:2B'::tsvector, 'a'::tsvector || 'b:1'::tsvector, ''::tsvector || 'a:3'::tsvector
SELECT tsquery_phrase('a', 'b'), tsquery_phrase('a', 'b & c', 10), tsquery_phrase('', 'b')
SELECT tsquery_phrase('a', 'b', 99999)
-- Functions on vectors and queries.
SELECT length('a:1,2 b c:3'::tsvector), strip('a:1A b:2'::tsvector), setweight('a:1 b:2B c'::tsvector, 'A'), setweight('a:1 b:2B'::tsvector, 'd'), setweight('a:1 b:2'::tsvector, 'C', '{b,x}')
SELECT setweight('a:1'::tsvector, 'x')
SELECT ts_delete('a:1 b:2 c'::tsvector, 'b'), ts_delete('a:1 b:2 c'::tsvector, array['a', 'c', 'z']), ts_filter('a:1A b:2B,3 c'::tsvector, '{a,b}')
SELECT ts_filter('a:1'::tsvector, '{x}')
SELECT ts_filter('a:1'::tsvector, '{null}')
SELECT ts_delete('a:1'::tsvector, array['a', null])
SELECT tsvector_to_array('b:1 a c:2'::tsvector), array_to_tsvector(array['b', 'a', 'b']), array_to_tsvector('{}'::text[])
SELECT array_to_tsvector(array['a', ''])
SELECT array_to_tsvector(array['a', null])
SELECT numnode('(fat & rat) | cat'::tsquery), numnode(''::tsquery), querytree('foo & !bar'::tsquery), querytree('!bar'::tsquery), querytree('a | !b'::tsquery), querytree('a <-> !b'::tsquery)
SELECT * FROM unnest('cat:3 fat:2,4A rat'::tsvector)
SELECT (unnest('cat:3 fat:2'::tsvector)).lexeme
-- Configurations.
SELECT to_tsvector('english', 'The Fat Rats, sat on the mat; running -12 3.14 foo-bar http://x.org/a/b?c=d me@x.org <b>bold</b> &amp;'), to_tsvector('simple', 'The Fat Rats'), to_tsvector('Running cats'), to_tsvector('pg_catalog.english', 'Lovely stories')
SELECT to_tsvector('french', 'les chevaux blancs mangeaient'), to_tsvector('german', 'Die Häuser der Städte'), to_tsvector('russian', 'красивые дома and houses'), to_tsvector('spanish', 'los niños corrían rápidamente')
SELECT to_tsvector('nosuch', 'x')
SELECT 'nosuch'::regconfig
SELECT 'simple'::regconfig, 'pg_catalog.german'::regconfig, 'english'::regconfig::oid = (SELECT oid FROM pg_ts_config WHERE cfgname = 'english'), 'english_stem'::regdictionary, 3748::regconfig, get_current_ts_config()
SELECT to_tsquery('english', 'The & Fat & Rats'), to_tsquery('english', 'foo-bar:A*'), to_tsquery('english', 'cats | (the & !dogs)'), to_tsquery('simple', 'The'), to_tsquery('english', $$'super novae stars' | x$$), to_tsquery('english', 'a <-> cat <-> the <-> dog'), to_tsquery('the')
SELECT to_tsquery('english', 'fat rats')
SELECT plainto_tsquery('english', 'The Fat Rats'), plainto_tsquery('english', 'foo-bar & baz:*'), plainto_tsquery(''), phraseto_tsquery('english', 'the cat of the dog'), phraseto_tsquery('english', 'The Fat Rats')
SELECT websearch_to_tsquery('english', '"supernovae stars" -crab'), websearch_to_tsquery('english', '"sad cat" or "fat rat"'), websearch_to_tsquery('english', 'signal -"segmentation fault"'), websearch_to_tsquery('english', '""" )( dummy \\ query <->'), websearch_to_tsquery('simple', 'or cat'), websearch_to_tsquery('simple', 'cat or'), websearch_to_tsquery('simple', 'a orange or or b')
SELECT to_tsvector('english', '{"a": "the cats", "b": [1.50, "rats run", true, null], "c": {"d": "dogs"}}'::jsonb), to_tsvector('english', '{"z": "b cats", "a": "rats"}'::json), jsonb_to_tsvector('english', '{"a": "the cats", "b": [1.50, "rats", true]}', '["numeric", "boolean"]'), json_to_tsvector('english', '{"aa": "the cats", "b": 2}', '"all"'), to_tsvector('{"a": "cats"}'::jsonb)
SELECT jsonb_to_tsvector('english', '{}', '{"x": 1}')
SELECT jsonb_to_tsvector('english', '{}', '[1]')
SELECT jsonb_to_tsvector('english', '{}', '["no"]')
SELECT ts_lexize('english_stem', 'stars'), ts_lexize('english_stem', 'a'), ts_lexize('simple', 'STARS')
SHOW default_text_search_config
SET default_text_search_config = 'simple'
SELECT to_tsvector('The Cats'), to_tsquery('The & Cats'), 'The Cats' @@ 'the', get_current_ts_config(), current_setting('default_text_search_config')
SET default_text_search_config = 'nosuch'
RESET default_text_search_config
-- Columns.
CREATE TABLE searched (id int PRIMARY KEY, body text, v tsvector, q tsquery)
INSERT INTO searched VALUES (1, 'the fat cats', 'fat:2 cat:3', 'cat & fat'), (2, 'rats and cats', to_tsvector('english', 'rats and cats'), to_tsquery('rat')), (3, null, null, null), (4, '', '', ''), (5, 'fat rats', 'fat rat', 'rat:A'), (6, 'x', 'fat:2 cat:3', 'rat:B')
SELECT id, v, q FROM searched ORDER BY id
SELECT id FROM searched WHERE v @@ 'cat' ORDER BY id
SELECT id FROM searched WHERE v @@ to_tsquery('cat & !fat') ORDER BY id
SELECT id, v @@ q FROM searched ORDER BY id
SELECT id FROM searched WHERE to_tsvector('english', body) @@ plainto_tsquery('english', 'cats') ORDER BY id
SELECT id, v || 'z:1' FROM searched ORDER BY v, id
SELECT id, q FROM searched ORDER BY q DESC NULLS LAST, id
SELECT v, count(*) FROM searched GROUP BY v ORDER BY v
SELECT count(DISTINCT v), count(DISTINCT q) FROM searched
SELECT a.id, b.id FROM searched a JOIN searched b ON a.v = b.v AND a.id < b.id ORDER BY 1, 2
SELECT a.id, b.id FROM searched a JOIN searched b ON a.v @@ b.q ORDER BY 1, 2
SELECT id FROM searched WHERE v = 'fat:2 cat:3' ORDER BY id
SELECT id FROM searched WHERE q = 'rat' ORDER BY id
SELECT array_agg(v ORDER BY id) FROM searched WHERE id < 3
COPY searched (id, v, q) TO STDOUT
UPDATE searched SET v = setweight(v, 'A') || strip(v) WHERE id = 1 RETURNING v
DELETE FROM searched WHERE v @@ 'rat' RETURNING id
ALTER TABLE searched ADD COLUMN w tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english', coalesce(body, '')), 'B')) STORED
SELECT id, w FROM searched ORDER BY id
CREATE INDEX searched_w ON searched USING gin (w)
CREATE INDEX searched_body ON searched USING gin (to_tsvector('english', body))
CREATE INDEX searched_w_gist ON searched USING gist (w)
SELECT indexdef FROM pg_indexes WHERE tablename = 'searched' ORDER BY indexname
CREATE TABLE searched_bad (body text, w tsvector GENERATED ALWAYS AS (to_tsvector(body)) STORED)
INSERT INTO searched (id, body) VALUES (7, 'dogs bark')
SELECT id, w FROM searched WHERE w @@ 'dog:B'
CREATE TABLE searched_keys (v tsvector PRIMARY KEY)
INSERT INTO searched_keys VALUES ('a:1'), ('a:2')
INSERT INTO searched_keys VALUES ('a:1')
SELECT atttypid::regtype, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'searched'::regclass AND attname IN ('v', 'q') ORDER BY attname
SELECT cfgname, cfgparser FROM pg_ts_config ORDER BY cfgname LIMIT 3
SELECT count(*) FROM pg_ts_config_map
SELECT dictname, dictinitoption FROM pg_ts_dict ORDER BY 1 LIMIT 9
SELECT prsname, prsstart FROM pg_ts_parser
SELECT tmplname FROM pg_ts_template ORDER BY 1
SELECT * FROM ts_debug('english', 'a cat <b> 12')
SELECT alias, token, dictionaries, dictionary, lexemes FROM ts_debug('foo-bar')
SELECT * FROM ts_parse('default', 'foo - bar@x.org')
SELECT * FROM ts_token_type(3722)
SELECT * FROM ts_parse('nope', 'x')
SELECT * FROM ts_parse(1, 'x')
SELECT cfgname, obj_description(oid, 'pg_ts_config') FROM pg_ts_config ORDER BY 1 LIMIT 3
SELECT c.relname, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.classoid WHERE c.relname LIKE 'pg_ts%' ORDER BY 1, 2 COLLATE "C"
-- Ranks.
SELECT ts_rank('a:1 b:2 c:3,5'::tsvector, 'a'), ts_rank('a:1 b:2 c:3,5'::tsvector, 'a & c'), ts_rank('a:1A b:2'::tsvector, 'a | b'), ts_rank('a b'::tsvector, 'a & b'), ts_rank(''::tsvector, 'a'), ts_rank('a:1'::tsvector, '')
SELECT ts_rank('{0.1,0.2,0.4,0.9}', 'a:1A b:2B'::tsvector, 'a & b'), ts_rank('{-1,0.2,0.4,0.9}', 'a:1A b:2'::tsvector, 'a | b', 33), ts_rank('a:1 b:9'::tsvector, 'a & b', 63), ts_rank_cd('a:1 b:3 a:7 b:8A'::tsvector, 'a & b'), ts_rank_cd('{0.1,0.2,0.4,1}', 'a:1 b:3 a:7 b:8A'::tsvector, 'a <-> b', 4), ts_rank_cd('a b'::tsvector, 'a')
SELECT ts_rank('{0.1,0.2}', 'a:1'::tsvector, 'a')
SELECT ts_rank('{}', 'a:1'::tsvector, 'a')
SELECT ts_rank('{0.1,0.2,null,1}', 'a:1'::tsvector, 'a')
SELECT ts_rank('{0.1,0.2,2,1}', 'a:1'::tsvector, 'a')
SELECT id, ts_rank(w, query), ts_rank_cd(w, query, 32) FROM searched, to_tsquery('english', 'cat | rat') query WHERE w @@ query ORDER BY ts_rank(w, query) DESC, id
-- Headlines.
SELECT ts_headline('english', 'The most common type of search is to find all documents containing given query terms and return them in order of their similarity to the query.', to_tsquery('english', 'query & similarity')), ts_headline('the fat cats', 'cat'), ts_headline('simple', 'a b c', 'b', 'StartSel = <, StopSel = ">>"'), ts_headline('english', 'no such words here', 'cat', 'MinWords=2, MaxWords=3')
SELECT ts_headline('english', 'Search terms may occur many times in a document, requiring ranking of the search matches to decide which occurrences to display in the result.', to_tsquery('english', 'search & term'), 'MaxFragments=10, MaxWords=7, MinWords=3, StartSel=<<, StopSel=>>'), ts_headline('english', '<b>bold</b> cats &amp; dogs', 'cat', 'HighlightAll=true')
SELECT ts_headline('english', '{"b" : "the cats",  "a": [1.50, "x <b>rat</b>", null], "a": "cat"}'::json, 'cat'), ts_headline('english', '{"b": "the cats", "a": [1.50, "x"]}'::jsonb, 'cat', 'StartSel=*,StopSel=*'), ts_headline('{"b": "cats"}'::jsonb, 'cat')
SELECT ts_headline('a b', 'a', 'Foo=3')
SELECT ts_headline('a b', 'a', 'MaxWords=5,MinWords=10')
SELECT ts_headline('a b', 'a', 'MaxWords=x')
SELECT ts_headline('a b', 'a', 'x')
-- Rewriting.
SELECT ts_rewrite('a & b'::tsquery, 'a'::tsquery, 'c'::tsquery), ts_rewrite('a & b & c', 'c & a', 'd | e'), ts_rewrite('a & (b | c)', 'b', ''), ts_rewrite('a | !b', 'b', 'x <-> y'), ts_rewrite('a', 'a', ''), ts_rewrite('a <-> b | c', 'a <-> b', 'z:A*')
-- refused: function ts_rewrite is not supported
SELECT ts_rewrite('a & b'::tsquery, 'SELECT ''a''::tsquery, ''c''::tsquery')
-- refused: function ts_stat is not supported
SELECT * FROM ts_stat('SELECT w FROM searched')
