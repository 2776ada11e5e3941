// A request with node-postgres: one client, one transaction, which begins with
// its principal.

const { Pool } = require('pg');

const pool = new Pool({ max: 20 });

async function request(email, work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT rbac_set_principal(rbac_user($1))', [email]);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

// --- trying it ---------------------------------------------------------------

async function count(client) {
  return Number((await client.query('SELECT count(*) FROM deployment')).rows[0].count);
}

async function tryIt(line) {
  const [email, expected] = line.split(' ');
  const answers = [];
  for (let i = 0; i < 20; i++)
    answers.push(await request(email, count) === Number(expected) && await count(pool) === 0);
  return answers;
}

(async () => {
  const lines = require('fs').readFileSync(0, 'utf8').trim().split('\n');
  const answers = (await Promise.all(lines.map(tryIt))).flat();
  const right = answers.filter(Boolean).length;
  console.log(`${right} right, ${answers.length - right} wrong`);
  await pool.end();
})();
