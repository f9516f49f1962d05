"""A service that signs its visitors in, as JupyterHub's documentation has it."""

import json
import os
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler, authenticated


class WhoAmI(HubOAuthenticated, RequestHandler):
    @authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
app = Application(
    [(prefix, WhoAmI), (prefix + r"oauth_callback", HubOAuthCallbackHandler)],
    cookie_secret=os.urandom(32),
)
url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
HTTPServer(app).listen(url.port, url.hostname)
IOLoop.current().start()
