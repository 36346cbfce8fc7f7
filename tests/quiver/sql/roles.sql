-- Memberships, SET ROLE and SET SESSION AUTHORIZATION. `-- as role` says who runs the statements that follow.
CREATE ROLE r_readers
CREATE ROLE r_writers
CREATE ROLE r_ada LOGIN
CREATE USER r_bob IN ROLE r_readers
CREATE ROLE r_boss LOGIN ROLE r_ada ADMIN r_bob
CREATE ROLE r_shy LOGIN NOINHERIT IN ROLE r_readers, r_writers
GRANT r_readers TO r_writers
GRANT r_writers TO r_ada WITH ADMIN OPTION
GRANT r_writers, r_readers TO r_readers
GRANT r_ada TO r_readers
GRANT r_readers TO r_nobody
GRANT r_nobody TO r_readers
GRANT r_readers TO public
GRANT r_readers TO r_ada GRANTED BY r_nobody
SELECT r.rolname, m.rolname, g.rolname, admin_option FROM pg_auth_members x JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member JOIN pg_roles g ON g.oid = grantor WHERE r.rolname ~ '^r_' ORDER BY 1, 2
SELECT groname, (SELECT string_agg(m::regrole::text, ',' ORDER BY m::regrole::text) FROM unnest(grolist) m) FROM pg_group WHERE groname ~ '^r_' ORDER BY 1
SELECT pg_has_role('r_ada', 'r_readers', 'USAGE'), pg_has_role('r_ada', 'r_readers', 'MEMBER'), pg_has_role('r_readers', 'r_ada', 'member'), pg_has_role('r_ada', 'r_writers', 'MEMBER WITH ADMIN OPTION')
SELECT pg_has_role('r_shy', 'r_readers', 'USAGE'), pg_has_role('r_shy', 'r_readers', 'MEMBER'), pg_has_role('r_ada', 'usage'), pg_has_role('postgres', 'r_ada', 'usage')
SELECT pg_has_role('r_ada', 'r_readers', 'READ')
SELECT pg_has_role('r_nobody', 'r_readers', 'USAGE')
SELECT role_name FROM information_schema.enabled_roles WHERE role_name ~ '^r_' ORDER BY 1
SET ROLE r_ada
SELECT current_user, session_user, user, current_role
SHOW role
SHOW is_superuser
SELECT current_setting('session_authorization')
SELECT role_name FROM information_schema.enabled_roles ORDER BY 1
SELECT * FROM information_schema.applicable_roles ORDER BY 1, 2
SELECT * FROM information_schema.administrable_role_authorizations ORDER BY 1, 2
SET ROLE r_bob
SELECT current_user
RESET ROLE
SELECT current_user
SET ROLE r_nobody
SET ROLE none
SELECT set_config('role', 'r_bob', false)
SELECT current_user, session_user
RESET ALL
SELECT current_user
SET SESSION AUTHORIZATION r_ada
SELECT current_user, session_user
SHOW session_authorization
SHOW role
SET ROLE r_readers
SELECT current_user, session_user
SET ROLE r_bob
SET SESSION AUTHORIZATION r_bob
SELECT current_user, session_user
SET SESSION AUTHORIZATION r_nobody
RESET SESSION AUTHORIZATION
SELECT current_user, session_user
BEGIN
SET LOCAL ROLE r_ada
SELECT current_user
SAVEPOINT s
SET ROLE r_bob
SELECT current_user
ROLLBACK TO s
SELECT current_user
COMMIT
SELECT current_user
BEGIN
SET SESSION AUTHORIZATION r_ada
SELECT session_user
ROLLBACK
SELECT current_user, session_user
SET ROLE r_bob
DISCARD ALL
SELECT current_user
ALTER ROLE r_bob SET role = r_readers
-- as r_bob
SELECT current_user, session_user
RESET ROLE
SELECT current_user, session_user
SET ROLE none
SELECT current_user, session_user
SET ROLE r_ada
-- only in 15: fewer details
SET SESSION AUTHORIZATION r_ada
SET SESSION AUTHORIZATION r_bob
GRANT r_boss TO r_readers
REVOKE r_boss FROM r_readers
-- only in 15: fewer details
CREATE ROLE r_more
-- as r_ada
SELECT current_user
SET ROLE postgres
SET ROLE r_boss
SELECT current_user, session_user
RESET ROLE
GRANT r_writers TO r_bob
REVOKE r_writers FROM r_bob
-- only in 15: fewer details
ALTER ROLE r_ada CREATEDB
-- only in 15: fewer details
DROP ROLE r_bob
-- as postgres
ALTER ROLE r_writers RENAME TO r_authors
REVOKE ADMIN OPTION FOR r_authors FROM r_ada
REVOKE r_authors FROM r_ada
SELECT pg_has_role('r_ada', 'r_readers', 'MEMBER')
ALTER GROUP r_readers ADD USER r_ada
SELECT pg_has_role('r_ada', 'r_readers', 'MEMBER')
ALTER GROUP r_readers DROP USER r_ada
SELECT pg_has_role('r_ada', 'r_readers', 'MEMBER')
ALTER ROLE r_ada IN ROLE r_readers
CREATE ROLE r_more IN ROLE r_nobody
ALTER ROLE pg_monitor LOGIN
ALTER ROLE pg_monitor RENAME TO monitor
DROP ROLE pg_monitor
SELECT rolname, rolsuper, rolcanlogin FROM pg_roles WHERE oid < 16384 AND rolname NOT IN ('pg_use_reserved_connections', 'pg_create_subscription') ORDER BY oid
SET ROLE r_ada
-- only in 15: fewer details
DROP ROLE r_ada
RESET ROLE
DROP ROLE r_readers, r_authors
SELECT count(*) FROM pg_auth_members JOIN pg_roles r ON r.oid = member WHERE r.rolname ~ '^r_'
