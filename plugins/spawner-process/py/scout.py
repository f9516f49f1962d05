"""Run as `python -c <this text> <script> <arguments…>`, as a cold start of a server by an account that nobody has.

Starts the server exactly as its script would, waits until it answers on its Unix socket, writes down on standard output
which modules it had loaded by then, and ends. Notes meanwhile what a process that preloads them has to know: which module
drew random bytes, read an environment variable or looked for a module that is not there while it was being imported.
"""

import json
import os
import socket
import sys
import threading
import time

MARK = "ATRIUM-SCOUT "
ANSWER_SECONDS = 100


def importing():
    """The module that is being executed for its import, innermost first; None outside of imports."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            name = frame.f_globals.get("__name__")
            return name if name != "__main__" else None
        frame = frame.f_back
    return None


random_at_import = set()
environ_at_import = {}
missing = set()


def watch_random():
    draw = os.urandom

    def urandom(size, /):
        name = importing()
        if name:
            random_at_import.add(name)
        return draw(size)

    os.urandom = urandom


def watch_environ():
    def note(key):
        name = importing()
        # What imports modules and decodes names reads some for itself; their values do not stay in a module.
        if name and isinstance(key, str):
            environ_at_import.setdefault(key, set()).add(name)

    base = type(os.environ)

    class Watched(base):
        def __getitem__(self, key):
            note(key)
            return base.__getitem__(self, key)

        def __contains__(self, key):
            note(key)
            return base.__contains__(self, key)

        def __iter__(self):
            note("*")
            return base.__iter__(self)

    os.environ.__class__ = Watched


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


def report_when_answered(before):
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
            found = {
                "modules": modules,
                "before": sorted(before),
                "random": sorted(random_at_import),
                "environ": {key: sorted(names) for key, names in environ_at_import.items()},
                "missing": sorted(missing),
            }
            os.write(1, ("\n" + MARK + json.dumps(found) + "\n").encode())
            os._exit(0)
        time.sleep(0.05)
    os._exit(3)


def run(arguments):
    before = set(sys.modules)
    script = arguments[0]
    hub = "http://127.0.0.1:%d/hub/" % play_hub()
    os.environ["JUPYTERHUB_API_URL"] = hub + "api"
    os.environ["JUPYTERHUB_ACTIVITY_URL"] = hub + "api/users/scout/activity"
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    watch_random()
    watch_environ()
    sys.meta_path.append(Nobody)
    threading.Thread(target=report_when_answered, args=(before,), daemon=True).start()
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    main = sys.modules["__main__"].__dict__
    main["__file__"] = script
    exec(code, main)


if __name__ == "__main__":
    run(sys.argv[1:])
