"""A request with asyncpg: the first statement of the transaction says whose it is."""

import asyncio
import os
import sys

import asyncpg


async def request(pool, email, work):
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute('SELECT rbac_set_principal(rbac_user($1))', email)
        return await work(connection)


# --- trying it ---------------------------------------------------------------

async def count(connection):
    return await connection.fetchval('SELECT count(*) FROM deployment')


async def try_it(pool, line):
    email, expected = line.split()
    answers = []
    for _ in range(20):
        right = await request(pool, email, count) == int(expected)
        async with pool.acquire() as connection:
            answers.append(right and await count(connection) == 0)
    return answers


async def main():
    # A pooler that hands connections on keeps no prepared statements.
    async with asyncpg.create_pool(host=os.environ['PGHOST'], port=int(os.environ['PGPORT']), user=os.environ['PGUSER'],
                                   database=os.environ['PGDATABASE'], max_size=20, statement_cache_size=0) as pool:
        results = await asyncio.gather(*(try_it(pool, line) for line in sys.stdin))
    answers = [right for result in results for right in result]
    print(f'{answers.count(True)} right, {answers.count(False)} wrong')


asyncio.run(main())
