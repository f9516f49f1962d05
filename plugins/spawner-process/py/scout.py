"""Run as `python -c <this text> <script> <arguments…>`, as a cold start of a server by an account that nobody has.

Starts the server exactly as its script would, waits until it answers on its Unix socket, writes down on standard output
which modules it had loaded by then and which it had looked for that are not there, and which modules a kernel
had loaded that it started then, and ends.
"""

import ast
import json
import os
import socket
import sys
import threading
import time

MARK = "ATRIUM-SCOUT "
# Together less than a template's maker waits.
ANSWER_SECONDS = 100
READY_SECONDS, CELL_SECONDS = 40, 20


MODULES = """__import__("json").dumps(
    [[name, getattr(getattr(module, "__spec__", None), "origin", None)] for name, module in __import__("sys").modules.items()]
)"""

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


def modules_of_kernel():
    """What a kernel of this environment has loaded when it runs its first cell; else, why there is none, and whether there
    may be one another time."""
    try:
        from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, NoSuchKernel
        from jupyter_client.manager import KernelManager
    except ImportError as error:
        return [], f"the environment has none: {error}", False
    try:
        manager = KernelManager(transport="ipc")
        command = manager.kernel_spec.argv[:3]
        if manager.format_kernel_cmd()[:3] != [sys.executable, "-m", "ipykernel_launcher"]:
            return [], f"the kernel {NATIVE_KERNEL_NAME} is another program: {' '.join(command)}", False
        manager.start_kernel()
        try:
            client = manager.blocking_client()
            client.start_channels()
            client.wait_for_ready(timeout=READY_SECONDS)
            asked = {"modules": MODULES}
            reply = client.execute("", user_expressions=asked, reply=True, timeout=CELL_SECONDS)
            text = reply["content"]["user_expressions"]["modules"]["data"]["text/plain"]
            return json.loads(ast.literal_eval(text)), "", False
        finally:
            manager.shutdown_kernel(now=True)
    except NoSuchKernel as error:
        return [], f"the environment has none: {error}", False
    except Exception as error:
        return [], f"one that was started for a try failed: {type(error).__name__}: {error}", True


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
            of_kernel, without, passing = modules_of_kernel()
            kernel = {"kernelModules": of_kernel, "withoutKernels": without, "passing": passing}
            found = {"modules": modules, "missing": sorted(missing), **kernel}
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
