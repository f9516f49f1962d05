"""A JupyterHub like the Atrium beside it: one password for everybody, and a spawner that starts nothing."""

import os
from urllib.parse import urlparse

from jupyterhub.spawner import Spawner

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


load_subconfig("jupyterhub_common.py", path=os.path.dirname(__file__))  # noqa: F821

c = get_config()  # noqa: F821
c.JupyterHub.concurrent_spawn_limit = int(os.environ["BENCH_SPAWN_LIMIT"])
c.JupyterHub.spawner_class = EchoSpawner
