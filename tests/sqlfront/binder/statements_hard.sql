select a.name, (select count(*) from items i where i.author_id = a.id and i.price > (select avg(price) from items j where j.author_id = i.author_id)) from authors a
select a.name, s.n from authors a left join lateral (select count(*) as n from items i where i.author_id = a.id) s on true
select a.id, max(i.price) filter (where i.active) as top from authors a join items i on i.author_id = a.id group by a.id order by top desc nulls last limit 3
select a.name from authors a group by a.name having max(a.rating) > (select avg(rating) from authors)
select a.name from authors a where a.rating = (select max(b.rating) from authors b where b.name = a.name)
select sum(x.n) from (select count(*) as n from items group by author_id) x
select x.author_id, y.c from (select distinct author_id from items) x, lateral (select count(*) c from items where author_id = x.author_id) y
select author_id, count(*) over (partition by author_id), sum(count(*)) over () from items group by author_id
select author_id, rank() over (order by sum(price) desc) from items group by author_id
select author_id, rank() over (order by price) from items group by author_id
select lower(title) from items group by lower(title)
select lower(title), title from items group by lower(title)
select lower(title) || 'x' from items group by lower(title)
select upper(lower(title)) as u from items group by lower(title) order by u, lower(title)
select title from items group by items.title
select items.title from items group by title
select t.title from (select title from items) t group by 1
select count(*) from items group by ()
select 1 from items group by 1
select 1 as one, count(*) from items group by one
select title as author_id, count(*) from items group by author_id
select author_id as a, count(*) from items group by a having a > 1
select author_id as a from items where a = 1
select author_id as a, a + 1 from items
select id as "Mixed Case" from items order by "Mixed Case"
select ID, Title from Items
select "ID" from items
select "items"."id" from "items"
select i.id from items i, items j where i.id = j.id
select i.id, j.* from items i join items j using (id)
select count(i.*) from items i
select count(i) from items i
select i is null from items i
select * from items i where i.* is null
select (i).id from items i
select (select i.id) from items i
select exists (select 1), not exists (select * from nopk)
select 1 in (select 1), 1 not in (select null)
select (1, 2) in (select 1, 2)
select (1, 'a') in (select a, b from nopk)
select row(1, 2) = (select 1, 2)
select array_agg(x order by y desc nulls first) from (values (1, 'a'), (2, 'b')) as v(x, y)
select array_agg(distinct x order by x) filter (where y = 'a') from (values (1, 'a'), (2, 'b')) as v(x, y)
select string_agg(y, ', ' order by x), string_agg(y, null) from (values (1, 'a')) as v(x, y)
select string_agg(x, ',') from (values (1)) v(x)
select x.* from (values (1, 'a')) as x
select column1, column2 from (values (1, 'a')) as x
select column1 from (values (1, 'a')) as x(a)
select * from (values (1, 'a'), (2.5, null)) as v(n, s) where s = 'x' and n > 1
select * from (values (null), (null)) v(x)
select * from (values ($1), ($2)) v(x)
select * from (values ($1::int), ($2)) v(x) where x = $3
select x from (select 'lit' as x) s union select title from items
select x || 'y', pg_typeof(x) from (select 'lit' as x) s
select null as n, pg_typeof(null::int)
select 'a' as x union all select null union all select 'b' order by x desc
select 1 as x union select 2 as y order by x
select 1 as x union select 2 as y order by y
(select id from items order by id limit 1) union all (select id from items order by id desc limit 1)
select id from items order by id limit 1 union all select id from authors
select * from items except select * from items
select 1::smallint union select 2::bigint union select 3.5
select '2020-01-01'::date union select now()
select 'x'::varchar(5) union all select 'y'::varchar(5)
select 'x'::varchar(5) union all select 'y'::varchar(6)
select 1.5::numeric(5,2) union all select 2.5::numeric(5,2)
select case when true then 'x'::varchar(5) else 'y'::varchar(5) end, coalesce('x'::varchar(5), 'y'), coalesce(title, title) from items
select array[title, title], array[title, 'x'] from items
select greatest(price, price), greatest(price, 0), least(d, ts) from items, typed
select price + 0, price * 2, -price, abs(price), round(price), sum(price) from items group by price
select max(price), min(title), array_agg(title), first_value(price) over () from items group by price, title
select (select price from items limit 1), array(select price from items)
select price::numeric, title::varchar, title::text, emb::vector, price::numeric(5,1) from items
select emb::vector(3), '[1,2,3]'::vector(3), $1::vector(3) from items
select c::char, c::char(3), c::text, c || 'x', 'x'::char(3) || 'y' from typed
select t::char(3) = c, c = 'ab   ', c like 'a%' from typed
select d between '2020-01-01' and '2020-12-31', d between $1 and $2, ts between d and tz from typed
select d in ('2020-01-01', $1), ts in (d, tz) from typed
select i4 in (1, 2.5), i4 in (1, i8), i2 in (1, 2), f4 in (1.5, 2), n in (1, f8) from typed
select t in ('a', v), c in ('a', t), nm in ('x', t) from typed
select jb in ('{}', '[]'), u in ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', $1), b in ('\x00') from typed
select vec in ('[1]', '[2]'), emb in (vec, '[1,2,3]') from typed, items
select i4 = any (array[1, 2]), i4 = any ('{1}'), i8 = any (ia), i4 = any (array[1.5]), t = any (array['a', null]) from typed
select t = any (ta), v = any (ta), 'a' like any (ta), t ~~* all (array['a%']) from typed
select 1 = any (select id from items), 5 > all (select 1 union select 2)
select id from items where emb <-> '[1,2,3]' < 0.5 order by emb <-> '[1,2,3]', id desc limit 10
select id, 1 - (emb <=> $1) as score from items where 1 - (emb <=> $1) > $2 order by score desc limit $3
select id from items order by emb <-> $1::vector limit 5
select id from items order by half <=> $1::halfvec(3) limit 5
select id from items order by emb::halfvec(3) <#> $1 limit 5
select id, emb <-> $1 as d from items where meta @> $2::jsonb and tags && $3 order by d limit 10
select id, rank() over (order by emb <-> $1) from items
with near as materialized (select id, emb <-> $1 as d from items order by d limit 20) select id from near where d < $2 order by d
with near as not materialized (select id from items) select * from near
select author_id, avg(emb) from items group by author_id
select avg(half), sum(half), avg(emb) <-> '[1,2,3]' from items
select l2_distance(emb, $1), cosine_distance($1, emb), l1_distance(emb, '[1,2,3]'::vector), vector_dims($1::vector) from items
select l2_norm(half), l2_normalize(half), binary_quantize(half), subvector(half, 1, 2) from items
select hamming_distance(bits, bits), jaccard_distance(bits, '1111'), bits <~> '1010', bits <%> b'1010' from typed
select hamming_distance('101', '111')
select array_to_vector(ia, 3, true) from typed
select emb::float4[], emb::float8[] from items
select ia::vector, '{1,2}'::int[]::vector(2), array[1.5]::real[]::vector from typed
select emb > all (array[emb]) from items
select max(emb), min(emb) from items
select distinct emb from items
select emb, count(*) from items group by emb
select emb from items union select emb from items order by 1
select count(distinct emb) from items
with recursive tree as (select id, author_id, 1 as depth from items where id = 1 union all select i.id, i.author_id, t.depth + 1 from items i join tree t on i.author_id = t.id) select * from tree where depth < 5
with recursive t(a, b) as (values (1, 'x') union all select a + 1, b || 'y' from t where a < 3) select * from t
with recursive t(a) as (select 'x' union all select a || 'y' from t) select * from t
with recursive t(a) as (select 1 union all select max(a) from t) select * from t
with recursive t as (select 1 as a union all select a + 1 from t order by 1) select * from t
with recursive a as (select 1 as x), b as (select x from a) select * from b
with a as (select 1 as x) select * from a, (with a as (select 2 as x) select x from a) b
with a as (select 1 as x) select (with b as (select x + 1 as y from a) select y from b)
with a as (insert into nopk values (1) returning a) select * from a
with a as (select 1) update nopk set a = (select 1 from a) where exists (select 1 from a) returning a
with gone as (select a from nopk) delete from nopk using gone where nopk.a = gone.a
with x(n) as (values (1), (2)) select sum(n) from x
with x as (table nopk) select * from x
table items
select * from only items
select all id from items
select id from items where id = 1 for share
select i.id from items i join authors a on true for update of i
select g.n from generate_series(1, 3) as g(n) where g.n > 1
select g from generate_series(1, 3) as g where g > 1
select g.g from generate_series(1, 3) as g
select g.* from generate_series(1, 3) as g
select generate_series from generate_series(1, 3)
select n.ordinality, n.unnest from unnest(array['a','b']) with ordinality n
select t.a, t.b from unnest(array[1,2], array['x']) t(a, b)
select * from rows from (generate_series(1, 2), unnest(array['a'])) as t(x, y)
select e.key, e.value ->> 'x' from items, jsonb_each(meta) e where e.value is not null
select k from items, jsonb_object_keys(meta) k
select jsonb_object_keys(meta) from items
select v ->> 'a' from items, jsonb_array_elements(meta -> 'list') as v
select x.a, x.b from jsonb_to_recordset('[{"a":1,"b":"x"}]') as x(a int, b text)
select x.a from jsonb_to_record('{"a":1}') as x(a int)
select * from generate_series(1, 2) g join items i on i.id = g
select * from items i left join unnest(i.tags) as t(tag) on true
select * from items i left join lateral unnest(i.tags) as t(tag) on true
select * from unnest(i.tags) t, items i
select * from string_to_table('a,b', ',')
select * from pg_typeof(1)
select * from extract(year from now())
select * from length('x') as l
select * from abs(-1) as t(x)
select x + 1 from abs(-1) x
select s.title from items s natural join items t
select * from items natural join nopk
select name from authors a join nopk n on a.id = n.a and n.b = a.name or n.a is null
select * from authors a join nopk n on a.id = n.b
select * from authors a left join (nopk n join items i on n.a = i.author_id) on a.id = i.author_id
select * from authors a left join nopk n on true right join items i on i.author_id = a.id full join typed t on t.i4 = n.a
select author_id from items i full join nopk n on i.author_id = n.a
select id, i.id, a.id from items i full join authors a using (id)
select a.id from authors a full join items i using (id) group by a.id
select id from authors a full join items i using (id) group by id
select a.id from authors a left join items i using (id) where id = 5
select * from authors a join items i using (id) join ident k using (id)
select authors.* from authors join items using (id)
select x from (select 1 as x) s join (select 2 as x) t using (x)
select x from (select 1 as x) s join (select 'a' as x) t using (x)
select 1 as a, 2 as a
select s.a from (select 1 as a, 2 as a) s
select a from (select 1 as a, 2 as b) s where s.c = 1
select s.A from (select 1 as a) s
select ctid, tableoid::regclass, xmin from items where ctid = '(0,1)'
select i.ctid from items i where i.tableoid = 'items'::regclass
select oid from items
select current_user = 'postgres', current_schema() = 'public', current_schemas(true), session_user::text
select now()::date, now()::time, now() at time zone 'UTC', current_date - 1, current_date - date '2020-01-01', now() - created, age(now()), age(created, now()) from items
select date_trunc('month', d), date_trunc('month', ts), date_trunc('hour', tz, 'UTC'), date_part('dow', d), extract(dow from ts), extract(epoch from iv), to_char(d, 'YYYY'), to_char(iv, 'HH'), to_char(i4, '9'), to_char(f8, '9') from typed
select d::timestamp, d::timestamptz, ts::time, tz::time, tm::interval, iv::time, ts::text::date from typed
select interval '1 day' * 2, iv / 2, 2 * iv, iv + iv, -iv, tm - tm, d - iv, justify_days(iv), make_interval(hours => 2, mins => 30) from typed
select round(i4), round(f4), round(n), ceil(i4), floor(f8), trunc(n, 2), sqrt(i4), power(i4, 2), i4 ^ 2, mod(i8, i4), mod(n, 2), width_bucket(f8, 0, 1, 5), random() * 10, floor(random() * 10)::int from typed
select substr(t, 1), substr(t, 1, 2), substring(t, 'x'), substring(v from 2), left(v, 1), strpos(t, 'a'), ascii(t), chr(65), btrim(t, 'x'), translate(t, 'a', 'b'), starts_with(t, 'a'), encode(b, 'hex'), decode(t, 'hex'), octet_length(t), octet_length(b), bit_length(t), length(b), length(bits), length(c), sha256(b), md5(b) from typed
select regexp_matches(t, 'a', 'g'), regexp_like(t, 'a'), regexp_count(t, 'a'), regexp_substr(t, 'a'), regexp_instr(t, 'a'), regexp_split_to_array(t, 'a'), t ~ 'a', t !~ 'a', t ~* v from typed
select quote_literal(t), quote_nullable(i4), format('%I %L', t, v), to_hex(i4), to_hex(i8), concat(t, i4, d, null), concat_ws('-', d, ts), num_nulls(t, i4), array_to_string(ia, ','), array_to_string(ta, ',', '*'), string_to_array(t, ',', 'x') from typed
select array_fill(0, array[3]), array_replace(ia, 1, 2), array_positions(ia, 1), array_ndims(ia), array_lower(ia, 1), ia[1:2], ia[:2], ia[2:], ia @> array[1], array[1] <@ ia, ia && '{1}', ia < ia, trim_array(ia, 1), array_append(ia, null), ia || null, array_length(ia, $1) from typed
select jb -> 'a' -> 0 ->> 'b', jb #> array['a', '0'], jb @> jb, jb <@ '{}', jb || jb, jb - array['a'], jb = '{}', jb ->> 0, j -> 'a', j ->> 'b', j #>> '{a}', j::text, jsonb_path_exists(jb, '$.a') from typed
select (jb ->> 'n')::int + 1, (jb -> 'n')::int, jb ->> 'n' = '5', (jb ->> 'f')::numeric(10,2), jb ->> 't' like 'a%' from typed
select bool_and(bo), every(bo), bit_or(i4), count(jb), json_object_agg(t, i4), jsonb_agg(jb order by i4), json_agg(ia), array_agg(ia), avg(i4::numeric), stddev_samp(f8), var_pop(n), regr_slope(f8, f8), covar_pop(f4, f8), percentile_disc(array[0.1, 0.9]) within group (order by i4), mode() within group (order by t) from typed
select lag(t) over (order by i4), lag(t, 2) over (order by i4), lag(i4, 1, 0) over w, nth_value(n, 2) over w, cume_dist() over w, percent_rank() over w, dense_rank() over w, count(*) filter (where bo) over w, avg(f8) over (w rows unbounded preceding), max(d) over (partition by bo order by ts range between interval '1 day' preceding and current row) from typed window w as (order by i4 desc)
select sum(i4) over w2 from typed window w as (partition by bo), w2 as (w order by i4)
select rank() over (order by i4 groups between 1 preceding and 1 following exclude ties) from typed
select rank() within group (order by i4) from typed
select rank(5) within group (order by i4) from typed
select nullif(t, ''), nullif(i4, 0), nullif(i4, i8), nullif(d, $1), coalesce(t, v), coalesce(v, c), coalesce(i4, i8, n), coalesce(null, i2), coalesce(d, 'today'), coalesce(jb, '{}') from typed
select case bo when true then 1 end, case when bo then t else v end, case when bo then v else v end, case when i4 > 1 then i4 when i4 > 2 then n else 0 end, case when null then 1 end, case t when 'a' then 'x' when v then 'y' end from typed
insert into items (id, title, tags, meta, emb, active) values ($1, $2, $3, $4, $5, $6) returning id, created
insert into items (id, emb) values (1, $1::vector), (2, $2::vector(3)), (3, '[1,2,3]'::vector)
insert into items (id, title) select g, 'item ' || g from generate_series(1, 100) g
insert into items (id, title, price) select id, title, price * 2 from items where active order by id limit 5 returning *
insert into items (id, title) values (1, 'a'), (2, null), (3, default), (4, $1)
insert into items (title, id) values ('a', 'b')
insert into items select * from items
insert into items select * from authors
insert into items (id) values ((select max(id) + 1 from items))
insert into items (id, price) values (1, 1.005), (2, '2.5'), (3, 'x')
insert into items (id, created) values (1, now()), (2, current_date), (3, 'now'), (4, '2020-01-01 10:00+02')
insert into items (id, half) values (1, '[1,2,3]'::vector), (2, array[1,2,3])
insert into authors (id, name, born) values (1, 'x', '2020-01-01'::timestamp), (2, 'y', now())
insert into authors (id, name) values (1.4, 5), ('7', true)
insert into authors (id, name) values (1, row(1))
insert into typed (bo) values (1)
insert into typed (bo) values (1::bool), ('yes'), (null), ($1)
insert into typed (ia, ta) values (array[1,2], array['a']), ('{1}', '{a}'), ($1, $2), (array[]::int[], '{}'), (null, null)
insert into typed (ia) values (array['a'])
insert into typed (ia) values (array[1.5])
insert into typed (u, b, tm) values (gen_random_uuid(), 'abc', '10:00'), ($1, $2, $3)
insert into typed (t) values (5), (now()), (array[1]), ('{}'::jsonb), (true)
insert into typed (v) values (repeat('x', 100)), (5::int), (c)
insert into typed (nm, c) values ('abc', 'abc'), (t, t)
insert into public.items (id) values (1)
insert into nosuch.items (id) values (1)
insert into pg_catalog.items (id) values (1)
insert into items i (id) values (1)
insert into items (i.id) values (1)
insert into items values ()
insert into items (id) values (1) returning id as x, *, items.title, (select 1)
insert into ident (k, x) values (default, $1) returning id
insert into ident (id, x) overriding user value values (5, 'a')
insert into ident (id) select 5
insert into ident (id, x) overriding system value select 1, 'x'
update items set (title, price) = (select name, rating from authors a where a.id = items.author_id), active = default
update items set title = upper(title) || $1, price = price * $2, tags = tags || $3, meta = $4, emb = $5 where id = any($6)
update items set emb = null, half = emb, tags[1] = 'x'
update items set tags = array[]::text[], meta = null, title = null
update items set tags = array[]
update items set emb = '[1,2]'
update items set emb = array[1,2,3]::real[]
update items set created = created + interval '1 day', active = price > 5
update items as x set title = y.name from authors as y left join nopk z on z.a = y.id where x.author_id = y.id returning x.id, y.name, z.*
update items set title = i.title from items i where i.id = items.id
update items set title = 'x' from items where true
update items set title = x.title
update items set title = max(title)
update items set id = default where current of c
update items set id = row_number() over ()
update items set id = generate_series(1, 2)
update items set (id) = (5), (title) = row('x')
update items set (id, title) = (1, default)
update ident set (id, x) = (default, 'x')
update authors set name = (select title from items where author_id = authors.id order by price desc limit 1) where id in (select author_id from items group by author_id having count(*) > 1)
delete from items as i where exists (select 1 from authors a where a.id = i.author_id and a.name = $1) returning i.id, i.*
delete from items using authors where author_id = authors.id and authors.rating < $1
delete from items using items i2 where items.id = i2.id
delete from items using items
delete from only items where id = 1
delete from items where id = (delete from authors returning id)
select $1::text like 'a%', $2 = any(array['a']), $3 + interval '1 day', $4::date - $5, ($6::jsonb) ->> $7, $8 || 'x'::text, $9 || array['a'], -$10, not $11, $12 and true
select $1 + interval '1 day'
select $1 -> 'a'
select $1 @> '{"a":1}'::jsonb
select $1 * interval '1 day'
select -$1
select abs($1)
select length($1), upper($2), $3 || $4
select sum($1::int), count($2::text), max($3::numeric)
select lag($1) over ()
select $1 in ('a', 'b'), $2 in (1, 2), $3 not in (select id from items), $4 = all (select title from items)
select $1 between 1 and 2.5, $2 between $3 and 5, $4 between $5 and $6
select case $1 when 1 then 'a' end, case when $2 = 'x' then $3 else 5 end
select greatest($1, 5), least($2, $3)
select coalesce($1, now()), nullif($2, 5)
select array[$1, $2, 3], array[$3]::text[]
select ($1), (($2::int))
select $1 from items
select id, $1 as p from items order by p
select $1::int as a group by a
select id from items where ($1 is null or title = $1)
select id from items where ($1::text is null or title = $1)
select id from items where title = $1 or id = $1
select id from items where title = $1 and $1 = title
select id from items limit $1 offset $1
select id from items limit $1::int
select id from items limit ($1 + 1)
select id from items offset $1 rows fetch next $2 rows only
select * from generate_series($1, $2) g
select * from generate_series($1::int, $2) g
select * from unnest($1::int[], $2::text[]) as t(a, b)
select * from unnest($1) t
insert into nopk select $1, $2
insert into nopk select $1, $2 union all select $3, $4
insert into nopk values ($1 + 1, upper($2)), (length($3), $4)
insert into nopk (a) select $1 from items where title = $2
update nopk set a = $1, b = $2 where a = $3
update nopk set a = a + $1, b = b || $2, (a) = ($3)
select 9999999999 + 1, 2147483647 + 1, 1e400, 1.0e-5, 00012, 1_000
select 'it''s', E'a\nb', $$dollar$$, U&'\0041', 'a' 'b'
select 1::int4::int8::text::varchar(3), (1 + 2)::text || 'x', -1::int, - 1 ^ 2, 2 ^ 3 ^ 2, not false = true
select 'a' = 'a' = true, 1 < 2 = true, 1 + 2 * 3 - 4 / 2 % 3, 'a' || 'b' = 'ab', 1 = 1 and 2 = 2 or false
select true::int, 1::bool, 'f'::bool::text, 5::bit(8), b'101'::int, 'a'::bytea, '\x41'::bytea::text
select 'now'::timestamptz < now(), 'today'::date, 'infinity'::timestamp, 'epoch'::timestamp, '12:00'::time, '1 day 2 hours'::interval
select '{"a": 1}'::json -> 'a', '[1,2]'::jsonb -> 0, '"x"'::jsonb, 'null'::json, '{1,2,NULL}'::int[], '{"a b",c}'::text[]
select sum(i4) over (order by i4 rows between '1' preceding and 1 following), sum(i4) over (order by i4 rows 2 preceding), sum(i4) over (order by i4 range between 1.5 preceding and current row) from typed
select sum(i4) over (order by i4 rows 1.5 preceding) from typed
select sum(i4) over (order by i4 rows 'x' preceding) from typed
select sum(i4) over (order by i4, i8 range 1 preceding) from typed
select sum(i4) over (groups 1 preceding) from typed
select id from items order by (1), (title)
select id from items order by 5000000000
select id from items order by -1
select id from items where id in (author_id, $1)
select id from items where id in (author_id, 1, 2)
select id from items where title in (title, 'x', $1)
select title from items where $1 is not distinct from null
select array[1,2]::int
select float4() within group (order by id) from items
select grouping(1) from items group by title
select percentile_cont('0.5') within group (order by '5')
insert into typed (ia, ta) values ($1, '{a}'), (null, $1)
insert into nopk values (d, 'a', 2)
update nopk set nosuch = nosuch2 where nosuch3
with x as (select nosuch), x as (select 1) select 1
select rank(5) within group (order by 'x') from typed
select rank(now()) within group (order by i4) from typed
select rank('5', 2.5) within group (order by i4, i8 desc), cume_dist(5) within group (order by n) from typed
select count(distinct $1) from items
