"""Beside each warm server: a process of the same person that forks their kernels.

The server forks it before it reads anything of the person's, so that it is still what the template was, and shares its
memory with everybody's servers, as kernels do that are forked from it. It ends with its server. `provisioner.py`, in the
server, asks it through a socket that the server alone holds: a message per kernel, with its three standard streams and the
socket for the answers.
"""

import json
import os
import resource
import select
import signal
import socket
import sys

import become
import kernels
import linux

REQUEST_BYTES = 1 << 20
STREAMS = 3


class Door:
    """The server's way to it: their socket, and its number."""

    def __init__(self, socket, pid):
        self.socket, self.pid = socket, pid

    def introduce(self, template):
        """In the server: from now on Jupyter asks there for kernels whose description names nobody else."""
        try:
            factory = sys.modules[kernels.FACTORY].KernelProvisionerFactory
            factory.provisioners[kernels.NAME] = template.kernels.provisioner
            factory._default_provisioner_name_default = lambda self: kernels.NAME
            factory._atrium_kernels = (self.socket, self.pid)
        except Exception as error:
            os.write(2, f"No warm kernels: {type(error).__name__}: {error}\n".encode(errors="replace"))
            self.withdraw()

    def withdraw(self):
        self.socket.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def beside(template, env):
    """Called in what will be the server. Gives the door, or None without warm kernels; and a program to whom it gives one: a
    kernel."""
    # The configuration goes before this, and so does what a kernel's own description says.
    if template.kernels.without or env.get("JUPYTER_DEFAULT_PROVISIONER_NAME"):
        return None, None
    server = os.getpid()
    try:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
    except OSError:
        return None, None
    if pid:
        theirs.close()
        return Door(ours, pid), None
    try:
        ours.close()
        linux.end_with_parent()
        if os.getppid() != server:
            os._exit(0)
        return None, Parent(template, env, theirs, server).serve()
    except BaseException:
        os._exit(70)


class Parent:
    def __init__(self, template, env, door, server):
        self.template, self.env, self.door, self.server = template, env, door, server
        self.pid = os.getpid()
        self.ears = select.poll()
        # By the descriptor of the process while it runs, then by the socket by which the server is told of its end.
        self.running, self.ended = {}, {}

    def serve(self):
        """Forks and reaps until the server has ended. Returns only in a kernel."""
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        linux.close_all_but({self.door.fileno()})
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in range(STREAMS):
            os.dup2(nothing, number)
        os.close(nothing)
        linux.set_name(kernels.NAME.encode())
        linux.set_command_line([kernels.NAME.encode()], self.env)
        self.ears.register(self.door, select.POLLIN)
        while True:
            for ear, _ in self.ears.poll():
                if ear in self.running:
                    self.tell_end(ear)
                elif ear in self.ended:
                    self.reap(ear)
                else:
                    program = self.asked()
                    if program is not None:
                        return program

    def asked(self):
        message, descriptors, flags, _ = socket.recv_fds(
            self.door, REQUEST_BYTES, STREAMS + 1, socket.MSG_CMSG_CLOEXEC
        )
        if not message:
            os._exit(0)
        # Otherwise something got lost, and whoever asked is told so by the end of their socket.
        if len(descriptors) == STREAMS + 1 and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            answer = socket.socket(fileno=descriptors.pop())
            program = self.fork(message, descriptors, answer)
            if program is not None:
                return program
        for descriptor in descriptors:
            os.close(descriptor)
        return None

    def fork(self, message, streams, answer):
        pid = None
        try:
            pid = os.fork()
            if pid == 0:
                self.door.close()
                return self.kernel(message, streams, answer)
            handle = os.pidfd_open(pid)
        except OSError as error:
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            tell(answer, f"cold fork {error}")
            answer.close()
            return None
        tell(answer, f"forked {pid}", handle)
        self.running[handle] = (pid, answer)
        self.ears.register(handle, select.POLLIN)
        return None

    def tell_end(self, handle):
        """It keeps its number, as every process that ended, until the server knows of it."""
        pid, answer = self.running.pop(handle)
        self.ears.unregister(handle)
        os.close(handle)
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        tell(answer, f"ended {end.si_status if end.si_code == os.CLD_EXITED else -end.si_status}")
        self.ended[answer.fileno()] = (pid, answer)
        # Nothing but that the other end was closed.
        self.ears.register(answer, 0)

    def reap(self, ear):
        pid, answer = self.ended.pop(ear)
        self.ears.unregister(ear)
        answer.close()
        os.waitpid(pid, 0)

    def kernel(self, message, streams, answer):
        """In a new process. Whatever does not fit ends it, and the server starts a kernel in the ordinary way."""
        try:
            os.setsid()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            linux.close_all_but({answer.fileno()})
            become_like(self.server, self.template.kernels.caught)
            program = kernels.program(self.template, json.loads(message), self.env, self.pid)
            tell(answer, "warm")
            # It must not begin when nobody waits for it any more: another one has its connection file by then.
            if answer.recv(16) != b"go" or os.getppid() != self.pid:
                os._exit(71)
            answer.close()
            return program
        except BaseException as error:
            cold = error if isinstance(error, become.Cold) else become.Cold("child", f"{type(error).__name__}: {error}")
            tell(answer, f"cold {cold.reason} {cold.detail}")
            os._exit(71)


def tell(answer, text, *descriptors):
    """The server may have given up on it."""
    try:
        socket.send_fds(answer, [text.encode(errors="replace")], descriptors)
    except OSError:
        pass


def become_like(server, caught):
    """What a program inherits from the one that starts it, as the server has it now. What its modules catch stays."""
    os.umask(int(linux.status_of(server)["Umask"], 8))
    os.sched_setaffinity(0, os.sched_getaffinity(server))
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, server))
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            limit = getattr(resource, name)
            resource.setrlimit(limit, resource.prlimit(server, limit))
    ignored, blocked = (linux.signals_of(server, which) for which in ("SigIgn", "SigBlk"))
    become.set_signals(ignored, blocked, caught)
