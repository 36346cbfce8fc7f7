-- CHECK constraints, generated columns, defaults and ALTER TABLE, in this order; ` <<< ` gives COPY its rows.
create table t (id int primary key, price numeric check (price > 0), name text constraint nn check (length(name) < 5), v vector(3), check (id < 100 or price < 10), check (id >= 0))
select conname, contype, pg_get_constraintdef(oid), conkey, convalidated, connoinherit from pg_constraint where conrelid = 't'::regclass order by 1
insert into t values (1, 5, 'a', '[1,2,3]')
insert into t values (2, -5, 'a', '[1,2,3]')
insert into t values (2, null, null, null)
insert into t values (3, 1, 'toolong', null)
insert into t values (-3, -1, 'toolong', null)
insert into t values (200, 11, 'x', null)
insert into t values (null, -1, 'x', null)
insert into t values (5, 1, 'x', null), (6, -1, 'y', null), (null, 1, 'z', null)
insert into t values (5, 1, 'x', null), (null, 1, 'z', null), (6, -1, 'y', null)
update t set price = 0 where id = 1
update t set price = price - 10
update t set name = 'abcdefg'
alter table t add constraint c1 check (id > 1)
alter table t add constraint c1 check (id > 1) not valid
alter table t validate constraint c1
insert into t values (1, 1, 'q', null)
update t set price = 6 where id = 1
alter table t add constraint c1 check (id > 1) not valid
select pg_get_constraintdef(oid) from pg_constraint where conname = 'c1'
alter table t rename constraint c1 to c2
alter table t rename constraint nope to c2
alter table t rename constraint c2 to nn
alter table t drop constraint c2
alter table t drop constraint c2
alter table t drop constraint if exists c2
alter table t validate constraint c2
alter table t validate constraint t_pkey
alter table t rename column price to cost
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 't'::regclass order by 1
alter table t drop column cost
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 't'::regclass order by 1
create table bad (a int check (a > (select 1)))
create table bad (a int check (count(*) > 1))
create table bad (a int check (b > 1))
create table bad (a int check (a + 1))
create table bad (a int check (ctid is null))
create table bad (a int check (x.a > 1))
create table bad (a int check ('x'))
create table bad (a int check (generate_series(1,2) > 1))
create table bad (a int, constraint c check (a > 1), constraint c check (a > 2))
create table bad (a int check (a > 1) deferrable)
create table bad (a int, check (a > 1) deferrable)
create table bad (a int, unique (a) not valid)
create table bad (a int check (a > 1) no inherit, check (a > 2) not valid)
select conname, pg_get_constraintdef(oid), convalidated, connoinherit from pg_constraint where conrelid = 'bad'::regclass order by 1
create table g (a int, b int generated always as (a * 2) stored, c text default 'x')
insert into g values (1)
insert into g values (1, 2)
insert into g values (1, default)
insert into g (b) values (3)
insert into g (a, b) select 1, 2
insert into g (a, b) overriding system value values (1, 2)
update g set b = 3
update g set b = default
update g set a = 5
update g set a = a + 1 returning *
update g set c = 'z' returning *
select * from g order by 1
alter table g drop column a
alter table g alter column b drop expression
alter table g alter column b drop expression
alter table g alter column b drop expression if exists
insert into g values (1, 77) returning *
create table g2 (a int, b int generated always as (a + random()) stored)
create table g2 (a int, b int generated always as (a * 2) stored, c int generated always as (b * 2) stored)
create table g2 (a int, b int generated always as (b * 2) stored)
create table g2 (a int, b int generated always as (c * 2) stored)
create table g2 (a int, b int generated always as ('x') stored)
create table g2 (a text, b int generated always as (a || 'x') stored)
create table g2 (a text, b int generated always as ((select 1)) stored)
create table g2 (a text, b int generated always as (sum(1)) stored)
create table g2 (a timestamptz, b text generated always as (a::text) stored)
create table g2 (a int, b text generated always as (now()::text) stored)
create table g2 (a int, b int generated always as (a) stored check (b > 0))
insert into g2 values (0)
insert into g2 values (1)
select attname, attgenerated, atthasdef, pg_get_expr(adbin, adrelid) from pg_attribute left join pg_attrdef on attrelid = adrelid and attnum = adnum where attrelid = 'g2'::regclass and attnum > 0 order by attnum
create table h (e vector(3), h halfvec(3) generated always as (e::halfvec) stored, n float8 generated always as (vector_norm(e)) stored)
insert into h values ('[1,2,3]'), (null)
select * from h
create table d (a int default 'x')
create table d (a int default '1'::text || 'x')
create table d (a int default now())
create table d (a int default b)
create table d (a int default (select 1))
COPY g2 (a, b) FROM STDIN <<< 3\t3
COPY g2 FROM STDIN <<< 4\n5
select * from g2 order by 1
drop table t, g, g2, h, bad
create table t (id int primary key, a int default 5, b varchar(5), v vector(3), u int unique, check (a > 0))
insert into t values (1, 1, 'x', '[1,2,3]', 1), (2, 2, 'yyyyy', '[4,5,6]', 2)
alter table t alter column b type text
alter table t alter column b type varchar(3)
alter table t alter a type bigint
select a, pg_typeof(a) from t order by 1
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 't'::regclass order by 1
insert into t values (3, default, 'z', null, 3) returning *
alter table t alter a type text
alter table t alter u type text
insert into t values (4, 4, 'z', null, '3')
alter table t alter u type int
alter table t alter u type int using u::int
alter table t alter u type int using 1
alter table t alter u type date using u
alter table t alter u type numeric(3,1) using u + 0.5
select u from t order by 1
alter table t alter b type int using length(b), alter a type numeric, add column c text default 'new', drop column v
select * from t order by id
alter table t alter id type bigint
insert into t (id, a) values (1, 1)
alter table t alter column nope type int
alter table t alter column a type int using (select 1)
alter table t alter column a type int using count(*)
create table d (a int, s text default 'abc', g int generated always as (a + 1) stored)
alter table d alter a type bigint
alter table d alter s type int
alter table d alter s type int using 1
alter table d alter g type bigint
insert into d (a) values (1), (2)
alter table d alter g type bigint using 1
alter table d alter g set default 1
alter table d alter g drop default
create sequence s1
alter table d add column r int default nextval('s1')
select a, r from d order by a
alter table d add column h int generated always as (a * 10) stored
alter table d add column i int not null generated always as (nullif(a, 1)) stored
alter table d add column k int generated always as (a * 3) stored check (k < 5)
alter table d add column k timestamptz default now()
select count(distinct k), count(k) from d
select * from d where false
alter table d drop column a
alter table d drop column a cascade
select a from d
alter table d rename column s to ss
create table ord (a int)
alter table ord add primary key (a), add column b int default 3 check (b > 1), alter a set default 4, drop column if exists z
insert into ord default values returning *
alter table ord add column id2 int generated always as identity
alter table ord alter id2 type text
alter table ord alter id2 type bigint
alter table ord alter id2 drop identity
alter table ord alter id2 add generated by default as identity
alter table ord alter b add generated by default as identity
alter table ord alter id2 drop identity if exists, alter b drop identity if exists
create table n (a int, b text)
insert into n values (1, null)
alter table n alter b set not null
alter table n add column c int not null
alter table n add check (a > 1)
alter table n add constraint z check (a > 0), add constraint z check (a > 0)
alter table n alter a type bigint using null
alter table n alter a set not null
alter table n alter a type bigint using null
alter table n rename column a to aa
select pg_get_constraintdef(oid) from pg_constraint where conname = 'z'
begin
alter table n alter aa type text
select aa from n
rollback
select pg_typeof(aa) from n
create table shown (a int, b int generated always as (a + 1) stored, c int default 2)
select column_name, column_default, is_generated, generation_expression from information_schema.columns where table_name = 'shown' order by 1
-- Defaults are kept as values of their types: 'now' is the time of the definition.
CREATE TABLE defaults (a numeric(10,2) DEFAULT '1.5', b numeric DEFAULT '0', c float8 DEFAULT '1e50', d int DEFAULT '5', e bigint DEFAULT '5', f boolean DEFAULT 't', g date DEFAULT '2020-1-1', h bigint DEFAULT 3000000000, i varchar(4) DEFAULT 'ab', j char(4) DEFAULT 'ab', k float8 DEFAULT 'inf', l text[] DEFAULT array['a']::varchar[], m timestamptz DEFAULT current_timestamp(3), n bool DEFAULT (1 = 2), o int DEFAULT (1+2)*3, p timestamp DEFAULT 'epoch', q numeric DEFAULT -1.5, r int DEFAULT -1, s jsonb DEFAULT '{"b":1,"a":2}', t text DEFAULT lower('A')||'x')
SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'defaults' ORDER BY ordinal_position
INSERT INTO defaults DEFAULT VALUES
SELECT a, b, c, d, e, f, g, h, i, j, k, l, n, o, p, q, r, s, t FROM defaults
ALTER TABLE defaults ADD COLUMN u timestamptz DEFAULT 'now', ALTER COLUMN d SET DEFAULT '007'
SELECT pg_get_expr(adbin, adrelid) LIKE '''20%''::timestamp with time zone' FROM pg_attrdef JOIN pg_attribute ON adrelid = attrelid AND adnum = attnum WHERE adrelid = 'defaults'::regclass AND attname = 'u'
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'defaults'::regclass AND adnum = 4
DROP TABLE defaults
-- Collations are kept by their names; comments on keys are not those on their indexes.
CREATE TABLE collated (a text COLLATE "C" PRIMARY KEY, b varchar(5) COLLATE "POSIX" UNIQUE, c text COLLATE pg_catalog."default", d text[] COLLATE "C", e text, CONSTRAINT both_of UNIQUE (a, b))
SELECT attname, (SELECT collname FROM pg_collation c WHERE c.oid = attcollation) FROM pg_attribute WHERE attrelid IN ('collated'::regclass, 'both_of'::regclass) AND attnum > 0 ORDER BY attrelid, attnum
SELECT indexrelid::regclass::text, indcollation::text FROM pg_index WHERE indrelid = 'collated'::regclass ORDER BY 1
SELECT column_name, collation_schema, collation_name FROM information_schema.columns WHERE table_name = 'collated' ORDER BY ordinal_position
SELECT pg_get_indexdef('both_of'::regclass)
ALTER TABLE collated ALTER COLUMN b TYPE text, ALTER COLUMN e TYPE varchar(9) COLLATE "C"
SELECT attname, (SELECT collname FROM pg_collation c WHERE c.oid = attcollation) FROM pg_attribute WHERE attrelid = 'collated'::regclass AND attnum > 0 ORDER BY attnum
CREATE TABLE collated_too (LIKE collated)
SELECT attname, (SELECT collname FROM pg_collation c WHERE c.oid = attcollation) FROM pg_attribute WHERE attrelid = 'collated_too'::regclass AND attnum > 0 ORDER BY attnum
COMMENT ON CONSTRAINT both_of ON collated IS 'the rule'
COMMENT ON INDEX both_of IS 'its index'
SELECT obj_description(c.oid, 'pg_constraint'), obj_description(c.oid, 'pg_class'), obj_description(conindid, 'pg_class'), obj_description(conindid), obj_description(c.oid) FROM pg_constraint c WHERE conname = 'both_of'
SELECT classoid::regclass::text, description FROM pg_description WHERE objoid IN (SELECT oid FROM pg_constraint WHERE conname = 'both_of' UNION ALL SELECT 'both_of'::regclass) ORDER BY 1
COMMENT ON CONSTRAINT both_of ON collated IS NULL
SELECT description FROM pg_description WHERE objoid IN (SELECT oid FROM pg_constraint WHERE conname = 'both_of' UNION ALL SELECT 'both_of'::regclass) ORDER BY 1
DROP TABLE collated, collated_too
