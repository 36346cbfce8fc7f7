// Inserts rows and searches them through pg with pgvector's type support. Arguments: file of rows, file of searches.
// The connection is that of the PG... environment variables.
import fs from 'node:fs';
import pg from 'pg';
import pgvector from 'pgvector';
import support from 'pgvector/pg';

const lines = (path) => fs.readFileSync(path, 'utf8').trim().split('\n').map((line) => line.split('\t'));
const client = new pg.Client();
await client.connect();
await support.registerTypes(client);
await client.query('DROP TABLE IF EXISTS node_items');
await client.query('CREATE TABLE node_items (id int PRIMARY KEY, v vector(3), h halfvec(3), b bit(3), s sparsevec(3))');
await client.query('CREATE INDEX ON node_items USING hnsw (v vector_l2_ops)');
await client.query('CREATE INDEX ON node_items USING ivfflat (h halfvec_cosine_ops) WITH (lists = 1)');
for (const [id, vector, bits] of lines(process.argv[2])) {
  const numbers = vector === 'null' ? null : JSON.parse(vector);
  const sparse = numbers === null ? null : new pgvector.SparseVector(numbers);
  const values = [Number(id), pgvector.toSql(numbers), pgvector.toSql(numbers), bits === 'null' ? null : bits, pgvector.toSql(sparse)];
  await client.query('INSERT INTO node_items VALUES ($1, $2, $3, $4, $5)', values);
}
for (const [column, operator, query] of lines(process.argv[3])) {
  const text = `SELECT id, ${column} ${operator} $1 AS distance FROM node_items ORDER BY 2, 1 LIMIT 5`;
  for (const name of [undefined, `named ${operator} ${column}`]) {
    const result = await client.query({ name, text, values: [query] });
    for (const row of result.rows) {
      console.log(`${row.id}\t${row.distance ?? ''}`);
    }
  }
}
const result = await client.query('SELECT * FROM node_items UNION ALL SELECT 0, avg(v), avg(h), NULL, NULL FROM node_items ORDER BY id');
for (const row of result.rows) {
  const cells = [row.id, pgvector.toSql(row.v), pgvector.toSql(row.h), row.b, row.s === null ? null : row.s.toPostgres()];
  console.log(cells.map((cell) => cell ?? '').join('\t'));
}
await client.query('DROP TABLE node_items');
await client.end();
