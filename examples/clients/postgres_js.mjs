// A request with postgres.js: a transaction that begins with its principal.

import { readFileSync } from 'fs';
import postgres from 'postgres';

// A pooler that hands connections on keeps no prepared statements.
const sql = postgres({ host: process.env.PGHOST, port: Number(process.env.PGPORT), path: `${process.env.PGHOST}/.s.PGSQL.${process.env.PGPORT}`, max: 20, prepare: false });

function request(email, work) {
  return sql.begin(async tx => {
    await tx`SELECT rbac_set_principal(rbac_user(${email}))`;
    return work(tx);
  });
}

// --- trying it ---------------------------------------------------------------

async function count(tx) {
  return Number((await tx`SELECT count(*) FROM deployment`)[0].count);
}

async function tryIt(line) {
  const [email, expected] = line.split(' ');
  const answers = [];
  for (let i = 0; i < 20; i++)
    answers.push(await request(email, count) === Number(expected) && await count(sql) === 0);
  return answers;
}

const lines = readFileSync(0, 'utf8').trim().split('\n');
const answers = (await Promise.all(lines.map(tryIt))).flat();
const right = answers.filter(Boolean).length;
console.log(`${right} right, ${answers.length - right} wrong`);
await sql.end();
