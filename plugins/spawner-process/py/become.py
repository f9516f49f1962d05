"""What a child of the template does to be what a cold start of the same command would be."""

import gc
import importlib
import os
import random
import signal
import site
import sys
import time
import types

import linux

# What is set at the start of an interpreter and cannot be changed afterwards.
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")


class Cold(Exception):
    """This start has to be a cold one; says which reason the hub counts, and more for its log."""

    def __init__(self, reason, detail):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def check_environment(env, template):
    """The variables that decided something while the template was loaded must be what they were then."""
    for name in env:
        if name.startswith("PYTHON"):
            raise Cold("python_variables", f"{name} is set")
    for name in LOCALE:
        if env.get(name) != template.common.get(name):
            raise Cold("locale", f"{name} differs from the template's")
    for name in template.watch.environ:
        if name in template.personal:
            if not env.get(name):
                raise Cold("environment", f"{name} is empty, and modules read it when they are imported")
        elif env.get(name) != template.common.get(name):
            raise Cold("environment", f"{name} differs from the template's, and modules read it when they are imported")


def user_site(roots, missing):
    """The person's own packages where this Python looks for them. They must not come before what is loaded already."""
    if not site.ENABLE_USER_SITE:
        return None
    site.USER_BASE = site.USER_SITE = None
    folder = site.getusersitepackages()
    if not os.path.isdir(folder):
        return None
    for entry in os.listdir(folder):
        name = entry.split(".")[0]
        if entry.endswith(".pth") or name in ("usercustomize", "sitecustomize"):
            raise Cold("shadowed", f"{entry} in the person's own site packages runs when Python starts")
        if name in roots or name in missing:
            raise Cold("shadowed", f"{folder} has {name}")
    return folder


def replace_environment(env):
    os.environ.clear()
    os.environ.update(env)
    time.tzset()


def changed_variables(initial):
    """What was done to the environment since, as a program does that sets variables for what it starts; None: taken out."""
    changed = {name: value for name, value in os.environ.items() if initial.get(name) != value}
    return {**changed, **{name: None for name in initial if name not in os.environ}}


def change_variables(changed):
    for name, value in changed.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def replace_personal(template, env):
    """Everything that was made from a marker while it was imported is made from the person's own value."""
    for place in template.places:
        value = place.value
        for name, marker in template.markers.items():
            own = env.get(name, "")
            if isinstance(value, bytes):
                value = value.replace(marker.encode(), os.fsencode(own))
            else:
                value = value.replace(marker, own)
        place.put(value)


def renew_random(template):
    """The kernel gives other bytes to each process by itself, and so does OpenSSL; these keep a state of their own."""
    random.seed()
    for one in template.randoms:
        one.seed()
    for place, raw in template.random_places:
        place.put(template.fresh(place.value, raw))
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process()._config["authkey"] = process.AuthenticationString(os.urandom(32))
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def renew_library():
    """What Python's own library found out about the process that it was loaded in."""
    sysconfig = sys.modules.get("sysconfig")
    if sysconfig is not None:
        sysconfig._CONFIG_VARS = None
        if hasattr(sysconfig, "_CONFIG_VARS_INITIALIZED"):
            sysconfig._CONFIG_VARS_INITIALIZED = False
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None
        tempfile._name_sequence = None
    threading = sys.modules.get("threading")
    if threading is not None and hasattr(threading.main_thread(), "_set_native_id"):
        threading.main_thread()._set_native_id()
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        uuid._node = uuid._last_timestamp = None
    handlers = sys.modules.get("wsgiref.handlers")
    if handlers is not None:
        fresh = handlers.read_environ()
        for kind in vars(handlers).values():
            if isinstance(kind, type) and "os_environ" in vars(kind):
                kind.os_environ = dict(fresh)


def replace_modules(template, arguments, folder):
    """`sys`, and the modules: nothing of the template is left in them."""
    script = arguments[0]
    sys.argv = list(arguments)
    sys.orig_argv = [*template.interpreter, *arguments]
    sys.path[:] = search_path(template.servers.path, template.servers.path[0], folder)
    for name in template.own_modules:
        sys.modules.pop(name, None)
    sys.dont_write_bytecode = template.dont_write_bytecode
    return fresh_main(script, template.loader(script))


def search_path(known, own, folder):
    """`sys.path` with the program's own folder, and with the person's own packages where there are any."""
    path = [own, *known[1:]]
    if folder is not None:
        purelib = [at for at, entry in enumerate(path) if entry.endswith(("site-packages", "dist-packages"))]
        path.insert(purelib[0] if purelib else len(path), folder)
    return path


def fresh_main(script, loader):
    """As Python makes it before it runs a program; and nothing is remembered of the folders that it looks for modules in."""
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    main = types.ModuleType("__main__")
    main.__builtins__ = sys.modules["builtins"]
    main.__annotations__ = {}
    main.__loader__ = loader
    if script is not None:
        main.__file__ = script
        main.__cached__ = None
    sys.modules["__main__"] = main
    return main


def signals_of_a_shells_child():
    """Every signal as a program finds it that a shell started in the background."""
    signal.set_wakeup_fd(-1)
    set_signals({signal.SIGINT, signal.SIGQUIT}, blocked=())


def set_signals(ignored, blocked, caught=()):
    """As Python has them after its start in a process that ignores and blocks these. What libraries catch stays."""
    ignored = {*ignored, signal.SIGPIPE, signal.SIGXFSZ}
    # Two cannot be changed, and two are the C library's.
    fixed = {signal.SIGKILL, signal.SIGSTOP, 32, 33}
    for number in {*range(1, signal.NSIG)} - fixed - ({*caught} - ignored):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    if signal.SIGINT not in ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def become(template, request, env):
    """Gives the code and the module that are this process from now on. Raises `Cold` when it has to be a cold start."""
    arguments = request["command"]
    check_environment(env, template)
    replace_environment(env)
    folder = user_site(template.roots, template.watch.missing)
    replace_personal(template, env)
    change_variables(template.variables)
    renew_random(template)
    renew_library()
    main = replace_modules(template, arguments, folder)
    linux.set_name(os.fsencode(os.path.basename(arguments[0])))
    linux.set_command_line([os.fsencode(word) for word in sys.orig_argv], env)
    gc.enable()
    return template.code, main
