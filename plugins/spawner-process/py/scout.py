"""Run as `python -c <this text> <script> <arguments…>`, as a cold start of a server by an account that nobody has.

Starts the server exactly as its script would, waits until it answers on its Unix socket, writes down on standard output
which modules it had loaded by then and which it had looked for that are not there, and ends.
"""

import json
import os
import socket
import sys
import threading
import time

MARK = "ATRIUM-SCOUT "
ANSWER_SECONDS = 100


missing = set()


class Nobody:
    """Asked last for every module: what comes here is nowhere."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None:
            missing.add(name)
        return None


def play_hub():
    """A hub that answers everything with its version, for the one that a single-user server greets at its start."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(16)
    body = b'{"version": "5.0.0"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-JupyterHub-Version: 5.0.0\r\nConnection: close\r\n"

    def serve():
        while True:
            caller, _ = door.accept()
            with caller:
                caller.settimeout(5)
                try:
                    caller.recv(65536)
                    caller.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


def answers(path, target):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        try:
            caller.connect(path)
            caller.sendall(b"GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % target.encode())
            status = caller.recv(64).split(b" ")
        except OSError:
            return False
        return len(status) > 1 and status[1].isdigit() and int(status[1]) < 500


def report_when_answered():
    path = os.environ["ATRIUM_SOCKET"]
    target = os.environ["JUPYTERHUB_SERVICE_PREFIX"] + "api"
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        if answers(path, target):
            modules = [
                [name, getattr(getattr(module, "__spec__", None), "origin", None)]
                for name, module in list(sys.modules.items())
                if getattr(module, "__spec__", None) is not None
            ]
            found = {"modules": modules, "missing": sorted(missing)}
            os.write(1, ("\n" + MARK + json.dumps(found) + "\n").encode())
            os._exit(0)
        time.sleep(0.05)
    os._exit(3)


def run(arguments):
    script = arguments[0]
    hub = "http://127.0.0.1:%d/hub/" % play_hub()
    os.environ["JUPYTERHUB_API_URL"] = hub + "api"
    os.environ["JUPYTERHUB_ACTIVITY_URL"] = hub + "api/users/scout/activity"
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    sys.meta_path.append(Nobody)
    threading.Thread(target=report_when_answered, daemon=True).start()
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    main = sys.modules["__main__"].__dict__
    main["__file__"] = script
    exec(code, main)


if __name__ == "__main__":
    run(sys.argv[1:])
