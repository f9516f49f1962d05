"""What a Python process can find out about itself, for a comparison of two of them.

`install()` answers SIGUSR2: it writes the facts into the file that `ask` beside this file names. Everything here runs in
the process that is looked at, as its own account; nothing is imported that is not looked up at the time of asking, so
that the modules loaded are its own.
"""

PROBE_DIR = __file__.rpartition("/")[0]


def attempt(read):
    """The answer, or how it was refused: a refusal is a fact, too."""
    try:
        return read()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def text_of(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def described(value):
    """A name that two processes share, where `repr` would give an address."""
    kind = type(value)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    module = getattr(value, "__module__", "") or ""
    return f"{module}.{name}" if isinstance(name, str) else f"{kind.__module__}.{kind.__qualname__}"


def interpreter():
    import sys

    main = sys.modules["__main__"]
    return {
        "flags": str(sys.flags),
        "path": sys.path,
        "argv": sys.argv,
        "orig_argv": sys.orig_argv,
        "executable": sys.executable,
        "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
        "warnoptions": sys.warnoptions,
        "xoptions": sys._xoptions,
        "meta_path": [described(finder) for finder in sys.meta_path],
        "path_hooks": [described(hook) for hook in sys.path_hooks],
        "path_importer_cache": sorted(sys.path_importer_cache),
        "dont_write_bytecode": sys.dont_write_bytecode,
        "pycache_prefix": sys.pycache_prefix,
        "recursion_limit": sys.getrecursionlimit(),
        "switch_interval": sys.getswitchinterval(),
        "trace": [described(sys.gettrace()), described(sys.getprofile())],
        "hooks": [described(hook) for hook in (sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook)],
        "encodings": [sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
        "hash_seeded": hash("") == 0 and sys.flags.hash_randomization,
        "streams": {name: attempt(lambda name=name: stream(getattr(sys, name))) for name in ("stdin", "stdout", "stderr")},
        "main": {
            "names": sorted(vars(main)),
            "file": getattr(main, "__file__", None),
            "spec": described(main.__spec__) if main.__spec__ else None,
            "doc": main.__doc__,
            "cached": getattr(main, "__cached__", None),
            "loader": described(getattr(main, "__loader__", None)),
        },
    }


def stream(one):
    return {
        "class": described(type(one)),
        "name": getattr(one, "name", None),
        "mode": getattr(one, "mode", None),
        "fileno": one.fileno(),
        "isatty": one.isatty(),
        "encoding": one.encoding,
        "errors": one.errors,
        "line_buffering": one.line_buffering,
        "write_through": one.write_through,
    }


def modules():
    import sys

    return sorted(sys.modules)


def site_packages():
    import site

    return {"enabled": site.ENABLE_USER_SITE, "user_site": site.USER_SITE, "user_base": site.USER_BASE}


def account():
    import getpass
    import grp
    import os
    import pwd
    import tempfile

    mask = os.umask(0o777)
    os.umask(mask)
    return {
        "uids": os.getresuid(),
        "gids": os.getresgid(),
        "groups": sorted(os.getgroups()),
        "umask": oct(mask),
        "cwd": os.getcwd(),
        "home": os.path.expanduser("~"),
        "name": attempt(getpass.getuser),
        "passwd": attempt(lambda: list(pwd.getpwuid(os.getuid()))),
        "group": attempt(lambda: list(grp.getgrgid(os.getgid()))),
        "login": attempt(os.getlogin),
        "tmp": tempfile.gettempdir(),
        "leads_group_and_session": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()],
        "pid": os.getpid(),
        "parent": os.getppid(),
        "terminal": attempt(lambda: os.ttyname(0)),
        "affinity": sorted(os.sched_getaffinity(0)),
        "nice": [os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)],
        "cpus": os.cpu_count(),
    }


def resources():
    import resource

    names = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}


