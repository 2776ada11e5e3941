"""A request with SQLAlchemy: each transaction of a session begins with its principal."""

import concurrent.futures
import sys

import sqlalchemy
from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

engine = sqlalchemy.create_engine('postgresql+psycopg2://', poolclass=sqlalchemy.pool.NullPool)
RequestSession = sessionmaker(engine)


@event.listens_for(RequestSession, 'after_begin')
def set_principal(session, transaction, connection):
    if 'email' in session.info:
        connection.execute(text('SELECT rbac_set_principal(rbac_user(:email))'), {'email': session.info['email']})


# --- trying it ---------------------------------------------------------------

def count(**request):
    with RequestSession(**request) as session:
        return session.execute(text('SELECT count(*) FROM deployment')).scalar()


def try_it(line):
    email, expected = line.split()
    return [count(info={'email': email}) == int(expected) and count() == 0 for _ in range(20)]


with concurrent.futures.ThreadPoolExecutor(20) as pool:
    answers = [right for result in pool.map(try_it, sys.stdin) for right in result]
print(f'{answers.count(True)} right, {answers.count(False)} wrong')
