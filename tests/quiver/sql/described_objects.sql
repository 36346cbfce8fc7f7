-- information_schema and statistics views about users' objects: privileges, types, constraints, dependencies
CREATE SCHEMA described
SET search_path = described, public
CREATE TABLE dept (id int PRIMARY KEY, name text NOT NULL, parent int REFERENCES dept, budget numeric(12,2), CONSTRAINT b CHECK (budget > 0))
CREATE TABLE emp (id bigserial PRIMARY KEY, name varchar(40) UNIQUE, dept_id int REFERENCES dept, tags text[], m numeric(5,2)[])
CREATE VIEW v AS SELECT * FROM dept
CREATE TYPE addr AS (street varchar(10), zips int[])
CREATE DOMAIN posint AS int CHECK (VALUE > 0)
CREATE DOMAIN ints AS int[]
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.table_privileges t where table_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.role_table_grants t where table_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.column_privileges t where table_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.role_column_grants t where table_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.usage_privileges t where object_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.usage_privileges t where object_name = 'C' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.role_usage_grants t where object_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.udt_privileges t where udt_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.role_udt_grants t where udt_schema='described' ORDER BY 1
select grantor, grantee, routine_name, privilege_type, is_grantable from information_schema.routine_privileges where routine_schema='described' and routine_name = 'f' order by grantee
select grantor, grantee, routine_name, privilege_type, is_grantable from information_schema.role_routine_grants where routine_schema='described' and routine_name = 'f' order by grantee
select count(*) > 0 from information_schema.enabled_roles where role_name = current_user
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.information_schema_catalog_name t ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.collations t where collation_name in ('C','POSIX','default') ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.collation_character_set_applicability t where collation_name in ('C','POSIX','default') ORDER BY 1
select character_set_name, character_repertoire, form_of_use from information_schema.character_sets
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.element_types t where object_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.user_defined_types t where user_defined_type_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.attributes t where udt_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.column_udt_usage t where table_schema='described' ORDER BY 1
SELECT replace(replace(t::text, current_database(), 'db'), current_user, 'db') FROM information_schema.constraint_table_usage t where table_schema='described' ORDER BY 1
SELECT numbackends > 0, xact_commit > 0, xact_rollback >= 0, tup_inserted >= 0, deadlocks, temp_files >= 0 FROM pg_stat_database d WHERE datname = current_database()
SELECT archived_count, failed_count FROM pg_stat_archiver
SELECT relname, heap_blks_read >= 0, idx_blks_hit >= 0 FROM pg_statio_user_tables WHERE schemaname = 'described' ORDER BY 1
SELECT relname, indexrelname, idx_blks_read >= 0 FROM pg_statio_user_indexes WHERE schemaname = 'described' ORDER BY 2
SELECT relname, blks_read >= 0 FROM pg_statio_user_sequences WHERE schemaname = 'described' ORDER BY 1
SELECT row_security_active('emp')
select object_name, object_type, dtd_identifier from information_schema.data_type_privileges where object_schema='described' and object_type <> 'ROUTINE' order by 1,2,3
SELECT c.conname, a.attname, cl.relname, d.deptype FROM pg_depend d JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid JOIN pg_class cl ON d.refclassid = 'pg_class'::regclass AND cl.oid = d.refobjid LEFT JOIN pg_attribute a ON a.attrelid = cl.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0 WHERE c.contype IN ('p', 'u', 'f') AND c.connamespace = 'described'::regnamespace ORDER BY 1, 2, 3, 4
SELECT proname, pg_get_function_result(oid) FROM pg_proc WHERE proname IN ('generate_series', 'lower', 'json_array_elements') AND pg_get_function_arguments(oid) NOT LIKE '%range%' ORDER BY 1, pg_get_function_arguments(oid)
SELECT to_regtype('"pg_catalog"."int4"'), to_regtype('"int4"'), to_regtype('"char"'), to_regtype('char'), to_regtype('pg_catalog.text'), to_regtype('"int"'), to_regtype('int[]'), to_regtype('"Int4"'), to_regtype('nope.int4')
SELECT x::regtype FROM (VALUES ('"pg_catalog"."_text"'), ('int8'), ('"pg_catalog"."varchar"')) v(x) ORDER BY 1
DROP SCHEMA described CASCADE
RESET search_path
SELECT typname, typtype, typcategory, typlen, typbasetype::regtype, typtypmod, typcollation, typnotnull, typdefault, typinput::regproc, typoutput::regproc FROM pg_type WHERE typtype = 'd' AND typnamespace = 'information_schema'::regnamespace ORDER BY 1
SELECT conname, contype, contypid::regtype, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true), convalidated FROM pg_constraint WHERE contypid <> 0 AND connamespace = 'information_schema'::regnamespace ORDER BY 1
SELECT domain_name, data_type, character_maximum_length, datetime_precision, domain_default, udt_name FROM information_schema.domains WHERE domain_schema = 'information_schema' ORDER BY 1
SELECT constraint_name, domain_name FROM information_schema.domain_constraints WHERE domain_schema = 'information_schema' ORDER BY 1
SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_name ~ 'number_domain_check|yes_or_no' ORDER BY 1
SELECT shobj_description(1, 'pg_database'), current_setting('jit'), set_config('restrict_nonsystem_relation_kind', 'view, foreign-table', true)
SELECT extname, extrelocatable FROM pg_extension ORDER BY 1
