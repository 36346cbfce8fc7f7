-- Values, one call after another.
create sequence s
select nextval('s'), nextval('s'::regclass), nextval('public.s')
select currval('s'), lastval()
select last_value > 0, is_called from s
select setval('s', 10)
select nextval('s')
select setval('s', 20, false)
select last_value, is_called from s
select nextval('s')
select setval('s', 0)
select setval('s', -5, true)
select setval('s', null)
select nextval(null)
select currval(null::regclass)
select nextval('no_such')
select currval('no_such')
select setval('no_such', 1)
select pg_sequence_last_value('s')
create sequence never
select currval('never')
select last_value, is_called from never
select last_value, log_cnt, is_called from never
select * from never
select setval('never', 5, false)
select currval('never')
select pg_sequence_last_value('never')
select nextval('never') from generate_series(1, 3)
select lastval()
drop sequence never
select lastval()
select nextval('s') + nextval('s') as total
insert into s values (1)
update s set last_value = 3
delete from s
truncate s
select currval('s') from s
-- Options.
create sequence s
create sequence if not exists s
create sequence o increment 5
select nextval('o'), nextval('o')
create sequence o2 increment by -1
select nextval('o2'), nextval('o2')
create sequence o3 minvalue 10 maxvalue 12
select nextval('o3'), nextval('o3'), nextval('o3')
select nextval('o3')
select currval('o3')
create sequence o4 increment -2 minvalue -5 maxvalue -1
select nextval('o4'), nextval('o4'), nextval('o4')
select nextval('o4')
create sequence o5 minvalue 1 maxvalue 3 cycle
select nextval('o5'), nextval('o5'), nextval('o5'), nextval('o5'), nextval('o5')
create sequence o6 start 7 minvalue 1 maxvalue 8 cycle
select nextval('o6'), nextval('o6'), nextval('o6')
create sequence o7 increment -1 minvalue 1 maxvalue 3 cycle
select nextval('o7'), nextval('o7'), nextval('o7'), nextval('o7')
create sequence o8 as smallint
select nextval('o8')
select setval('o8', 32767)
select nextval('o8')
select setval('o8', 32768)
create sequence o9 as integer increment -1
select nextval('o9')
select setval('o9', -2147483648)
select nextval('o9')
create sequence o10 start with 100 increment by 10 minvalue 50 maxvalue 200 cache 20 no cycle
select nextval('o10'), nextval('o10')
create sequence o11 no minvalue no maxvalue
create temporary sequence o12
create unlogged sequence o13
create sequence bad as text
create sequence bad as numeric
create sequence bad increment 0
create sequence bad minvalue 5 maxvalue 5
create sequence bad minvalue 5 maxvalue 4
create sequence bad start 0
create sequence bad maxvalue 10 start 11
create sequence bad cache 0
create sequence bad cache -1
create sequence bad as smallint maxvalue 40000
create sequence bad as smallint minvalue -40000
create sequence bad increment 1 increment 2
create sequence bad owned by nothing
create sequence bad owned by no_table.id
create sequence bad owned by s.last_value
create sequence bad minvalue 1 no minvalue
create sequence bad restart
create sequence bad restart 5
create sequence bad increment by 9223372036854775808
create sequence big minvalue -9223372036854775808 maxvalue 9223372036854775807 start 9223372036854775806
select nextval('big'), nextval('big')
select nextval('big')
create sequence big2 increment 9223372036854775807
select nextval('big2')
select nextval('big2')
create sequence no_schema.x
-- ALTER SEQUENCE.
alter sequence s restart
select nextval('s')
alter sequence s restart with 50
select nextval('s'), nextval('s')
alter sequence s restart 0
alter sequence s restart with 9223372036854775808
alter sequence s start 5
alter sequence s restart
select nextval('s')
alter sequence s increment 10
select nextval('s'), nextval('s')
alter sequence s maxvalue 20
alter sequence s minvalue 100
alter sequence s minvalue 100 start 100 restart
select nextval('s')
alter sequence s no minvalue no maxvalue no cycle cache 5
alter sequence s as smallint
select data_type, start_value, min_value, max_value, increment_by, cycle, cache_size from pg_sequences where sequencename = 's'
alter sequence s as integer maxvalue 1000
alter sequence s as bigint
select data_type::text, max_value from pg_sequences where sequencename = 's'
alter sequence s increment 0
alter sequence s cycle
alter sequence s owned by none
alter sequence no_such restart
alter sequence if exists no_such restart
alter sequence s rename to s_renamed
select nextval('s')
select nextval('s_renamed') > 0
alter sequence s_renamed rename to s
alter table s rename to s_again
alter sequence s_again rename to s
create schema sequences_schema
alter sequence o set schema sequences_schema
select nextval('sequences_schema.o')
alter sequence sequences_schema.o set schema public
alter sequence items restart
alter sequence s
-- refused: ALTER SEQUENCE ... SET is not supported
alter sequence s set logged
comment on sequence s is 'numbers'
select obj_description('s'::regclass, 'pg_class')
select seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle, seqtypid::regtype::text from pg_sequence where seqrelid = 'o10'::regclass
select sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle, cache_size from pg_sequences where sequencename like 'o%' and sequencename <> 'items' and sequencename not in ('o12', 'o13') and schemaname = 'public' order by 1
select sequence_name, data_type, numeric_precision, numeric_precision_radix, numeric_scale, start_value, minimum_value, maximum_value, increment, cycle_option::text from information_schema.sequences where sequence_name in ('o2', 'o3', 'o8', 'o5') order by 1
select last_value from pg_sequences where sequencename = 'o3'
select relkind, relpersistence from pg_class where relname = 'o3'
-- refused: function pg_sequence_parameters in FROM is not supported
select * from pg_sequence_parameters('o3'::regclass)
-- Not transactional.
create sequence t1
begin
select nextval('t1')
rollback
select nextval('t1')
begin
select setval('t1', 100)
rollback
select nextval('t1')
begin
alter sequence t1 restart with 7
rollback
select nextval('t1') > 7
begin
savepoint a
alter sequence t1 restart with 3
select nextval('t1')
rollback to a
select nextval('t1') > 7
rollback
create table counted (id int generated always as identity, v text)
insert into counted (v) values ('a'), ('b') returning id
begin
truncate counted restart identity
insert into counted (v) values ('c') returning id
rollback
insert into counted (v) values ('d') returning id
begin
alter table counted alter column id restart with 50
insert into counted (v) values ('e') returning id
commit
insert into counted (v) values ('f') returning id
begin
create sequence t3 start 5
alter sequence t3 restart with 9
select nextval('t3')
rollback
create sequence t3 start 5
alter sequence t3 start 20
select nextval('t3')
alter sequence t3 restart
select nextval('t3')
drop sequence t3
begin
alter sequence t1 increment 100
rollback
select increment_by from pg_sequences where sequencename = 't1'
begin
create sequence t2
select nextval('t2')
rollback
select nextval('t2')
begin read only
select nextval('t1')
rollback
begin read only
select setval('t1', 1)
rollback
begin read only
select currval('t1') > 0
commit
-- serial, identity.
create table ser (a serial, b bigserial, c smallserial, v text)
select pg_get_serial_sequence('ser', 'a'), pg_get_serial_sequence('ser', 'b'), pg_get_serial_sequence('public.ser', 'c')
select pg_get_serial_sequence('ser', 'v')
select pg_get_serial_sequence('ser', 'nope')
select pg_get_serial_sequence('no_such', 'a')
select pg_get_serial_sequence('"ser"', 'a'), pg_get_serial_sequence('SER', 'a')
select pg_get_serial_sequence('ser', 'A')
insert into ser (v) values ('x') returning a, b, c
select currval('ser_a_seq'), currval(pg_get_serial_sequence('ser', 'b')), lastval()
insert into ser (a, v) values (default, 'y'), (77, 'z') returning a, b, c
insert into ser (v) select 'q' from generate_series(1, 2) returning a
select data_type::text, max_value from pg_sequences where sequencename in ('ser_a_seq', 'ser_b_seq', 'ser_c_seq') order by sequencename
drop sequence ser_a_seq
alter sequence ser_a_seq owned by none
drop sequence ser_a_seq
drop sequence ser_a_seq cascade
insert into ser (v) values ('no default') returning a
insert into ser (a, v) values (5, 'no default') returning a, b
alter table ser drop column b
select nextval('ser_b_seq')
create sequence ser_own
alter sequence ser_own owned by ser.c
select pg_get_serial_sequence('ser', 'c')
alter table ser alter column c set default nextval('ser_own')
insert into ser (a, v) values (6, 'own') returning c
drop table ser
select nextval('ser_own')
select nextval('ser_c_seq')
create table idn (id int generated always as identity, v text)
insert into idn (v) values ('a'), ('b') returning id
insert into idn (id, v) values (10, 'c')
insert into idn (id, v) overriding system value values (10, 'c') returning id
insert into idn (id, v) overriding user value values (99, 'd') returning id
insert into idn (id, v) values (default, 'e') returning id
update idn set id = 5 where v = 'a'
update idn set id = default where v = 'a' returning id
select pg_get_serial_sequence('idn', 'id')
select currval('idn_id_seq')
alter sequence idn_id_seq restart with 100
insert into idn (v) values ('f') returning id
alter table idn alter column id restart
insert into idn (v) values ('g') returning id
alter table idn alter column id restart with 200
insert into idn (v) values ('h') returning id
alter table idn alter column id set increment by 5
insert into idn (v) values ('i'), ('j') returning id
alter table idn alter column id set generated by default
insert into idn (id, v) values (1000, 'k') returning id
insert into idn (id, v) overriding user value values (1001, 'l') returning id
alter table idn alter column id set generated always set increment 1 restart with 300
insert into idn (v) values ('m') returning id
insert into idn (id, v) values (1, 'n')
alter table idn alter column id set maxvalue 302 set cycle set minvalue 300
insert into idn (v) values ('n'), ('o'), ('p') returning id
alter table idn alter column id set no cycle
select id from idn where v = 'p'
insert into idn (v) select 'q' from generate_series(1, 5)
alter table idn alter column v restart
alter table idn alter column v set generated always
alter table idn alter column v add generated always as identity
alter table idn alter column id add generated always as identity
alter table idn alter column nope restart
alter table idn alter column id set default 5
alter table idn alter column id drop default
alter table idn alter column id drop not null
alter sequence idn_id_seq owned by none
drop sequence idn_id_seq
alter table idn alter column id drop identity
alter table idn alter column id drop identity
alter table idn alter column id drop identity if exists
select nextval('idn_id_seq')
insert into idn (v) values ('no default')
insert into idn (id, v) values (7, 'given') returning id
alter table idn alter column id add generated by default as identity (start with 500 increment by 10)
insert into idn (v) values ('r'), ('s') returning id
select identity_generation, identity_start, identity_increment, identity_maximum, identity_minimum, identity_cycle::text, is_identity::text from information_schema.columns where table_name = 'idn' order by ordinal_position
select attidentity, attnotnull from pg_attribute where attrelid = 'idn'::regclass and attnum > 0 order by attnum
alter table idn alter column id type bigint
select data_type::text, max_value from pg_sequences where sequencename like 'idn_id_seq%'
alter table idn alter column id type text
alter table idn add column n int generated always as identity
select count(*), count(distinct n), min(n), max(n) from idn
truncate idn restart identity
insert into idn (v) values ('t') returning id, n
truncate idn continue identity
insert into idn (v) values ('u') returning id, n
drop table idn
select nextval('idn_n_seq')
create table idn2 (id text generated always as identity)
create table idn2 (id int generated always as identity default 5)
create table idn2 (id serial generated always as identity)
create table idn2 (id smallint generated by default as identity (sequence name idn2_numbers minvalue 5 maxvalue 6) primary key)
insert into idn2 default values returning id
insert into idn2 default values returning id
insert into idn2 default values returning id
select nextval('idn2_numbers')
create table plain (a int, b int not null)
alter table plain alter column a add generated always as identity
alter table plain alter column b add generated always as identity
insert into plain (a) values (1) returning b
alter table plain alter column b set generated sometimes
alter table plain alter column b set data type smallint
create table sdef (a int default nextval('o'), b int default nextval('public.o'::regclass))
insert into sdef default values returning a > 0, b > a
drop sequence o
drop sequence o cascade
insert into sdef default values returning a, b
drop sequence if exists o
drop sequence o2, o3, o4
drop sequence no_such
drop sequence items
drop table s
drop sequence s, t1
select column_default from information_schema.columns where table_name = 'sdef' order by ordinal_position
select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'sdef'::regclass
discard sequences
select lastval()
select currval('o5')