def place_and_time():
    import locale
    import time

    categories = ("LC_CTYPE", "LC_COLLATE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "LC_MESSAGES")
    return {
        "categories": {name: locale.setlocale(getattr(locale, name)) for name in categories},
        "default": attempt(locale.getlocale),
        "preferred": locale.getpreferredencoding(),
        "convention": locale.localeconv(),
        "zone": [time.tzname, time.timezone, time.altzone, time.daylight],
        "local": time.strftime("%z", time.localtime(0)),
    }


def environment():
    import os

    # What C code sees may differ from what Python kept.
    import ctypes

    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    names = sorted(os.environ)
    seen = {name: (getenv(name.encode()) or b"").decode(errors="surrogateescape") for name in names}
    return {"python": dict(os.environ), "order": list(os.environ), "unlike_in_c": [n for n in names if seen[n] != os.environ[n]]}


def signals():
    import signal

    def disposition(number):
        handler = signal.getsignal(number)
        return str(handler) if isinstance(handler, (signal.Handlers, type(None))) else described(handler)

    return {
        "handlers": {str(number): disposition(number) for number in sorted(signal.valid_signals())},
        "blocked": sorted(str(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "pending": sorted(str(number) for number in signal.sigpending()),
        "wakeup": wakeup_fd_is_set(),
        "timers": [signal.getitimer(which) for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)],
    }


def wakeup_fd_is_set():
    import signal

    number = signal.set_wakeup_fd(-1)
    if number != -1:
        signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number != -1


def concurrency():
    import atexit
    import multiprocessing
    import os
    import sys
    import threading

    asyncio = sys.modules.get("asyncio")
    process = multiprocessing.current_process()
    return {
        # Those of a pool come when there is work, at any time.
        "threads": sorted(one.name for one in threading.enumerate() if not one.name.startswith("ThreadPoolExecutor")),
        "this_is_main": threading.current_thread() is threading.main_thread(),
        "main_is_process": threading.main_thread().native_id == os.getpid(),
        "task_comms": sorted({text_of(f"/proc/self/task/{task}/comm").strip() for task in os.listdir("/proc/self/task")}),
        "excepthook": described(threading.excepthook),
        "loop": attempt(lambda: described(type(asyncio.get_running_loop()))) if asyncio else None,
        "policy": attempt(lambda: described(type(asyncio.get_event_loop_policy()))) if asyncio else None,
        "atexit": atexit._ncallbacks(),
        "process": [process.name, process.daemon, multiprocessing.get_start_method(allow_none=True)],
    }


def housekeeping():
    import faulthandler
    import gc
    import logging
    import warnings

    root = logging.getLogger()
    return {
        "gc_enabled": gc.isenabled(),
        "gc_threshold": gc.get_threshold(),
        "gc_debug": gc.get_debug(),
        "gc_frozen": gc.get_freeze_count() > 0,
        "gc_callbacks": [described(callback) for callback in gc.callbacks],
        "warnings": [[f[0], str(f[1]), f[2].__name__, str(f[3]), f[4]] for f in warnings.filters],
        "showwarning": described(warnings.showwarning),
        "logging": [root.level, logging.root.manager.disable, [described(type(handler)) for handler in root.handlers]],
        "loggers": sorted(f"{name} {logging.getLogger(name).level}" for name in list(logging.root.manager.loggerDict)),
        "faulthandler": faulthandler.is_enabled(),
    }


def kernel_settings():
    """What `prctl` tells."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_int(-1)
    name = ctypes.create_string_buffer(16)

    def pointed(option):
        number.value = -1
        return [libc.prctl(option, ctypes.byref(number), 0, 0, 0), number.value]

    libc.prctl(16, name, 0, 0, 0)
    return {
        "pdeathsig": pointed(2),
        "dumpable": libc.prctl(3, 0, 0, 0, 0),
        "keepcaps": libc.prctl(7, 0, 0, 0, 0),
        "name": name.value.decode(),
        "seccomp": libc.prctl(21, 0, 0, 0, 0),
        "securebits": libc.prctl(27, 0, 0, 0, 0),
        "timerslack": libc.prctl(30, 0, 0, 0, 0),
        "subreaper": pointed(37),
        "no_new_privs": libc.prctl(39, 0, 0, 0, 0),
        "thp_disable": libc.prctl(42, 0, 0, 0, 0),
        "ambient": [libc.prctl(47, 1, capability, 0, 0) for capability in (0, 6, 7, 21)],
        "bounding": [libc.prctl(23, capability, 0, 0, 0) for capability in range(40)],
        "personality": libc.personality(0xFFFFFFFF),
    }


def auxiliary():
    """What the kernel told the process when it was made; addresses left out."""
    import struct

    with open("/proc/self/auxv", "rb") as file:
        pairs = struct.iter_unpack("NN", file.read())
    names = {6: "page", 11: "uid", 12: "euid", 13: "gid", 14: "egid", 16: "hwcap", 17: "ticks", 23: "secure"}
    return {names[key]: value for key, value in pairs if key in names}


def descriptors():
    """Every open descriptor but those of connections, which come and go."""
    import os
    import socket

    found = {}
    for name in os.listdir("/proc/self/fd"):
        target = attempt(lambda name=name: os.readlink(f"/proc/self/fd/{name}"))
        if target.startswith("FileNotFoundError"):
            continue
        flags = text_of(f"/proc/self/fdinfo/{name}").split("flags:\t")[1].split("\n")[0]
        if target.startswith("socket:"):
            one = socket.socket(fileno=os.dup(int(name)))
            try:
                listens = bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
                own, peer = str(one.getsockname()), attempt(lambda one=one: str(one.getpeername()))
                connected = one.family != socket.AF_UNIX or own or peer not in ("", "b''")
                if connected and not listens and not peer.startswith("OSError"):
                    continue
                target = f"socket {one.family.name} {one.type.name} {own if one.family == socket.AF_UNIX else ''} {listens}"
            finally:
                one.close()
        found[name] = f"{target} {flags}"
    return found


def files_of_proc():
    names = (
        "status cmdline comm cgroup limits mountinfo uid_map gid_map setgroups oom_score_adj coredump_filter timerslack_ns "
        "loginuid sessionid personality cpuset autogroup attr/current projid_map"
    )
    return {name: attempt(lambda name=name: text_of(f"/proc/self/{name}")) for name in names.split()}


def links_of_proc():
    import os

    found = {name: attempt(lambda name=name: os.readlink(f"/proc/self/{name}")) for name in ("cwd", "root", "exe")}
    spaces = sorted(os.listdir("/proc/self/ns"))
    return {**found, **{f"ns/{name}": attempt(lambda name=name: os.readlink(f"/proc/self/ns/{name}")) for name in spaces}}


def stat_of_proc():
    stat = text_of("/proc/self/stat")
    fields = stat[stat.rindex(")") + 2 :].split(" ")
    return {
        "terminal": fields[4],
        "foreground": fields[5],
        "flags": fields[6],
        "priority": fields[15],
        "nice": fields[16],
        "exit_signal": fields[35],
        "realtime": fields[37],
        "policy": fields[38],
    }


def mapped_files():
    lines = text_of("/proc/self/maps").splitlines()
    return sorted({line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6})


def visible_processes():
    import os

    numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    return [f"{number} {attempt(lambda number=number: text_of(f'/proc/{number}/comm').strip())}" for number in numbers]


def jupyter():
    import json
    import subprocess
    import sys

    def ask(*arguments):
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    paths = sys.modules.get("jupyter_core.paths")
    names = "jupyter_config_dir jupyter_data_dir jupyter_runtime_dir jupyter_path jupyter_config_path"
    return {
        "command": ask("jupyter", "--paths", "--json"),
        "own": {name: attempt(getattr(paths, name)) for name in names.split()} if paths else None,
        "traits": attempt(application),
    }


def application():
    """How the running server was configured: every trait that a command line or a file can set."""
    import sys

    server = sys.modules["jupyter_server.serverapp"].ServerApp
    one = server._instance
    if one is None:
        return None
    traits = {name: repr(getattr(one, name, None)) for name in sorted(one.trait_names(config=True))}
    loaded = sorted(one.extension_manager.extensions)
    return {"traits": {n: v for n, v in traits.items() if " at 0x" not in v}, "extensions": loaded}


def chance():
    """Must never be the same twice."""
    import multiprocessing
    import os
    import random
    import secrets
    import ssl
    import sys
    import tempfile
    import uuid

    numpy = sys.modules.get("numpy.random")
    found = {
        "random": random.random(),
        "getrandbits": random.getrandbits(64),
        "system": random.SystemRandom().random(),
        "secrets": secrets.token_hex(),
        "urandom": os.urandom(16).hex(),
        "ssl": ssl.RAND_bytes(16).hex(),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "authkey": bytes(multiprocessing.current_process().authkey).hex(),
        "temporary": next(tempfile._get_candidate_names()),
    }
    if numpy:
        found["numpy"] = float(numpy.rand())
        found["numpy_generator"] = float(numpy.default_rng().random())
    return found


def facts():
    # First, before anything here loads a module.
    loaded = modules()
    return {
        "modules": loaded,
        "proc": files_of_proc(),
        "links": links_of_proc(),
        "stat": stat_of_proc(),
        "fd": descriptors(),
        "maps": mapped_files(),
        "processes": visible_processes(),
        "auxv": auxiliary(),
        "prctl": kernel_settings(),
        "sys": interpreter(),
        "site": site_packages(),
        "account": account(),
        "limits": resources(),
        "locale": place_and_time(),
        "environ": environment(),
        "signals": signals(),
        "concurrency": concurrency(),
        "housekeeping": housekeeping(),
        "jupyter": jupyter(),
        "chance": chance(),
    }


def write(name):
    import json
    import os
    import traceback

    try:
        answer = {"facts": facts()}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    with open(f"{PROBE_DIR}/{name}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(answer, file, default=str)
    os.rename(f"{PROBE_DIR}/{name}.new", f"{PROBE_DIR}/{name}")


def install():
    import signal

    signal.signal(signal.SIGUSR2, lambda *_: write(text_of(f"{PROBE_DIR}/ask").strip()))
