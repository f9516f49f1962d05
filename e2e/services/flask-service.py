"""A service that asks the hub about tokens, as JupyterHub's documentation has it."""

import os
from functools import wraps
from urllib.parse import urlparse

from flask import Flask, Response, jsonify, request
from jupyterhub.services.auth import HubAuth

auth = HubAuth(api_token=os.environ["JUPYTERHUB_API_TOKEN"], cache_max_age=1)
app = Flask(__name__)
prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]


def authenticated(page):
    @wraps(page)
    def decorated(*args, **kwargs):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        user = auth.user_for_token(token) if token else None
        if not user:
            return Response("who are you?", 401)
        return page(user, *args, **kwargs)

    return decorated


@app.route(prefix)
@authenticated
def whoami(user):
    return jsonify(user)


url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
app.run(port=url.port, host=url.hostname)
