"""A process that has imported a notebook server and forks one child per start. `python template.py`

It runs nobody's code, is told no secret (each request's secrets are read by the child that is forked for it) and has one
door: the socket it inherited as descriptor 3, whose other end must be its parent's.

A message is eight digits (the length of what follows), a JSON object, and for `start` as many bytes as its `length` says.
"""

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode, _wrote_bytecode = True, sys.dont_write_bytecode
import traces  # noqa: E402, I001 (before what it watches)
import become  # noqa: E402
import first  # noqa: E402
import kernels  # noqa: E402
import linux  # noqa: E402
import preload  # noqa: E402

DOOR = 3
READ_SECONDS = 5
SHELL = "/bin/sh"


class Template:
    """What children need to know of the process that they were forked from."""

    def __init__(self, settings):
        script = settings["script"]
        self.mode = settings["mode"]
        self.scripts = settings["scripts"]
        self.common = dict(settings["environment"])
        self.markers = dict(settings["markers"])
        self.personal = set(self.markers)
        self.interpreter = settings["interpreter"]
        self.shell_variables = dict(settings["shellVariables"])
        self.dont_write_bytecode = _wrote_bytecode
        self.own_modules = ["become", "first", "kernel_parent", "kernels", "linux", "preload", "traces"]
        with open(script, "rb") as file:
            self.code = compile(file.read(), script, "exec")

    def load(self, settings):
        script = settings["script"]
        sys.path[0] = os.path.dirname(os.path.realpath(script))
        if os.environ.get("LC_CTYPE") != self.common.get("LC_CTYPE"):
            raise preload.Refused("Python", "changes the locale when it starts (PEP 538)")
        os.environ.clear()
        os.environ.update(self.common)
        os.environ.update(self.markers)
        self.initial = dict(os.environ)
        if settings["trusted"] is not None:
            check_origins(settings["trusted"])
        names = [name for name in settings["modules"] if name not in ("__main__", "site")]
        before = set(sys.modules)
        left_out = set(settings["leftOut"])
        common = [name for name in names if name in settings["kernelModules"]]
        self.watch = preload.preload(common, left_out, settings["missing"])
        self.kernels = kernels.Kernels(self, settings)
        with preload.refusing(kernels.ALL):
            self.kernels.load(self, settings)
        preload.preload(names, left_out, settings["missing"], self.watch)
        self.variables = become.changed_variables(self.initial)
        traces.stop_noting()
        self.servers = traces.Traces()
        with preload.refusing(kernels.ALL):
            self.kernels.check(self, settings)
        if not set(names) & set(sys.modules) - before:
            raise preload.Refused(script, "has nothing that could be loaded before")
        for name in ("ctypes", "_ctypes", "ctypes._endian"):
            if name not in names:
                self.own_modules.append(name)
        self.roots = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
        self.randoms = preload.unseeded_randoms()
        self.fresh = preload.fresh
        self.random_places = preload.find_random(self.watch) + self.kernels.find_random()
        from importlib.machinery import SourceFileLoader

        self.loader = lambda path: SourceFileLoader("__main__", path)
        self.find_personal(settings)
        os.environ.clear()
        os.environ.update(self.common)
        self.files = preload.file_stamps()
        return len(set(names) & set(sys.modules))

    def find_personal(self, settings):
        root = settings["root"]
        self.places, stuck = preload.find_marked(root, [settings, settings["markers"], self.markers, vars(self)])
        for place in self.places:
            rest = place.value
            for marker in self.markers.values():
                rest = rest.replace(marker.encode() if isinstance(rest, bytes) else marker, type(rest)())
            if (root.encode() if isinstance(rest, bytes) else root) in rest:
                stuck.append(place.holder)
        if stuck:
            kinds = sorted({type(one).__name__ for one in stuck})
            raise preload.Refused("a module", f"keeps personal settings where they cannot be replaced: {', '.join(kinds)}")


def check_origins(trusted):
    """Every folder that modules may come from was found to be root's alone."""
    for path in sys.path[1:]:
        real = os.path.realpath(path)
        if os.path.exists(real) and not any(real == one or real.startswith(one + "/") for one in trusted):
            raise preload.Refused(path, "is searched for modules, and was not seen to be root's alone")


def receive(door, size):
    data = b""
    while len(data) < size:
        some = door.recv(size - len(data))
        if not some:
            return None
        data += some
    return data


