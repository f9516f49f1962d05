"""A JupyterHub like the Atrium beside it: one password for everybody, and real notebook servers as local processes."""

import os

folder = os.environ["BENCH_DIR"]
python = os.environ["BENCH_PYTHON"]
PATIENCE = int(os.environ["BENCH_PATIENCE"])

load_subconfig("jupyterhub_common.py", path=os.path.join(os.path.dirname(__file__), "..", "hub"))  # noqa: F821

c = get_config()  # noqa: F821
c.JupyterHub.services = [{"name": "bench", "api_token": os.environ["BENCH_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "bench", "scopes": ["access:servers"], "services": ["bench"]}]

# Without accounts on this machine: every server runs as whoever runs the hub, and nothing keeps them apart.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = folder + "/homes/{username}"
c.Spawner.cmd = [f"{python}/bin/jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root"] if os.getuid() == 0 else []
c.Spawner.default_url = "/lab"
c.Spawner.environment = {"PATH": f"{python}/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
# Its own patience, 30 s until a server answers, would fail most of a hundred that start on two cores.
c.Spawner.start_timeout = PATIENCE
c.Spawner.http_timeout = PATIENCE
