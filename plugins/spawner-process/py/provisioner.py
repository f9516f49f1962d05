"""In a warm server: lets the process beside it fork kernels (`kernel_parent.py`), by Jupyter's own interface for that.

Such a kernel takes a fraction of the time and shares its memory with other people's servers; otherwise it is what it would
have been. Where there is no such process, or it does not fit, kernels start as ever.
"""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.provisioning.factory import KernelProvisionerFactory

# From asking to the point where the kernel's own program begins; more means that something in it waits for ever.
PATIENCE = 10
# Then nobody asks again for so long: every kernel would wait.
PAUSE = 300
# Until a kernel takes connections.
LISTENS_WITHIN, LOOK = 5, 0.005


class Cold(Exception):
    """This kernel has to be started in the ordinary way; says why."""


class AtriumProvisioner(LocalProvisioner):
    async def launch_kernel(self, cmd, **kwargs):
        try:
            request = request_of(self.kernel_spec, cmd, kwargs)
            process = await fork(request)
        except Exception as error:
            reason = error if isinstance(error, Cold) else f"{type(error).__name__}: {error}"
            self.log.info("Cold kernel %s: %s", self.kernel_id, reason)
            return await super().launch_kernel(cmd, **kwargs)
        self.log.info("Warm kernel %s", self.kernel_id)
        try:
            await listening(process, self.connection_info)
        except BaseException:
            process.give_up()
            raise
        self.process = process
        # It leads a session of its own.
        self.pid = self.pgid = process.pid
        self.cwd = request["cwd"]
        return self.connection_info

    async def send_signal(self, signum):
        # Its number is its own until it is known to have ended.
        if not isinstance(self.process, ForkedKernel) or self.process.poll() is None:
            await super().send_signal(signum)


def request_of(spec, command, options):
    command = [os.path.expanduser(word) for word in command]
    if spec.language != "python" or command[:-1] != [sys.executable, "-m", "ipykernel_launcher", "-f"]:
        raise Cold("its command is not this environment's own kernel")
    for name, value in options.items():
        if name not in ("cwd", "env", "kernel_id", "independent") and value is not None:
            raise Cold(f"it is started with {name}")
    if options.get("independent"):
        raise Cold("it is to survive its server")
    env = options.get("env")
    cwd = os.path.abspath(options.get("cwd") or os.getcwd())
    return {"file": command[-1], "cwd": cwd, "env": dict(os.environ if env is None else env)}


async def fork(request):
    door, parent = getattr(KernelProvisionerFactory, "_atrium_kernels", (None, None))
    if door is None:
        raise Cold("this server has no process that forks kernels")
    if has_ended(door):
        forget(door, parent)
        raise Cold("the process that forks kernels has ended")
    if time.monotonic() < getattr(KernelProvisionerFactory, "_atrium_pause", 0):
        raise Cold("the process that forks kernels did not answer a while ago")
    answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    answers.setblocking(False)
    kernel = ForkedKernel(answers)
    # A pipe that nobody writes to, as `jupyter_client` has it.
    nothing, writer = os.pipe()
    os.close(writer)
    try:
        message = json.dumps(request, default=os.fspath).encode()
        socket.send_fds(door, [message], [nothing, 1, 2, theirs.fileno()], socket.MSG_DONTWAIT)
    except BaseException:
        kernel.close()
        raise
    finally:
        os.close(nothing)
        theirs.close()
    try:
        await asyncio.wait_for(kernel.begin(), PATIENCE)
    except BaseException as error:
        kernel.give_up()
        if isinstance(error, asyncio.TimeoutError):
            KernelProvisionerFactory._atrium_pause = time.monotonic() + PAUSE
            raise Cold(f"it was not there within {PATIENCE} s") from None
        raise
    return kernel


async def listening(process, info):
    """Whoever connects before a kernel listens tries again after 0.1 s, and asks what got lost again after 0.5 s."""
    until = time.monotonic() + LISTENS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        if takes_connections(info):
            return
        await asyncio.sleep(LOOK)


def takes_connections(info):
    """Whether somebody listens where the heartbeat will be, which a kernel opens as the last one."""
    ip, port = info["ip"], info["hb_port"]
    tcp = info["transport"] == "tcp"
    with socket.socket(socket.AF_INET if tcp else socket.AF_UNIX) as caller:
        caller.settimeout(1)
        try:
            return caller.connect_ex((ip, port) if tcp else f"{ip}-{port}") == 0
        except OSError:
            return True  # An address of another kind: nobody waits for it.


def has_ended(handle):
    """What a process descriptor stands for, or whoever has the other end of a socket by which nothing ever comes."""
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    return bool(watch.poll(0))


def forget(door, parent):
    """The process beside this server has ended."""
    if vars(KernelProvisionerFactory).get("_atrium_kernels") == (door, parent):
        KernelProvisionerFactory._atrium_kernels = (None, None)
        door.close()
        os.waitpid(parent, 0)


class ForkedKernel:
    """What `subprocess.Popen` is to a kernel that this process started itself."""

    stdin = stdout = stderr = None

    def __init__(self, answers):
        self.answers = answers
        self.pid = self.handle = self.returncode = None

    async def begin(self):
        """Until its program begins. Raises `Cold` when it does not."""
        warm = False
        while not warm or self.handle is None:
            word, _, rest = (await self.hear()).partition(" ")
            if word == "forked":
                self.pid = int(rest)
            elif word == "warm":
                warm = True
            elif word == "cold":
                raise Cold(rest)
            else:
                raise Cold(f"it ended with status {rest}" if rest else "the process that forks kernels did not take it")
        # Without this word it ends.
        self.answers.send(b"go")

    async def hear(self):
        loop = asyncio.get_running_loop()
        while True:
            try:
                return self.receive()
            except BlockingIOError:
                readable = loop.create_future()
                loop.add_reader(self.answers, lambda: readable.done() or readable.set_result(None))
                try:
                    await readable
                finally:
                    loop.remove_reader(self.answers)

    def receive(self):
        """The next message; '' when there will be none any more."""
        data, descriptors, _, _ = socket.recv_fds(self.answers, 4096, 1, socket.MSG_CMSG_CLOEXEC)
        for descriptor in descriptors:
            self.handle = descriptor
        return data.decode(errors="replace")

    def give_up(self):
        self.kill()
        self.close()

    def poll(self):
        if self.returncode is not None or self.handle is None:
            return self.returncode
        try:
            word, _, rest = self.receive().partition(" ")
            if word == "ended":
                self.end(int(rest))
            elif word == "" and has_ended(self.handle):
                # Whoever would have known its status has ended, too.
                self.end(-signal.SIGKILL)
        except BlockingIOError:
            pass
        return self.returncode

    def end(self, code):
        self.returncode = code
        self.close()

    def close(self):
        self.answers.close()
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def wait(self, timeout=None):
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("ipykernel_launcher", timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None and self.handle is not None:
            try:
                signal.pidfd_send_signal(self.handle, number)
            except ProcessLookupError:
                pass

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)
