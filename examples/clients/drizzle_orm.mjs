// A request with Drizzle, an ORM on node-postgres: a transaction that begins with its
// principal, and takes the place of the database object.

import { readFileSync } from 'node:fs';
import { count, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';

const pool = new pg.Pool({ max: 20 });
const db = drizzle(pool);

const deployment = pgTable('deployment', { id: integer('id'), resource: text('project') });

function request(email, work) {
  return db.transaction(async (transaction) => {
    await transaction.execute(sql`SELECT rbac_set_principal(rbac_user(${email}))`);
    return work(transaction);
  });
}

// --- trying it ---------------------------------------------------------------

async function countRows(database) {
  return (await database.select({ rows: count() }).from(deployment))[0].rows;
}

async function tryIt(line) {
  const [email, expected] = line.split(' ');
  const answers = [];
  for (let i = 0; i < 20; i++)
    answers.push(await request(email, countRows) === Number(expected) && await countRows(db) === 0);
  return answers;
}

const lines = readFileSync(0, 'utf8').trim().split('\n');
const answers = (await Promise.all(lines.map(tryIt))).flat();
const right = answers.filter(Boolean).length;
console.log(`${right} right, ${answers.length - right} wrong`);
await pool.end();
