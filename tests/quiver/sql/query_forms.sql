-- Forms of queries: WITH TIES, NULL tests of rows, operators that no type has.
select a from (values (1),(1),(2)) v(a) order by a fetch first 1 row with ties
select a, b from (values (1,'x'),(1,'y'),(2,'z'),(2,'w'),(3,'q')) v(a,b) order by a offset 1 fetch next 2 rows with ties
select a, count(*) from (values (1),(1),(2),(3)) v(a) group by a order by count(*) fetch first 1 rows with ties
select a from (values (1),(null),(null)) v(a) order by a desc fetch first 1 row with ties
select * from (select a from (values (1),(1),(2)) v(a) order by a fetch first 1 row with ties) s order by a
select a from (values (1),(1),(2)) v(a) fetch first 1 row with ties
select a from (values (1),(2)) v(a) order by a fetch first 0 rows with ties
select a from (values (1),(2),(2)) v(a) order by a desc offset 5 fetch first 2 rows with ties
select sum(a) from (values (1),(2),(2)) v(a) order by 1 fetch first 1 row with ties
select row(1,2) = row(1,2), row(1,2) < row(1,3), (1,2) in ((1,2),(3,4)), row(1,null) is null, row(null,null) is null, row(1,null) is not null, (1,'a') = (1,'a')
select row(1,2) is not null, not (row(null,1) is null), row(null,row(null,null)) is null, row(1,row(null)) is not null, (null,null) is null, row() is null, row() is not null
select a, b, (a,b) is null, (a,b) is not null, not (a,b) is null from (values (1,2),(null,2),(null::int,null::int)) v(a,b)
select !! 5
select 5 <<| 3
select 1 @@@ 2
select 1 -|- 2
select 'a' !!= 'b'
select #5
select 1 && 2
SELECT count(*) FROM (SELECT 'a'::char(3) UNION SELECT 'a'::char(5)) q
SELECT count(*) FROM (SELECT DISTINCT x FROM (SELECT 'a'::char(3) x UNION ALL SELECT 'a'::char(5)) q) r
SELECT count(*) FROM (SELECT 'a'::char(3) INTERSECT SELECT 'a'::char(5)) q
SELECT count(*) FROM (SELECT 'a'::char(3) EXCEPT SELECT 'a'::char(5)) q
-- Open cursors
BEGIN
DECLARE  first_one CURSOR WITH HOLD FOR  SELECT 1 AS x
DECLARE "Second" BINARY SCROLL CURSOR FOR SELECT 2
SELECT name, statement, is_holdable, is_binary, is_scrollable, creation_time <= clock_timestamp() FROM pg_cursors WHERE name <> '' ORDER BY name
COMMIT
SELECT name, is_holdable FROM pg_cursors WHERE name <> ''
CLOSE first_one
SELECT name FROM pg_cursors WHERE name <> ''
SELECT count(*), min(n) FROM (SELECT b, count(*) n FROM (VALUES ('1'::jsonb), ('1.0'), ('{"a": [1.50, "1.0"]}'), ('{"a": [1.5, "1.0"]}'), ('{"a": [1.5, "1"]}'), (NULL), ('0.00000001'), ('0.000000010')) v(b) GROUP BY b) g
SELECT count(*) FROM (SELECT DISTINCT b FROM (VALUES ('1'::jsonb), ('1.00'), ('"1.0"'), (NULL), (NULL)) v(b)) d
SELECT count(DISTINCT b) FROM (VALUES ('[1, 2]'::jsonb), ('[1.0, 2]'), ('[2]')) v(b)
SELECT count(*) FROM (SELECT '1'::jsonb UNION SELECT '1.0') u
SELECT count(*) FROM (SELECT '10'::jsonb INTERSECT SELECT '10.0') u
SELECT count(*) OVER (PARTITION BY b) FROM (VALUES ('1'::jsonb), ('1.0'), ('2')) v(b) ORDER BY 1
