"""A JupyterHub without its proxy: browsers and clients of the test reach the hub itself."""

import os

from jupyterhub.proxy import Proxy

c = get_config()  # noqa: F821


class NoProxy(Proxy):
    should_start = False
    routes: dict = {}

    async def start(self):
        pass

    async def stop(self):
        pass

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {'routespec': routespec, 'target': target, 'data': data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return dict(self.routes)


port = os.environ['HUB_PORT']
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = f'http://127.0.0.1:{port}'
c.JupyterHub.bind_url = f'http://127.0.0.1:{port}'
c.JupyterHub.authenticator_class = 'dummy'
c.JupyterHub.spawner_class = 'simple'
c.JupyterHub.allow_named_servers = True
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {'ada'}
c.JupyterHub.load_groups = {'biology': {'users': ['bob'], 'properties': {'room': 7}}}
c.JupyterHub.load_roles = [
    {'name': 'reader', 'scopes': ['list:users', 'read:users'], 'services': ['grader']},
]
c.JupyterHub.services = [{'name': 'grader', 'api_token': 'the-secret-of-the-grader'}]
