-- TimeZone by POSIX specifications, numbers and intervals.
SET TimeZone = '<+03>-03'
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz, '2024-07-01 12:00'::timestamptz AT TIME ZONE 'UTC', '2024-01-01 12:00+00'::timestamptz::date, '12:00'::time::timetz
SELECT to_char('2024-01-01 00:00:00+00'::timestamptz, 'YYYY-MM-DD HH24:MI TZH:TZM'), date_trunc('day', '2024-01-01 22:00:00+00'::timestamptz), extract(timezone FROM '2024-01-01 00:00+00'::timestamptz), '2024-01-01'::date::timestamptz, '2024-01-01 00:00'::timestamp::timestamptz
SELECT g FROM generate_series(1, 2) x, LATERAL (SELECT '2024-01-01 22:00:00+00'::timestamptz + x * interval '1 hour' AS g) s ORDER BY g
SET TimeZone = 'EST5EDT'
SELECT current_setting('TimeZone'), '2024-07-01 00:00:00+00'::timestamptz
SET TimeZone = '+02'
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TIME ZONE INTERVAL '02:30' HOUR TO MINUTE
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TIME ZONE -5
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TIME ZONE 3.5
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TimeZone = 'FOO3'
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TimeZone = '+02:00'
SELECT current_setting('TimeZone'), '2024-01-01 00:00:00+00'::timestamptz
SET TimeZone = 'europe/paris'
SELECT current_setting('TimeZone'), '2024-07-01 00:00:00+00'::timestamptz
SET TIME ZONE 0
SELECT current_setting('TimeZone'), '2024-07-01 00:00:00+00'::timestamptz
SET TimeZone = 'nope'
SET TimeZone = 'UTC'
