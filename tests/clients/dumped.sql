-- What test_pg_dump.py dumps: every kind of object and every type that Quiver has, with rows.
CREATE SCHEMA shop;
CREATE SCHEMA "Odd ""Name";
COMMENT ON SCHEMA shop IS 'where things are sold';
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok', 'glad');
COMMENT ON TYPE shop.mood IS 'how it is';
CREATE DOMAIN shop.price AS numeric(10,2) DEFAULT 1 NOT NULL CHECK (VALUE >= 0) CONSTRAINT cheap CHECK (VALUE < 1000);
CREATE DOMAIN unit AS vector(3) CHECK (vector_norm(VALUE) < 10 AND VALUE <> '[0,0,0]');
COMMENT ON DOMAIN unit IS 'short ones';
CREATE TYPE shop.address AS (street text, zip int);
COMMENT ON TYPE shop.address IS 'where one lives';
CREATE SEQUENCE shop.counter AS int START 10 INCREMENT 5 MINVALUE 5 MAXVALUE 1000 CACHE 3 CYCLE;
CREATE TABLE shop.customers (
    id int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10) PRIMARY KEY,
    name varchar(80) NOT NULL, email text UNIQUE, born date DEFAULT '2000-01-01', mood shop.mood DEFAULT 'it''s ok' NOT NULL,
    code int DEFAULT nextval('shop.counter'), tags text[] DEFAULT '{a,"b c"}', moods shop.mood[],
    CONSTRAINT named CHECK (name <> '' AND length(name) < 100)
);
COMMENT ON TABLE shop.customers IS E'who buys\nand how';
COMMENT ON COLUMN shop.customers.email IS 'where to write';
COMMENT ON CONSTRAINT named ON shop.customers IS 'has a name';
CREATE TABLE shop.orders (
    customer int NOT NULL REFERENCES shop.customers ON DELETE CASCADE ON UPDATE SET NULL,
    number int, placed timestamptz(3) DEFAULT now(), total numeric(10,2) CHECK (total >= 0), PRIMARY KEY (customer, number),
    CONSTRAINT late UNIQUE (number, total) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE shop.lines (
    id bigserial PRIMARY KEY, customer int, number int, note char(10), n int DEFAULT 3, twice int GENERATED ALWAYS AS (n * 2) STORED,
    FOREIGN KEY (customer, number) REFERENCES shop.orders MATCH FULL DEFERRABLE INITIALLY DEFERRED,
    UNIQUE NULLS NOT DISTINCT (note)
);
CREATE TABLE kinds (
    i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, n5 numeric(5,2), b boolean, t text, v varchar(5), c char(3), c1 "char",
    raw bytea, d date, ts timestamp, ts0 timestamp(0), tz timestamptz, tm time, tmz timetz, iv interval, ivm interval month, u uuid, j json, jb jsonb,
    ia int[], ta text[], m money, ip inet, net cidr, mac macaddr, mac8 macaddr8, b3 bit(3), vb varbit(5), nm name, o oid, rc regclass,
    vec vector(3), vecn vector, hv halfvec(2), sv sparsevec(5)
);
CREATE TABLE "Odd ""Name"."Mixed Case" ("Id" int PRIMARY KEY, "select" text, "a'b" int CHECK ("a'b" > 0));
CREATE TABLE housed (id int, home shop.address DEFAULT '(Here,1)');
CREATE INDEX housed_lower ON housed (lower((home).street)) INCLUDE (id);
CREATE INDEX housed_note ON shop.lines (note COLLATE "C" bpchar_pattern_ops);
CREATE INDEX kinds_jb ON kinds USING gin (jb jsonb_path_ops, ia) WITH (fastupdate = off);
CREATE UNLOGGED TABLE scratch (id int);
CREATE TABLE parameters (id serial, payload text) WITH (fillfactor = 70);
ALTER TABLE shop.orders ADD CONSTRAINT unchecked CHECK (number > 0) NOT VALID;
CREATE INDEX lines_note ON shop.lines (note DESC NULLS LAST, id);
CREATE UNIQUE INDEX lines_some ON shop.lines (number) WHERE customer > 3;
CREATE INDEX kinds_vec ON kinds USING hnsw (vec vector_l2_ops) WITH (m=8, ef_construction=40);
CREATE INDEX kinds_cosine ON kinds USING hnsw ((vec::halfvec(3)) halfvec_cosine_ops);
SET client_min_messages = warning;
CREATE INDEX kinds_lists ON kinds USING ivfflat (vec vector_ip_ops) WITH (lists=2);
RESET client_min_messages;
COMMENT ON INDEX kinds_vec IS 'near';
COMMENT ON SEQUENCE shop.counter IS 'counts';
CREATE VIEW shop.expensive AS SELECT c.name, o.total, count(*) OVER () AS of FROM shop.customers c JOIN shop.orders o ON o.customer = c.id WHERE o.total > 100 ORDER BY o.total DESC;
CREATE VIEW moody (name, mood) WITH (security_barrier) AS SELECT name, mood FROM shop.customers WHERE mood = 'glad';
COMMENT ON VIEW moody IS 'glad ones';
COMMENT ON COLUMN moody.name IS 'of the glad';
CREATE VIEW near AS
    SELECT i8, vec <-> '[1,2,3]' AS distance, vec + vec AS twice, (SELECT avg(vec) FROM kinds) AS mean
    FROM kinds WHERE binary_quantize(vec) <> B'000' ORDER BY vec <=> '[1,1,1]'::vector;
CREATE TABLE checked (
    price shop.price, near unit, id int DEFAULT 1, v vector(3) DEFAULT '[1,2,3]' CHECK (vector_dims(v) = 3 AND v <> '[0,0,0]'),
    d float8 GENERATED ALWAYS AS (v <-> '[1,1,1]') STORED
);
CREATE INDEX ON checked (id) WHERE l2_distance(v, '[1,2,3]') < 4;
CREATE VIEW open_orders AS SELECT * FROM shop.orders WHERE total > 5 WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW nearest AS SELECT i8, vec <-> '[1,2,3]' AS distance FROM kinds WHERE vec IS NOT NULL;
CREATE MATERIALIZED VIEW later AS SELECT name FROM moody WITH NO DATA;
CREATE UNIQUE INDEX nearest_distance ON nearest (distance, i8);
COMMENT ON MATERIALIZED VIEW nearest IS 'kept';
CREATE VIEW over_view AS SELECT m.* FROM moody m;
ALTER TABLE shop.customers ALTER COLUMN name SET DEFAULT 'nobody';
INSERT INTO shop.customers (name, email, mood, moods) VALUES ('Ann', 'a@x', 'glad', '{sad,"it''s ok"}'), ('Bob', NULL, DEFAULT, NULL), ('Cy', E'tab\there', 'sad', '{}');
INSERT INTO shop.orders VALUES (100, 1, '2024-02-29 12:34:56.789+00', 150.25), (100, 2, '2024-03-01 00:00+00', 3), (110, 1, NULL, NULL);
INSERT INTO shop.lines (customer, number, note) VALUES (100, 1, 'first'), (NULL, NULL, 'second'), (100, 2, NULL);
INSERT INTO kinds VALUES (-1, 2, 9007199254740993, 1.1, 0.1, 'NaN', 1.50, true, E'a\\b\n\t''"', 'abc', 'x', 'q', '\x00ff', '2024-02-29', '2024-02-29 01:02:03.456789', '2024-02-29 01:02:03',
    '2024-02-29 01:02:03+02', '01:02:03.5', '01:02:03+05:30', '1 year 2 mons 3 days 04:05:06.7', '5 months', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" :  1}', '{"b": [1, null]}',
    '{1,NULL,3}', '{"a,b",NULL,"NULL",""}', 1234.56, '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '101', '11', 'nam', 42, 'pg_class',
    '[1,2,3.5]', '[1,2]', '[0.5,1]', '{1:1.5,5:2}/5');
INSERT INTO kinds DEFAULT VALUES;
INSERT INTO kinds (f4, f8, d, ts, tz, n) VALUES ('Infinity', '-Infinity', 'infinity', '-infinity', 'infinity', 12345678901234567890.123456789);
INSERT INTO kinds (vec) SELECT ARRAY[g, g % 7, 1]::vector FROM generate_series(1, 40) g;
INSERT INTO "Odd ""Name"."Mixed Case" VALUES (1, 'x', 2);
INSERT INTO checked (id, v, near) VALUES (1, DEFAULT, '[1,2,2]'), (2, '[3,3,3]', NULL);
INSERT INTO housed VALUES (1, DEFAULT), (2, ROW('a, "b"', NULL)), (3, NULL);
INSERT INTO parameters (payload) VALUES ('p'), ('q');
SELECT setval('shop.counter', 55, false);
REFRESH MATERIALIZED VIEW nearest;
