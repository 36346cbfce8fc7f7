// node-postgres: types by text, named statements, a pool, cursors, streams and COPY.
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import pg from "pg";
import copyStreams from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import { show, showError } from "./report.mjs";

const client = new pg.Client();
await client.connect();
client.on("notice", (notice) => show("notice", [notice.severity, notice.code, notice.message]));

await types();
await statements();
await errors();
await transactions();
await cursors();
await copies();
await pool();
await notifications();
await client.end();

async function types() {
  await client.query(`CREATE TABLE kinds (
    id bigserial PRIMARY KEY, small int2, whole int4 NOT NULL DEFAULT 7, big int8, real4 float4, real8 float8,
    amount numeric(12,3), flag bool, name text, code varchar(8), fixed char(4), raw bytea, day date, at timestamp,
    moment timestamptz, hour time, span interval, key uuid, doc json, docb jsonb, tags text[], numbers int4[],
    address inet, embedding vector(3))`);
  const values = [
    1, 2, "9007199254740993", 1.5, 0.1, "12.345", true, "näme 'q'", "code", "ab", Buffer.from([0, 1, 255]), "2024-02-29",
    "2024-02-29 12:34:56.789", new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)), "12:34:56.7", "1 mon 2 days 03:04:05",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", { a: [1, null] }, JSON.stringify({ b: "x" }), ["a", null, 'q"uo,te', "NULL"],
    [1, 2, 3], "10.0.0.1/8", "[1,2,3.5]",
  ];
  const names =
    "small, whole, big, real4, real8, amount, flag, name, code, fixed, raw, day, at, moment, hour, span, key, doc, docb, tags, numbers, address, embedding";
  const places = values.map((_, index) => `$${index + 1}`).join(", ");
  const inserted = await client.query(`INSERT INTO kinds (${names}) VALUES (${places}) RETURNING *`, values);
  show("inserted", inserted.rows);
  show("fields", inserted.fields.map((field) => [field.name, field.dataTypeID < 16384 && field.dataTypeID, field.dataTypeSize, field.dataTypeModifier, field.columnID, field.format]));
  show("command", [inserted.command, inserted.rowCount, inserted.oid]);
  show("nulls", (await client.query(`INSERT INTO kinds (${names.replace("whole, ", "")}) VALUES (${values.slice(1).map(() => "NULL").join(", ")}) RETURNING *`)).rows);
  const array = await client.query({ text: "SELECT id, tags, numbers, doc FROM kinds ORDER BY id", rowMode: "array" });
  show("as arrays", array.rows);
  const parameters = await client.query(
    "SELECT $1::int + 1 AS a, $2::text || 'x' AS b, $3::date - 1 AS c, $4::float8[] AS d, $5::jsonb -> 'k' AS e, $6::timestamptz AS f",
    [41, "y", "2024-03-01", [1.5, null], { k: [1] }, new Date(0)],
  );
  show("parameters", parameters.rows);
  show("binary", (await client.query({ text: "SELECT 1::int AS i, 'x'::text AS t, 1.5::float8 AS f, true AS b, 12345678901::int8 AS l", binary: true })).rows);
  show("special", (await client.query("SELECT 'NaN'::float8 AS n, '-Infinity'::float8 AS i, 'infinity'::timestamp AS t, '{}'::int[] AS e, '(1,2)'::text AS p")).rows);
}

async function statements() {
  const named = { name: "by-name", text: "SELECT name, $2::int + whole AS sum FROM kinds WHERE id = $1" };
  for (const id of [1, 2, 3]) show("named", (await client.query({ ...named, values: [id, 10] })).rows);
  await showError("renamed", () => client.query({ name: "by-name", text: "SELECT 1" }));
  const several = await client.query("SELECT 1 AS a; INSERT INTO kinds (whole) VALUES (8), (9); SELECT 'b' AS b, 2 AS c");
  show("several", several.map((result) => [result.command, result.rowCount, result.rows]));
  show("empty", (await client.query("")).rows);
  show("update", (await client.query("UPDATE kinds SET whole = whole + 1 WHERE whole > $1 RETURNING whole", [7])).rows);
  show("delete", (await client.query("DELETE FROM kinds WHERE whole > $1", [8])).rowCount);
  show("nearest", (await client.query("SELECT id FROM kinds WHERE embedding IS NOT NULL ORDER BY embedding <-> $1 LIMIT 5", ["[1,2,3]"])).rows);
  show("any", (await client.query("SELECT g FROM generate_series(1, 9) g WHERE g = ANY($1::int[]) ORDER BY g", [[2, 4, 11]])).rows);
}

