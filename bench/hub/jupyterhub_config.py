"""A JupyterHub like the Atrium beside it: one password for everybody, and a spawner that starts nothing."""

import os
from urllib.parse import urlparse

from jupyterhub.spawner import Spawner

public_port, hub_port, proxy_port = os.environ["BENCH_PORTS"].split(",")
folder = os.environ["BENCH_DIR"]
echo = urlparse(os.environ["BENCH_ECHO_URL"])


class EchoSpawner(Spawner):
    """Every server is the one echo server of the benchmark."""

    started = False

    def get_state(self):
        return {**super().get_state(), "started": self.started}

    def load_state(self, state):
        super().load_state(state)
        self.started = state.get("started", False)

    def clear_state(self):
        super().clear_state()
        self.started = False

    async def start(self):
        self.started = True
        return (echo.hostname, echo.port)

    async def poll(self):
        return None if self.started else 0

    async def stop(self, now=False):
        self.started = False


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{public_port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(hub_port)
c.JupyterHub.db_url = f"sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.JupyterHub.concurrent_spawn_limit = int(os.environ["BENCH_SPAWN_LIMIT"])
c.JupyterHub.spawner_class = EchoSpawner
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["BENCH_PASSWORD"]
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = [os.environ["BENCH_NODE"], os.environ["BENCH_PROXY"]]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"
