"""The reference beside Atrium: the same people, groups, services and roles, and servers as small."""

import asyncio
import json
import os
from base64 import b64encode

from jupyterhub.auth import DummyAuthenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado import web

settings = json.loads(os.environ['CONTRACT_SETTINGS'])
folder = settings['dir']


class ElsewhereAuthenticator(DummyAuthenticator):
    auto_login = True

    def login_url(self, base_url):
        return base_url + 'elsewhere'


class TinySpawner(SimpleLocalProcessSpawner):
    async def start(self):
        wanted = self.user_options.get('contract')
        if wanted == 'refuse':
            raise web.HTTPError(418, 'teapot')
        if wanted == 'tell':
            told = Exception('closed')
            told.jupyterhub_message = 'The reading room is closed'
            raise told
        if wanted == 'image':
            from jupyterhub.spawner import SpawnException  # came with 6

            raise SpawnException('bad image', reason='image', status_code=410)
        if wanted == 'hang':
            await asyncio.sleep(3600)
        return await super().start()


FORM = '<input name="opt-profile"><input name="opt-course"><input type="file" name="opt-data">'


def options_from_form(form):
    # Without its prefix since 6.
    said = {key.removeprefix('opt-'): value for key, value in form.items()}
    options = {key: value[0] for key, value in said.items() if key in ('profile', 'course')}
    if options.get('profile') not in ('small', 'large'):
        raise web.HTTPError(422, 'profile: Choose one of small, large')
    if 'data_file' in said:
        # As its database keeps them; its API cannot show bytes.
        options['data_file'] = [
            {
                'filename': file['filename'],
                'content_type': file['content_type'],
                'body': {'__jupyterhub_bytes__': True, 'data': b64encode(file['body']).decode()},
            }
            for file in said['data_file']
        ]
    return options


class TellingAuthenticator(DummyAuthenticator):
    async def authenticate(self, handler, data):
        name = await super().authenticate(handler, data)
        if not name or not name.startswith('info-'):
            return name
        return {'name': name, 'user_info': {'display_name': 'Ina Fo'}, 'auth_state': {'key': 'of-elsewhere'}}

    async def refresh_user(self, user, handler=None):
        return not user.name.startswith('stale-')


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['port']}{settings['base']}"
c.JupyterHub.hub_ip = '127.0.0.1'
c.JupyterHub.hub_port = settings['hubPort']
c.JupyterHub.db_url = f'sqlite:///{folder}/jupyterhub.sqlite'
c.JupyterHub.cookie_secret_file = f'{folder}/cookie_secret'
c.JupyterHub.authenticator_class = TellingAuthenticator
c.Authenticator.enable_auth_state = True
c.JupyterHub.log_level = 'WARN'
# Only where a test is about it: the proxy's figures, read while another test looks, are activity of that moment.
c.JupyterHub.last_activity_interval = 86400
c.DummyAuthenticator.password = settings['password']
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(settings['admins'])
c.JupyterHub.spawner_class = TinySpawner
c.SimpleLocalProcessSpawner.home_dir_template = folder + '/homes/{username}'
c.Spawner.cmd = settings['server']
c.Spawner.environment = settings['environment']
c.Spawner.default_url = '/lab'
c.JupyterHub.load_groups = {name: {'users': users} for name, users in settings['groups'].items()}
c.JupyterHub.load_roles = settings['roles']
c.JupyterHub.custom_scopes = settings['customScopes']
c.JupyterHub.services = settings['services']
c.ConfigurableHTTPProxy.command = settings['proxy']
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['proxyPort']}"
c.ConfigurableHTTPProxy.auth_token = settings['proxyToken']
c.ConfigurableHTTPProxy.pid_file = f'{folder}/proxy.pid'
if settings['asks']:
    c.Spawner.options_form = FORM
    c.Spawner.options_from_form = options_from_form
SPECIAL = {
    'contract_elsewhere': ElsewhereAuthenticator,
    # 0 is for as many as they like.
    'contract_limit': lambda handler: 1 if handler.current_user.name.startswith('few-') else 0,
}
for section, traits in settings['traits'].items():
    for trait, value in traits.items():
        c[section][trait] = SPECIAL.get(value, value) if isinstance(value, str) else value
