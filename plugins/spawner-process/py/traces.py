"""What importing modules leaves behind outside of them, as it was at one point, to be put back at another.

The template loads what servers and kernels have in common, then what only kernels need, goes back, and loads what only
servers need; a kernel goes from there to what it would have.
"""

import atexit

# What is to be called at the end of the process; nobody else knows the list. What was there before stays as it is.
exits = []
noted, before_all = 0, atexit._ncallbacks()
_register, _unregister = atexit.register, atexit.unregister


def _note(call, /, *words, **named):
    global noted
    noted += 1
    exits.append((call, words, named))
    return _register(call, *words, **named)


def _strike(call):
    exits[:] = [one for one in exits if one[0] != call]
    _unregister(call)


atexit.register, atexit.unregister = _note, _strike

import importlib  # noqa: E402
import logging  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import warnings  # noqa: E402
import weakref  # noqa: E402

HOOKS = (
    *((sys, name) for name in ("breakpointhook", "displayhook", "excepthook", "unraisablehook")),
    (threading, "excepthook"),
    (warnings, "showwarning"),
    (warnings, "formatwarning"),
)


class Traces:
    def __init__(self):
        self.modules = dict(sys.modules)
        self.path = list(sys.path)
        self.exits = list(exits)
        self.thread_exits = list(getattr(threading, "_threading_atexits", ()))
        # The first finalizer of an object asks to be called at the end for all of them.
        self.finalizers = (weakref.finalize._registered_with_atexit, dict(weakref.finalize._registry))
        # How many threads had been named.
        self.threads = int(repr(threading._counter.__self__).strip("count()"))
        self.hooks = [getattr(module, name) for module, name in HOOKS]
        self.meta_path = list(sys.meta_path)
        self.path_hooks = list(sys.path_hooks)
        self.filters = list(warnings.filters)
        self.loggers = dict(logging.root.manager.loggerDict)
        self.settings = [
            (one, one.parent, one.level, one.propagate, one.disabled, list(one.handlers), list(one.filters))
            for one in (logging.root, *self.loggers.values())
            if isinstance(one, logging.Logger)
        ]

    def restore(self, now):
        """From how it is `now`."""
        forget([name for name, module in now.modules.items() if self.modules.get(name) is not module])
        for name, module in self.modules.items():
            if sys.modules.get(name) is module:
                continue
            sys.modules[name] = module
            above, _, leaf = name.rpartition(".")
            if above in self.modules and leaf not in vars(self.modules[above]):
                setattr(self.modules[above], leaf, module)
        if before_all:
            for call, _, _ in exits:
                _unregister(call)
        else:
            atexit._clear()
        exits[:] = self.exits
        for call, words, named in exits:
            _register(call, *words, **named)
        weakref.finalize._registered_with_atexit, pending = self.finalizers
        weakref.finalize._registry.clear()
        weakref.finalize._registry.update(pending)
        if hasattr(threading, "_threading_atexits"):
            threading._threading_atexits[:] = self.thread_exits
        threading._counter = type(threading._counter.__self__)(self.threads).__next__
        for (module, name), hook in zip(HOOKS, self.hooks):
            setattr(module, name, hook)
        sys.path[:] = self.path
        sys.meta_path[:] = self.meta_path
        sys.path_hooks[:] = self.path_hooks
        # Each module remembers what the filters said; a change by the public way makes it ask again.
        warnings.simplefilter("default")
        warnings.filters[:] = self.filters
        manager = logging.root.manager
        manager.loggerDict.clear()
        manager.loggerDict.update(self.loggers)
        for one, parent, level, propagate, disabled, handlers, filters in self.settings:
            one.parent, one.level, one.propagate, one.disabled = parent, level, propagate, disabled
            one.handlers[:], one.filters[:] = handlers, filters
        manager._clear_cache()


def all_exits_known():
    """Only true before the first `restore`. Up to Python 3.13 what was struck off goes on being counted."""
    return atexit._ncallbacks() - before_all in (noted, len(exits))


def stop_noting():
    atexit.register, atexit.unregister = _register, _unregister


def forget(names):
    for name in names:
        module = sys.modules.pop(name, None)
        above, _, leaf = name.rpartition(".")
        package = sys.modules.get(above)
        if module is not None and package is not None and vars(package).get(leaf) is module:
            delattr(package, leaf)


def differing(one, other):
    """Modules that only one of two has, or each its own."""
    names = {name for name in {*one.modules, *other.modules} if one.modules.get(name) is not other.modules.get(name)}
    return {name: other.modules.get(name) or one.modules[name] for name in names}


def load_again(modules):
    """Libraries of machine code, by themselves: some can be loaded only once in a process."""
    sys.modules.update(modules)
    for name, module in modules.items():
        if str(getattr(module, "__file__", "")).endswith(".so"):
            del sys.modules[name]
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                pass  # It is another one, by a name that it gives to itself.
