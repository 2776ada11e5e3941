"""A request with Django: a middleware that opens the transaction and sets the principal.

ATOMIC_REQUESTS opens its transaction later than any middleware runs: here it is
off, and the middleware does it.
"""

import concurrent.futures
import os
import sys

import django
from django.conf import settings
from django.db import connection, transaction


def principal_middleware(get_response):
    def middleware(request):
        with transaction.atomic():
            if request.user.is_authenticated:
                with connection.cursor() as cursor:
                    cursor.execute('SELECT rbac_set_principal(rbac_user(%s))', [request.user.email])
            return get_response(request)
    return middleware


# --- trying it ---------------------------------------------------------------

settings.configure(DATABASES={'default': {
    'ENGINE': 'django.db.backends.postgresql', 'HOST': os.environ['PGHOST'], 'PORT': os.environ['PGPORT'],
    'NAME': os.environ['PGDATABASE'], 'USER': os.environ['PGUSER'], 'DISABLE_SERVER_SIDE_CURSORS': True}})
django.setup()


class User:
    def __init__(self, email):
        self.email = email
        self.is_authenticated = email is not None


class Request:
    def __init__(self, email):
        self.user = User(email)


def view(request):
    with connection.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM deployment')
        return cursor.fetchone()[0]


def try_it(line):
    email, expected = line.split()
    answer = principal_middleware(view)
    try:
        return [answer(Request(email)) == int(expected) and answer(Request(None)) == 0 for _ in range(20)]
    finally:
        connection.close()


with concurrent.futures.ThreadPoolExecutor(20) as pool:
    answers = [right for result in pool.map(try_it, sys.stdin) for right in result]
print(f'{answers.count(True)} right, {answers.count(False)} wrong')
