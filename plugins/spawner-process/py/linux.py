"""The system calls that Python's own library does not have, by ctypes. Linux only."""

import ctypes
import os
import signal
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.sbrk.restype = ctypes.c_void_p
_libc.sbrk.argtypes = [ctypes.c_long]

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME, _PR_CAPBSET_READ, _PR_CAPBSET_DROP = 1, 4, 15, 23, 24
_PR_SET_MM, _PR_SET_MM_MAP, _PR_SET_MM_MAP_SIZE = 35, 14, 15
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_PROT_READ_WRITE, _MAP_PRIVATE_ANONYMOUS = 3, 0x22
_CAPABILITY_VERSION_3 = 0x20080522


def _check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(flags):
    _check(_libc.unshare(flags))


def setns(fd, kind):
    _check(_libc.setns(fd, kind))


def private_mounts():
    """Nothing that is mounted from now on reaches another namespace."""
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))


def prctl(option, *values):
    values = list(values) + [0] * (4 - len(values))
    _check(_libc.prctl(option, *values))


def set_name(name):
    """`comm`: what ps and top show; the kernel keeps 15 bytes."""
    buffer = ctypes.create_string_buffer(name)
    prctl(_PR_SET_NAME, ctypes.addressof(buffer))


def close_all_but(wanted=()):
    """As after `execve`: what is open beyond the three standard streams was the template's."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in wanted:
            try:
                os.close(int(name))
            except OSError:
                pass  # the listing's own


def status_of(pid):
    """Lines of `/proc/<pid>/status` by their names."""
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def signals_of(pid, which):
    """Those that it ignores (`SigIgn`), blocks (`SigBlk`) or catches (`SigCgt`)."""
    mask = int(status_of(pid)[which], 16)
    return {number for number in range(1, signal.NSIG) if mask >> (number - 1) & 1}


def end_with_parent():
    """Killed as soon as the parent has ended. For good only if that has not happened yet."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_for_ever(value):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def no_new_privileges():
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def dumpable():
    """As `execve` leaves a process: its own account may look at it."""
    prctl(_PR_SET_DUMPABLE, 1)


def drop_bounding_set():
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            return
        prctl(_PR_CAPBSET_DROP, capability)


def drop_capabilities():
    """Every one, from every set."""
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)))


def become(uid, gid):
    """Another account for good, with nothing of the old one's rights. As `setpriv` does it; the order matters."""
    drop_bounding_set()
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    drop_capabilities()


def can_set_command_line():
    size = ctypes.c_uint(0)
    return _libc.prctl(_PR_SET_MM, _PR_SET_MM_MAP_SIZE, ctypes.addressof(size), 0, 0) == 0


class _MmMap(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "start_code end_code start_data end_data start_brk brk start_stack "
            "arg_start arg_end env_start env_end auxv".split()
        )
    ] + [("auxv_size", ctypes.c_uint32), ("exe_fd", ctypes.c_uint32)]


def _auxiliary_vector():
    """What the kernel told the program at its start, with the account that it has now."""
    with open("/proc/self/auxv", "rb") as file:
        data = file.read()
    words = list(struct.unpack(f"{len(data) // struct.calcsize('L')}L", data))
    now = {11: os.getuid(), 12: os.geteuid(), 13: os.getgid(), 14: os.getegid()}
    for at in range(0, len(words), 2):
        words[at + 1] = now.get(words[at], words[at + 1])
    return (ctypes.c_ulong * len(words))(*words)


def set_command_line(arguments, environment):
    """What `/proc/self/cmdline` and `/proc/self/environ` say, as `execve` would have put it there."""
    words = b"".join(word + b"\0" for word in arguments)
    variables = b"".join(os.fsencode(f"{name}={value}\0") for name, value in environment.items())
    size = max(1, len(words) + len(variables))
    place = _libc.mmap(None, size, _PROT_READ_WRITE, _MAP_PRIVATE_ANONYMOUS, -1, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    ctypes.memmove(place, words + variables, len(words) + len(variables))
    with open("/proc/self/stat", "rb") as file:
        # After the name in brackets, which may hold anything; the first is field 3 of proc(5).
        fields = file.read().rpartition(b") ")[2].split()
    field = lambda number: int(fields[number - 3])  # noqa: E731
    auxv = _auxiliary_vector()
    wanted = _MmMap(
        start_code=field(26),
        end_code=field(27),
        start_data=field(45),
        end_data=field(46),
        start_brk=field(47),
        brk=_libc.sbrk(0),
        start_stack=field(28),
        arg_start=place,
        arg_end=place + len(words),
        env_start=place + len(words),
        env_end=place + len(words) + len(variables),
        auxv=ctypes.addressof(auxv),
        auxv_size=ctypes.sizeof(auxv),
        exe_fd=0xFFFFFFFF,
    )
    prctl(_PR_SET_MM, _PR_SET_MM_MAP, ctypes.addressof(wanted), ctypes.sizeof(wanted))