async function errors() {
  await client.query("CREATE TABLE parents (id int PRIMARY KEY, name text UNIQUE NOT NULL, age int CONSTRAINT grown CHECK (age > 17))");
  await client.query("CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents)");
  await client.query("INSERT INTO parents VALUES (1, 'a', 20)");
  await showError("syntax", () => client.query("SELEC 1"));
  await showError("table", () => client.query("SELECT * FROM missing"));
  await showError("column", () => client.query("SELECT missing FROM parents WHERE id = $1", [1]));
  await showError("key", () => client.query("INSERT INTO parents VALUES ($1, 'b', 20)", [1]));
  await showError("unique", () => client.query("INSERT INTO parents VALUES ($1, 'a', 20)", [2]));
  await showError("null", () => client.query("INSERT INTO parents VALUES ($1, NULL, 20)", [2]));
  await showError("check", () => client.query("INSERT INTO parents VALUES ($1, 'b', 2)", [2]));
  await showError("foreign", () => client.query("INSERT INTO children VALUES (1, $1)", [7]));
  await showError("type", () => client.query("SELECT $1::int", ["x"]));
  await showError("division", () => client.query("SELECT 1 / $1::int", [0]));
  await showError("dimensions", () => client.query("INSERT INTO kinds (embedding) VALUES ($1)", ["[1,2]"]));
  await showError("few", () => client.query("SELECT $1::int, $2::int", [1]));
  show("after", (await client.query("SELECT count(*) FROM parents")).rows);
}

async function transactions() {
  await client.query("BEGIN");
  await client.query("INSERT INTO parents VALUES (2, 'b', 21)");
  await client.query("SAVEPOINT s");
  await showError("inside", () => client.query("INSERT INTO parents VALUES (2, 'c', 21)"));
  await showError("aborted", () => client.query("SELECT 1"));
  await client.query("ROLLBACK TO SAVEPOINT s");
  await client.query("COMMIT");
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  await showError("read only", () => client.query("DELETE FROM parents"));
  await client.query("ROLLBACK");
  show("kept", (await client.query("SELECT * FROM parents ORDER BY id")).rows);
}

async function cursors() {
  const cursor = client.query(new Cursor("SELECT g, 'row ' || g AS t FROM generate_series(1, $1::int) g", [7]));
  show("cursor", [await cursor.read(3), await cursor.read(3), await cursor.read(3), await cursor.read(3)]);
  await cursor.close();
  const early = client.query(new Cursor("SELECT * FROM generate_series(1, 1000)", []));
  show("early", await early.read(2));
  await early.close();
  const failing = client.query(new Cursor("SELECT 10 / (3 - g) AS q FROM generate_series(1, 5) g", []));
  await showError("cursor fails", () => failing.read(10));
  let sum = 0;
  for await (const row of client.query(new QueryStream("SELECT g FROM generate_series(1, $1::int) g", [1000], { batchSize: 64 }))) sum += row.g;
  show("stream", sum);
}

async function copies() {
  await client.query("CREATE TABLE copied (id int, t text, v vector(2))");
  const into = client.query(copyStreams.from("COPY copied FROM STDIN"));
  await pipeline(Readable.from(["1\ta\\tb\t[1,2]\n2\t", "\\N\t\\N\n3\tc\t[0,1]\n"]), into);
  show("copied in", into.rowCount);
  const csv = client.query(copyStreams.from("COPY copied (id, t) FROM STDIN WITH (FORMAT csv, HEADER)"));
  await pipeline(Readable.from(['id,t\n4,"x,""y"""\n', "5,\n"]), csv);
  const out = client.query(copyStreams.to("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT WITH (FORMAT csv)"));
  show("copied out", Buffer.concat(await out.toArray()).toString());
  show("copied rows", out.rowCount);
  await showError("copy fails", () => pipeline(Readable.from(["x\ty\tz\n"]), client.query(copyStreams.from("COPY copied FROM STDIN"))));
  show("copy left", (await client.query("SELECT count(*) FROM copied")).rows);
}

async function pool() {
  const many = new pg.Pool({ max: 3 });
  const results = await Promise.all(Array.from({ length: 12 }, (_, n) => many.query("SELECT $1::int * 2 AS n", [n])));
  show("pool", results.map((result) => result.rows[0].n));
  await showError("timeout", async () => {
    const slow = new pg.Client({ statement_timeout: 50 });
    await slow.connect();
    try { await slow.query("SELECT pg_sleep(10)"); } finally { await slow.end(); }
  });
  await many.end();
}

async function notifications() {
  const heard = new Promise((resolve) => client.once("notification", resolve));
  await client.query("LISTEN news");
  const other = new pg.Client();
  await other.connect();
  await other.query("SELECT pg_notify('news', $1)", ["hällo"]);
  await other.end();
  const { channel, payload } = await heard;
  show("notification", [channel, payload]);
}
