"""What a template has loaded for kernels besides what servers have, and how a process forked from it becomes one of them.

A kernel that is forked is what `python -m ipykernel_launcher -f <file>` would have become; see `kernel_parent.py`.
"""

import gc
import os
import sys
import types

import become
import linux
import preload
import traces

# As an environment would have it that had it installed.
GROUP, NAME = "jupyter_client.kernel_provisioners", "atrium-kernels"
MODULE, CLASS = "atrium_kernels", "AtriumProvisioner"
PROVISIONER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "provisioner.py")
FACTORY = "jupyter_client.provisioning.factory"
LAUNCHER = "ipykernel_launcher"
# Read by the loader, the C library or Python itself, before a kernel could.
OF_THE_PROCESS = ("PYTHON", "LD_", "MALLOC_", "GLIBC_TUNABLES", "OPENSSL_")
# Each kernel has another one, and `ipykernel.kernelapp` reads it when it is imported.
OF_THE_KERNEL = "JPY_PARENT_PID"
# Whom a refusal is about when it is no single module: then there are warm servers without warm kernels.
ALL = "the kernel's modules"
PROGRAM = compile(f"from runpy import _run_module_as_main as run\nrun({LAUNCHER!r})", "<atrium>", "exec")


class Kernels:
    """`without` says why there are none; '' where there are, and only then there is anything else."""

    def __init__(self, template, settings):
        self.without = unsuited(template, settings)

    def load(self, template, settings):
        """After what servers and kernels have in common: loads what only kernels need, and goes back."""
        if self.without:
            return
        self.provisioner = provisioner()
        before, variables = traces.Traces(), dict(os.environ)
        caught = linux.signals_of("self", "SigCgt")
        names = [name for name in settings["kernelModules"] if name not in ("__main__", "site")]
        marker = os.environ[OF_THE_KERNEL] = str(int.from_bytes(os.urandom(7), "big") + 2**56)
        self.watch = preload.preload(names, set(settings["leftOut"]), template.watch.missing)
        self.places = find_parent(marker, sorted(self.watch.environ.pop(OF_THE_KERNEL, ())))
        os.environ.pop(OF_THE_KERNEL, None)
        if not traces.all_exits_known():
            raise preload.Refused(ALL, "ask to be called at the end in a way that is not seen")
        # Libraries in C do that, such as readline; Python does not know of it.
        self.caught = linux.signals_of("self", "SigCgt") - caught
        self.traces = traces.Traces()
        # What is loaded already names no threads later; a kernel's own begin with the same number.
        self.traces.threads = before.threads
        self.names = set(settings["kernelModules"])
        self.roots = {name.split(".")[0] for name in (*names, LAUNCHER)} - set(sys.stdlib_module_names)
        self.variables = become.changed_variables(template.initial)
        files = {getattr(sys.modules.get(name), "__file__", None) for name in names} - {None}
        # Something may have been added that was not there when it was looked for.
        self.files = {path: preload.stamp(path) for path in (*files, *sys.path[1:])}
        before.restore(traces.Traces())
        os.environ.clear()
        os.environ.update(variables)

    def find_random(self):
        return [] if self.without else preload.find_random(self.watch)

    def check(self, template, settings):
        """After everything is loaded: that each gets what it has forgotten when it asks for it."""
        if self.without:
            return
        if FACTORY not in sys.modules:
            raise preload.Refused(ALL, f"cannot be asked for: {FACTORY} could not be loaded")
        # What is taken out of `sys.modules` stays where it is: to free it would copy every page that it lies on.
        linux.keep_for_ever((self.traces, template.servers))
        if settings["known"]:
            return
        # In a process of its own, which may crash.
        pid = os.fork()
        if pid == 0:
            try:
                traces.load_again(traces.differing(self.traces, template.servers))
                os._exit(0)
            except BaseException as error:
                os.write(2, f"No warm kernels: {type(error).__name__}: {error}\n".encode(errors="replace"))
                os._exit(1)
        if os.waitpid(pid, 0)[1] != 0:
            raise preload.Refused(ALL, "are needed twice, and one of them can only be loaded once")


