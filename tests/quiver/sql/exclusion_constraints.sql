-- EXCLUDE constraints: definitions, refusals, catalogs, changes, deferral
create table ex (id int, r int4range, n int, t text, exclude using gist (r with &&))
insert into ex values (1, '[1,5)'), (2, '[5,9)'), (3, null), (4, 'empty'), (5, 'empty')
insert into ex values (6, '[4,6)')
insert into ex values (6, '[20,30)'), (7, '[25,40)')
update ex set r = '[3,6)' where id = 1
update ex set r = r where id = 1
update ex set n = 3
-- refused: ON CONFLICT with an exclusion constraint is not supported
insert into ex values (8, '[4,6)') on conflict do nothing
-- refused: ON CONFLICT with an exclusion constraint is not supported
insert into ex values (8, '[4,6)') on conflict on constraint ex_r_excl do nothing
insert into ex values (8, '[4,6)') on conflict on constraint ex_r_excl do update set n = 1
insert into ex values (8, '[4,6)') on conflict (r) do nothing
select * from ex order by id
alter table ex add exclude (id with =)
alter table ex add constraint named exclude using hash (t with =) where (n > 5) deferrable initially deferred
alter table ex add exclude using spgist (r with -|-)
alter table ex add exclude using gist (r with =, int4range(id, id + 1) with &&) include (t)
alter table ex add exclude using gist (r with <>)
alter table ex add exclude using gist (r with <<)
alter table ex add exclude using gist (id with =)
alter table ex add exclude using btree (id with <>)
alter table ex add exclude using btree (id with &&)
alter table ex add exclude using btree (id with <)
alter table ex add exclude using gin (r with &&)
alter table ex add exclude using nosuch (r with &&)
alter table ex add exclude using gist (nosuch with &&)
alter table ex add exclude using gist (r with operator(pg_catalog.&&))
alter table ex add exclude using gist (r range_ops with &&) where (id > 100)
alter table ex add exclude (id desc nulls last with =)
alter table ex add exclude using gist (r desc with &&)
alter table ex add exclude using gist (r with &&) not valid
alter table ex add exclude using gist (r with &&) no inherit
create table ey (exclude using gist (r with &&) not deferrable, r int4range unique, id int primary key, c int check (c > 0))
select conname, contype, condeferrable, condeferred, convalidated, conkey, conexclop, connoinherit, pg_get_constraintdef(oid) from pg_constraint where conrelid in ('ex'::regclass, 'ey'::regclass) order by conrelid, conname
select constraint_name, column_name from information_schema.constraint_column_usage where table_name = 'ex' order by 1, 2
begin
insert into ex (id, t, n) values (50, 'x', 6), (51, 'x', 6)
select count(*) from ex where t = 'x'
commit
begin
insert into ex (id, t, n) values (50, 'x', 6), (51, 'x', 6)
delete from ex where id = 51
commit
begin
insert into ex (id, t, n) values (52, 'x', 6)
set constraints named immediate
rollback
insert into ex (id, t, n) values (53, 'x', 5)
alter table ex rename constraint named to renamed
comment on constraint renamed on ex is 'no two'
select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'renamed'
create table el (like ex including all)
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'el'::regclass order by 1
alter table ex drop constraint renamed
alter table ex alter column n type bigint
alter table ex rename column r to s
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'ex'::regclass order by 1
drop index ex_r_excl
alter table ex drop column s
select conname from pg_constraint where conrelid = 'ex'::regclass order by 1
drop table ex, ey, el
create table room (room int4range, during tsrange, exclude using gist (room with =, during with &&))
insert into room values ('[1,2)', '[2024-01-01,2024-01-05)'), ('[2,3)', '[2024-01-01,2024-01-05)'), ('[1,2)', '[2024-01-05,2024-01-09)')
insert into room values ('[2,3)', '["2024-01-04 12:00",2024-01-09)')
insert into room values (null, '["2024-01-04 12:00",2024-01-09)')
update room set room = '[1,2)'
delete from room where room = '[2,3)'
insert into room values ('[2,3)', '["2024-01-04 12:00",2024-01-09)')
create table late (id int, r int4range)
insert into late values (1, '[1,5)'), (2, '[3,7)')
alter table late add exclude using gist (r with &&)
alter table late add exclude using gist (r with &&) where (id > 1)
merge into late using (values (9, int4range(6, 8))) v(i, r) on late.id = v.i when not matched then insert values (v.i, v.r)
drop table room, late
create table part (id int, r int4range, exclude using gist (r with &&)) partition by list (id)
create table dom (id int, c varchar(5), e inet, exclude (c with =), exclude using hash (e with =))
insert into dom values (1, 'a', '1.2.3.4'), (2, 'b', '1.2.3.5')
insert into dom values (1, 'a', null)
insert into dom values (1, null, '1.2.3.4')
drop table dom
select relname, indisunique, indisexclusion, indimmediate, indnatts, indnkeyatts, indkey from pg_index join pg_class c on c.oid = indexrelid where relname ~ 'excl' order by 1
