"""Makes a database with JupyterHub's own code, and prints what a test has to know of it, as JSON.

    python make_database.py sqlite:////path/jupyterhub.sqlite

Runs with JupyterHub 4, 5 and 6. Everything goes the way that JupyterHub itself takes: its models hash the tokens, its
cookie code signs, its crypt keeper encrypts.
"""

import asyncio
import binascii
import datetime
import json
import os
import sys
from http.cookies import SimpleCookie

CRYPT_KEY = '11' * 32
os.environ['JUPYTERHUB_CRYPT_KEY'] = f'{"22" * 32};{CRYPT_KEY}'
COOKIE_SECRET = '33' * 32

import jupyterhub
from jupyterhub import crypto, orm, roles
from tornado.web import create_signed_value

db = orm.new_session_factory(sys.argv[1])()
db.add(orm.OAuthClient(identifier='jupyterhub', description='jupyterhub', secret='', redirect_uri=''))
for role in roles.get_default_roles():
    roles.create_role(db, role)
roles.create_role(db, {'name': 'teaching', 'description': 'May look at people', 'scopes': ['read:users', 'list:users']})


def person(name, **values):
    user = orm.User(name=name, **values)
    db.add(user)
    db.commit()
    roles.assign_default_roles(db, user)
    return user


ada = person('ada', admin=True)
bob = person('bob', last_activity=datetime.datetime(2026, 3, 4, 5, 6, 7, 891000))
eve = person('eve')
big = person('Grace.Hopper')
bad = person(' .. ')
roles.grant_role(db, bob, 'teaching')

biology = orm.Group(name='biology', properties={'room': 7, 'tags': ['a', 'b']})
physics = orm.Group(name='physics')
db.add_all([biology, physics])
biology.users.extend([bob, eve])
physics.users.append(ada)
db.commit()

grader = orm.Service(name='grader', admin=False)
db.add(grader)
db.commit()
roles.grant_role(db, grader, 'teaching')

thesis = orm.Spawner(name='thesis', user=bob, user_options={'profile': 'big', 'seats': 3})
odd = orm.Spawner(name='My Big Server!', user=bob, user_options={'file': b'bytes of a file'})
plain = orm.Spawner(name='', user=bob)
running = orm.Spawner(name='', user=eve, user_options={'profile': 'small'}, server=orm.Server())
db.add_all([thesis, odd, plain, running])
db.commit()

tokens = {
    'ada': ada.new_api_token(note='made by the page'),
    'bob': bob.new_api_token(note='for a script', scopes=['read:users!user=bob']),
    'configured': bob.new_api_token('a-token-of-the-configuration', note='of the configuration', generated=False),
    'service': grader.new_api_token('the-secret-of-the-grader', note='from config', generated=False),
    'expired': eve.new_api_token(note='over', expires_in=3600),
    'server': eve.new_api_token(note='Server at /user/eve/'),
    'bad': bad.new_api_token(note='of somebody who cannot be'),
}

over = datetime.datetime(2020, 1, 1)
db.query(orm.APIToken).filter_by(note='over').update({'expires_at': over})

share_code = None
if hasattr(orm, 'Share'):
    orm.Share.grant(db, thesis, eve, scopes=['access:servers!server=bob/thesis'])
    orm.Share.grant(db, odd, physics, scopes=['read:servers', 'access:servers'])
    _, share_code = orm.ShareCode.new(db, thesis, scopes=['access:servers!server=bob/thesis'])


async def encrypted(state, key):
    crypto.CryptKeeper.instance().keys = [key.encode()]
    return await crypto.encrypt(state)


# A key that is not the first any more.
ada.encrypted_auth_state = asyncio.run(encrypted({'access_token': 'of-ada'}, CRYPT_KEY))
# And one that nobody has any more.
eve.encrypted_auth_state = asyncio.run(encrypted({'access_token': 'of-eve'}, '44' * 32))
db.execute(orm.text('create table users_info (id integer primary key, username varchar(128))'))
db.execute(orm.text("insert into users_info (id, username) values (1, 'ada')"))
db.commit()


def login(user, secret=COOKIE_SECRET, clock=None):
    """The login cookie's value, as it stands in a browser's Cookie header."""
    signed = create_signed_value(
        binascii.a2b_hex(secret), 'jupyterhub-hub-login', user.cookie_id, clock=clock
    )
    cookie = SimpleCookie()
    cookie['jupyterhub-hub-login'] = signed.decode('ascii')
    return cookie['jupyterhub-hub-login'].coded_value


NOW = datetime.datetime.now(datetime.timezone.utc).timestamp()
print(
    json.dumps(
        {
            'version': jupyterhub.__version__,
            'tokens': tokens,
            'shareCode': share_code,
            'cookieSecret': COOKIE_SECRET,
            'cryptKeys': os.environ['JUPYTERHUB_CRYPT_KEY'],
            'cookies': {
                'bob': login(bob),
                'again': login(bob, clock=lambda: NOW - 3600),
                'forged': login(bob, secret='55' * 32),
                'old': login(bob, clock=lambda: NOW - 15 * 86400),
                'early': login(bob, clock=lambda: NOW + 86400),
                'bad': login(bad),
            },
        }
    )
)
