"""A request with psycopg 3: the first statement of the transaction says whose it is."""

import concurrent.futures
import sys

import psycopg


def request(connection, email, work):
    with connection.transaction():
        connection.execute('SELECT rbac_set_principal(rbac_user(%s))', (email,))
        return work(connection)


# --- trying it ---------------------------------------------------------------

def count(connection):
    return connection.execute('SELECT count(*) FROM deployment').fetchone()[0]


def try_it(line):
    email, expected = line.split()
    # A pooler that hands connections on keeps no prepared statements.
    with psycopg.connect(autocommit=True, prepare_threshold=None) as connection:
        return [request(connection, email, count) == int(expected) and count(connection) == 0 for _ in range(20)]


with concurrent.futures.ThreadPoolExecutor(20) as pool:
    answers = [right for result in pool.map(try_it, sys.stdin) for right in result]
print(f'{answers.count(True)} right, {answers.count(False)} wrong')
