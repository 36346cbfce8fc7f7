-- ADD PRIMARY KEY and UNIQUE USING INDEX.
CREATE TABLE promoted (id int, a int, b text, c int)
CREATE TABLE promoted_too (id int)
INSERT INTO promoted VALUES (1, 10, 'x', 1), (2, 20, 'y', NULL)
CREATE UNIQUE INDEX promoted_id ON promoted (id)
CREATE UNIQUE INDEX promoted_a_b ON promoted (a, b)
CREATE UNIQUE INDEX promoted_c ON promoted (c)
CREATE UNIQUE INDEX promoted_down ON promoted (a DESC, id)
CREATE UNIQUE INDEX promoted_lower ON promoted (lower(b))
CREATE UNIQUE INDEX promoted_part ON promoted (a) WHERE a > 0
CREATE INDEX promoted_plain ON promoted (a)
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX nope
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX promoted_too
ALTER TABLE promoted_too ADD CONSTRAINT k UNIQUE USING INDEX promoted_id
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX promoted_plain
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX promoted_lower
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX promoted_part
ALTER TABLE promoted ADD CONSTRAINT k UNIQUE USING INDEX promoted_down
ALTER TABLE promoted ADD PRIMARY KEY USING INDEX promoted_c
ALTER TABLE promoted ADD CONSTRAINT promoted_plain UNIQUE USING INDEX promoted_a_b
ALTER TABLE promoted ADD CONSTRAINT promoted_pk PRIMARY KEY USING INDEX promoted_id
ALTER TABLE promoted ADD CONSTRAINT again UNIQUE USING INDEX promoted_pk
ALTER TABLE promoted ADD PRIMARY KEY USING INDEX promoted_a_b
ALTER TABLE promoted ADD UNIQUE USING INDEX promoted_a_b DEFERRABLE
ALTER TABLE promoted ADD CONSTRAINT promoted_c_key UNIQUE USING INDEX promoted_c
SELECT conname, contype, condeferrable, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'promoted'::regclass AND contype IN ('p', 'u') ORDER BY conname
SELECT indexrelid::regclass::text, indisprimary, indisunique FROM pg_index WHERE indrelid = 'promoted'::regclass ORDER BY indexrelid::regclass::text
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'promoted'::regclass AND attnum > 0 ORDER BY attnum
INSERT INTO promoted VALUES (1, 1, 'z', 5)
INSERT INTO promoted VALUES (NULL, 1, 'z', 5)
INSERT INTO promoted VALUES (3, 10, 'x', 5)
INSERT INTO promoted VALUES (1, 11, 'z', 5) ON CONFLICT ON CONSTRAINT promoted_pk DO UPDATE SET a = 11 RETURNING *
ALTER TABLE promoted_too ADD FOREIGN KEY (id) REFERENCES promoted
INSERT INTO promoted_too VALUES (9)
ALTER TABLE promoted DROP CONSTRAINT promoted_c_key
SELECT relname FROM pg_class WHERE relname LIKE 'promoted%' AND relkind = 'i' ORDER BY relname
CREATE TABLE promoted_three (id int, UNIQUE USING INDEX promoted_c)
DROP TABLE promoted_too, promoted