def check_peer(door):
    """Only the process that started this one may ask. It may have been the end of a pair from the beginning."""
    pid, uid, _ = struct.unpack("3i", door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if door.family != socket.AF_UNIX or pid != os.getppid() or uid != os.getuid():
        sys.exit("atrium-template: its door does not lead to its parent")


class Server:
    def __init__(self, door, template):
        self.door, self.template = door, template
        self.starts = {}
        self.own_space = os.open("/proc/self/ns/pid", os.O_RDONLY) if template.mode == "namespaces" else None
        self.wake, woken = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(self.wake, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.retired = False

    def say(self, message):
        self.door.sendall(json.dumps(message).encode() + b"\n")

    def serve(self):
        """Returns only in a server: its code and its module."""
        while True:
            ears = [self.wake, *(start["report"] for start in self.starts.values())]
            if not self.retired:
                ears.append(self.door)
            heard, _, _ = select.select(ears, [], [])
            self.reap()
            for start in [one for one in self.starts.values() if one["report"] in heard]:
                self.told(start)
            if self.door in heard and not self.retired:
                program = self.asked()
                if program is not None:
                    return program
            if self.retired and not self.children():
                os._exit(0)

    def children(self):
        try:
            return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None or True
        except ChildProcessError:
            return False

    def reap(self):
        try:
            while os.read(self.wake, 4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return

    def asked(self):
        head = receive(self.door, 8)
        text = head and receive(self.door, int(head))
        if not text:
            os._exit(0)  # the hub is gone; its servers stay
        message = json.loads(text)
        if message["op"] == "start":
            changed = preload.changed(self.template.files)
            return self.start(message) if changed is None else self.refuse(message, f"{changed} was changed")
        if message["op"] == "size":
            self.say({"id": message["id"], "ok": True, **size_of_self()})
        if message["op"] == "retire":
            self.retired = True
        return None

    def refuse(self, message, why):
        """No server is forked from what is out of date, not now and not later."""
        pid = os.fork()
        if pid == 0:
            # What follows in the stream is for a child's eyes only.
            receive(self.door, message["length"])
            os._exit(0)
        os.waitpid(pid, 0)
        self.say({"id": message["id"], "ok": False, "reason": "changed", "detail": why})
        self.retired = True

    def start(self, message):
        report_in, report_out = os.pipe()
        go_in, go_out = os.pipe()
        status_in, status_out = os.pipe()
        if self.own_space is not None:
            linux.unshare(linux.CLONE_NEWPID)
        try:
            pid = os.fork()
        except OSError as error:
            pid = -1
            failure = error
        if pid == 0:
            linux.close_all_but({DOOR, go_in, status_out, report_out})
            return self.child(message, go_in, status_out, report_out)
        if self.own_space is not None:
            linux.setns(self.own_space, linux.CLONE_NEWPID)
        os.close(report_out)
        os.close(go_in)
        start = {"id": message["id"], "pid": pid, "report": report_in, "status": status_out}
        if pid < 0:
            # What follows in the stream is for a child's eyes only, so this template's time is over.
            self.say({"id": message["id"], "ok": False, "reason": "fork", "detail": str(failure)})
            os._exit(70)
        self.say({"id": message["id"], "first": pid})
        # The child reads its part of the stream; nothing else may be read from it before.
        if first.hear(report_in, READ_SECONDS) != "read":
            os._exit(70)
        try:
            first.enter_launch(message)
            keeper = os.posix_spawn(
                SHELL,
                [SHELL, os.path.join(self.template.scripts, "keeper-warm.sh")],
                {"PATH": first.TOOL_PATH},
                file_actions=[(os.POSIX_SPAWN_DUP2, status_in, 0)],
                setsid=True,
            )
            ours = first.claim("keeper", keeper)
        except OSError:
            ours = False
        finally:
            os.chdir("/")
        os.close(status_in)
        self.starts[report_in] = start
        if ours:
            os.write(go_out, b"go\n")
        else:
            start["taken"] = True
        os.close(go_out)
        return None

    def told(self, start):
        """A first process said how its server began, or ended without a word."""
        said = os.read(start["report"], 4096).decode(errors="replace").strip()
        del self.starts[start["report"]]
        os.close(start["report"])
        # Now the first process alone holds the keeper's other end.
        os.close(start["status"])
        kind, _, rest = said.partition(" ")
        reason, _, detail = rest.partition(" ")
        if kind == "warm" or kind == "cold":
            answer = {"ok": True, "start": kind, "reason": reason, "detail": detail}
        elif start.get("taken"):
            answer = {"ok": True, "start": None, "reason": "", "detail": ""}
        else:
            answer = {"ok": False, "reason": reason or "child", "detail": detail or "its first process ended"}
        self.say({"id": start["id"], **answer})

    def child(self, message, go, keeper, report):
        signal.set_wakeup_fd(-1)
        try:
            body = receive(self.door, message["length"])
            self.door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            request = {**message, **json.loads(body)}
            os.write(report, b"read\n")
            if first.hear(go, 60) != "go":
                os._exit(0)
            os.close(go)
            return first.first_process(self.template, request, keeper, report)
        except BaseException as error:
            reason = error.reason if isinstance(error, become.Cold) else "child"
            text = f"failed {reason} {type(error).__name__}: {error}\n"
            os.write(report, text.encode(errors="replace"))
            os._exit(71)


def size_of_self():
    found = {}
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss", "Private_Clean", "Private_Dirty"):
                found[name] = int(rest.split()[0]) * 1024
    return {
        "memoryBytes": found.get("Pss", 0),
        "privateBytes": found.get("Private_Clean", 0) + found.get("Private_Dirty", 0),
        "residentBytes": found.get("Rss", 0),
    }


def main():
    linux.set_name(b"atrium-template")
    # What this process starts must not hold the door open when it is gone.
    os.set_inheritable(DOOR, False)
    door = socket.socket(fileno=DOOR)
    check_peer(door)
    settings = json.loads(receive(door, int(receive(door, 8))))
    started = time.monotonic()
    if not linux.can_set_command_line():
        raise preload.Refused("the kernel", "does not let a process set its own command line")
    gc.disable()
    template = Template(settings)
    count = template.load(settings)
    if settings["nice"] is not None:
        # It was loaded while others went first; its children are as important as anybody.
        os.setpriority(os.PRIO_PROCESS, 0, settings["nice"])
    settings.clear()
    os.chdir("/")
    gc.collect()
    gc.freeze()
    server = Server(door, template)
    facts = {"modules": count, "withoutKernels": template.kernels.without, "seconds": time.monotonic() - started}
    server.say({"ready": True, **facts, **size_of_self()})
    return server.serve()


if __name__ == "__main__":
    try:
        _code, _module = main()
    except preload.Refused as refusal:
        _name, _why = refusal.args
        os.write(DOOR, json.dumps({"refused": True, "module": _name, "why": _why}).encode() + b"\n")
        os._exit(1)
    exec(_code, _module.__dict__)
