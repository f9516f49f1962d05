"""The first process of a warm start: what setup.sh and init.sh are to a cold one, in one process that is never replaced.

It was forked from the template with the template's rights. It joins the cgroups, makes the namespaces, lets mounts.sh put
the person's view of the machine in place, gives up every right, and only then forks the server and looks after it.
"""

import os
import select
import shutil
import signal
import tempfile
import time

import kernel_parent
import linux
from become import Cold, become, signals_of_a_shells_child

TOOL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# From its fork to the point where its own program begins; more means that something in it waits for ever.
CHILD_SECONDS = 10


def claim(name, pid=None):
    """Records a process as claim.sh does: all at once, and only if nobody has."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    # Before this process has a /proc of its own, `self` still gives its outer number.
    with open(f"/proc/{pid or 'self'}/stat", "rb") as file:
        text = file.read()
    number = int(text.split(b" ", 1)[0])
    start = text.rpartition(b") ")[2].split()[19].decode()
    draft = f"{name}.{number}"
    with open(draft, "w") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(f"{boot} {number} {start}\n")
    try:
        os.link(draft, name)
        return True
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)


def run_tool(*words):
    pid = os.posix_spawn("/bin/sh", ["/bin/sh", *words], {"PATH": TOOL_PATH})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def hold(path):
    """A folder that only this account can change, open. Its parent may be another's, who must not lead us elsewhere."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if os.fstat(folder).st_uid != os.geteuid():
        os.close(folder)
        raise PermissionError(f"{path} belongs to another account")
    return folder


def enter_launch(request):
    """The launch folder as working directory."""
    folder = hold(request["launches"])
    try:
        os.fchdir(folder)
        os.chdir(request["name"])
    finally:
        os.close(folder)


def attach_output(request):
    nothing = os.open("/dev/null", os.O_RDONLY)
    logs = hold(request["logs"])
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, dir_fd=logs)
    for fd, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(fd, number)
    for fd in (nothing, logs, log):
        os.close(fd)


def enter(template, request):
    """From the template's place in the machine to the server's. Raises where a cold start has to try instead."""
    os.setsid()
    enter_launch(request)
    os.umask(0o022)
    attach_output(request)
    for group in request["cgroups"]:
        with open(group, "w") as file:
            file.write("0")
    mode = template.mode
    isolated = mode == "namespaces"
    if isolated:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
        linux.private_mounts()
    if not claim("init"):
        raise Cold("taken", "another process has this start")
    if os.path.exists("stop"):
        raise Cold("stopped", "it was stopped meanwhile")
    if isolated:
        code = run_tool(os.path.join(template.scripts, "mounts.sh"))
        if code != 0:
            raise Cold("isolation", f"mounts.sh ended with status {code}")
    if os.path.exists("stop"):
        raise Cold("stopped", "it was stopped meanwhile")
    if mode in ("namespaces", "account"):
        linux.become(request["uid"], request["uid"])
        linux.no_new_privileges()
    linux.dumpable()
    os.chdir(request["home"])
    os.umask(int(request["umask"], 8))


def environment_of(template, request):
    """As init.sh and the shell that runs it make it. The second is a folder to remove at the end."""
    env = dict(template.shell_variables)
    env.update(request["env"])
    env["PWD"] = request["home"]
    made = None
    if env.get("JUPYTER_RUNTIME_DIR"):
        try:
            os.makedirs(os.path.dirname(env["JUPYTER_RUNTIME_DIR"]), exist_ok=True)
            os.mkdir(env["JUPYTER_RUNTIME_DIR"], 0o700)
        except OSError:
            pass  # it is there, or the server will say what is wrong with it
    else:
        made = env["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="jupyter-", dir="/tmp")
    return env, made


def start_cold(request, env):
    """The same command in the same place, by `execve`. As from init.sh, a command without a path is looked for."""
    command = request["command"]
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        words = "not found" if missing else os.strerror(error.errno)
        os.write(2, f"setsid: failed to execute {command[0]}: {words}\n".encode(errors="replace"))
        os._exit(127 if missing else 126)


def fork_server(template, request, env):
    """Forks the server. Gives (pid, reader) in the parent, and (0, (code, module)) in the child, which never comes back."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.setsid()
    os.close(reader)
    door = None
    try:
        door, kernel = kernel_parent.beside(template, env)
        if kernel is not None:
            return 0, kernel
        signals_of_a_shells_child()
        program = become(template, request, env)
    except BaseException as error:
        if door:
            door.withdraw()
        cold = error if isinstance(error, Cold) else Cold("child", f"{type(error).__name__}: {error}")
        os.write(writer, f"cold {cold.reason} {cold.detail}\n".encode(errors="replace"))
        start_cold(request, env)
    if door:
        door.introduce(template)
    os.write(writer, b"warm\n")
    linux.close_all_but({door.socket.fileno()} if door else ())
    return 0, program


def fork_cold(request, env):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signals_of_a_shells_child()
        linux.close_all_but()
        start_cold(request, env)
    return pid


def hear(reader, seconds):
    """One line, or '' when nobody writes it in time."""
    until = time.monotonic() + seconds
    text = b""
    while not text.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return ""
        some = os.read(reader, 4096)
        if not some:
            return ""
        text += some
    return text.decode(errors="replace").strip()


def exit_code(status):
    """As a shell counts: 128 + n for signal n."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


class First:
    def __init__(self):
        self.child = None
        self.stop = False

    def pass_on(self, *_):
        self.stop = True
        if self.child is None:
            return
        for send, target in ((os.killpg, self.child), (os.kill, self.child)):
            try:
                return send(target, signal.SIGTERM)
            except ProcessLookupError:
                pass

    def look_after(self, child):
        """Reaps what is orphaned until the server has ended; its status."""
        self.child = child
        if self.stop:
            self.pass_on()
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except InterruptedError:
                continue
            if pid == child:
                return exit_code(status)


def first_process(template, request, keeper, report):
    """Runs the whole of it. Returns (code, module) in the server itself; the first process never returns."""
    first = First()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, first.pass_on)
    enter(template, request)
    env, made = environment_of(template, request)
    words = ["/bin/sh", "-s", "--", *request["command"]]
    linux.set_name(b"sh")
    linux.set_command_line([os.fsencode(word) for word in words], {})
    pid, got = fork_server(template, request, env)
    if pid == 0:
        return got
    said = hear(got, CHILD_SECONDS)
    os.close(got)
    if not said:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
        said = "cold child It did not get as far as its program."
        pid = fork_cold(request, env)
    # From here on there is a server, and its end is its own.
    os.write(keeper, b"go\n")
    try:
        os.write(report, (said + "\n").encode())
    except OSError:
        pass  # the template is gone; nobody asks any more
    os.close(report)
    request.clear()
    code = first.look_after(pid)
    if made:
        shutil.rmtree(made, ignore_errors=True)
    try:
        os.write(keeper, f"{code}\n".encode())
    except OSError:
        pass
    os._exit(code if code < 256 else 255)