def unsuited(template, settings):
    """Why no kernels can be forked in this environment; '' where they can."""
    if "ipykernel" not in settings["kernelModules"]:
        return settings["withoutKernels"] or "a server that was started for a try had none of its own"
    if FACTORY not in settings["modules"]:
        return "jupyter_client knows no provisioners"
    if template.interpreter != [sys.executable]:
        return "the program has an option for Python in its first line"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        return f"a process cannot be watched here: {error}"
    return ""


def provisioner():
    """What `importlib.metadata` would have found if the environment had it installed, which so need not have it."""
    from importlib.metadata import EntryPoint

    with open(PROVISIONER, "rb") as file:
        code = compile(file.read(), PROVISIONER, "exec")

    class Own(EntryPoint):
        def load(self):
            if MODULE not in sys.modules:
                module = types.ModuleType(MODULE)
                exec(code, module.__dict__)
                sys.modules[MODULE] = module
            return getattr(sys.modules[MODULE], CLASS)

    return Own(NAME, f"{MODULE}:{CLASS}", GROUP)


def find_parent(marker, readers):
    """Where the number of a kernel's parent was kept by modules that read it when they were imported."""
    places, stuck = preload.find_marked(marker, [], number=int(marker))
    if readers and (stuck or not places or any(type(place.value) is not int for place in places)):
        raise preload.Refused(readers[0], f"reads {OF_THE_KERNEL} when it is imported")
    return places


def program(template, request, servers, parent):
    """Makes this process a kernel, child of `parent`, of a server with the environment `servers`. Gives the code and the
    module that it is from now on. Raises `Cold` when it has to be an ordinary one."""
    kernels, env = template.kernels, {**request["env"], OF_THE_KERNEL: str(parent)}
    check_environment(template, env, servers)
    os.chdir(request["cwd"])
    become.replace_environment(env)
    folder = become.user_site(kernels.roots, kernels.watch.missing)
    check_folder(kernels)
    become.replace_personal(template, env)
    kernels.traces.restore(template.servers)
    traces.forget(sorted(set(sys.modules) - kernels.names - {"__main__"}))
    for place in kernels.places:
        place.put(parent)
    become.change_variables(kernels.variables)
    become.renew_random(template)
    become.renew_library()
    arguments = ["-m", LAUNCHER, "-f", request["file"]]
    sys.argv = ["-m", *arguments[2:]]
    sys.orig_argv = [sys.executable, *arguments]
    sys.path[:] = become.search_path(kernels.traces.path, os.getcwd(), folder)
    sys.dont_write_bytecode = template.dont_write_bytecode
    become.fresh_main(None, None)
    linux.set_name(os.fsencode(os.path.basename(sys.executable)))
    linux.set_command_line([os.fsencode(word) for word in sys.orig_argv], env)
    gc.enable()
    return PROGRAM, types.ModuleType("atrium")


def check_environment(template, env, servers):
    """What decided something while the template was loaded must be what it was then, and so must what it was loaded from."""
    for name in env:
        if name.startswith(OF_THE_PROCESS):
            raise become.Cold("environment", f"{name} is set")
    for name in {*become.LOCALE, *template.markers, *template.watch.environ, *template.kernels.watch.environ}:
        known = servers if name in template.markers else template.common
        if env.get(name) != known.get(name):
            raise become.Cold("environment", f"{name} is not what it was when the modules were imported")
    changed = preload.changed(template.kernels.files)
    if changed is not None:
        raise become.Cold("changed", f"{changed} was changed")


def check_folder(kernels):
    """A kernel looks for modules in its working directory before all other places."""
    names = {*kernels.roots, *sys.stdlib_module_names}
    for entry in os.scandir():
        name, _, suffix = entry.name.partition(".")
        # A folder without the file is only taken where there is nothing else of that name.
        folder = name in names and os.path.exists(os.path.join(entry.path, "__init__.py"))
        file = name in names and suffix.endswith(("py", "pyc", "so"))
        if folder or file or name in kernels.watch.missing:
            raise become.Cold("shadowed", f"the working directory has {entry.name}")
