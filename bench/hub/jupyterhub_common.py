"""What every JupyterHub of the benchmarks has, like the Atrium beside it: SQLite, one password for everybody, its own proxy."""

import os

public_port, hub_port, proxy_port = os.environ["BENCH_PORTS"].split(",")
folder = os.environ["BENCH_DIR"]

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{public_port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(hub_port)
c.JupyterHub.db_url = f"sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["BENCH_PASSWORD"]
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = [os.environ["BENCH_NODE"], os.environ["BENCH_PROXY"]]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = f"{folder}/proxy.pid"
