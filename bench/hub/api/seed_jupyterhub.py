"""Writes people and running servers into a JupyterHub's database, as a hub that ran for a while would have them."""

import json
import sys
from datetime import timedelta

from jupyterhub import orm, roles
from jupyterhub.utils import hash_token, utcnow

world = json.load(sys.stdin)
now = utcnow(with_tz=False)
session = orm.new_session_factory(f"sqlite:///{world['file']}")()
for role in roles.get_default_roles():
    roles.create_role(session, role)
user_role, admin_role = orm.Role.find(session, "user"), orm.Role.find(session, "admin")
people = {}
for at, name in enumerate([*world["people"], world["admin"]]):
    user = orm.User(
        name=name,
        admin=name == world["admin"],
        created=now - timedelta(days=30),
        last_activity=now - timedelta(days=(at * 7919) % 30),
    )
    session.add(user)
    user.roles.append(user_role)
    if user.admin:
        user.roles.append(admin_role)
    people[name] = user
session.flush()


def token(text, user, note, wanted, client="jupyterhub"):
    row = orm.APIToken(generated=True, user=user, note=note, client_id=client, scopes=wanted)
    # As `APIToken.new` does for tokens that the hub itself made.
    row.token = text
    session.add(row)
    return row


if not session.query(orm.OAuthClient).filter_by(identifier="jupyterhub").count():
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    session.flush()
token(world["token"], people[world["admin"]], "bench", ["inherit"])
for one in world["servers"]:
    name = one["user"]
    user = people[name]
    server = orm.Server(proto="http", ip=world["echo"][0], port=world["echo"][1], base_url=f"/user/{name}/")
    client = orm.OAuthClient(
        identifier=f"jupyterhub-user-{name}",
        secret=hash_token(one["token"]),
        redirect_uri=f"/user/{name}/oauth_callback",
        description=f"Server at /user/{name}/",
    )
    spawner = orm.Spawner(
        user=user,
        name="",
        server=server,
        oauth_client=client,
        state={"started": True},
        started=now - timedelta(hours=1),
        last_activity=now,
    )
    session.add_all([server, client, spawner])
    wanted = [f"users:activity!user={name}", f"access:servers!server={name}/"]
    token(one["token"], user, f"Server at /user/{name}/", wanted)
session.commit()
