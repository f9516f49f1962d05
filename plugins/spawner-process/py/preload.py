"""Imports what a cold start of this environment had loaded, and finds everything personal that stayed in the modules.

While it imports, every personal variable (home folder, name, address …) holds a marker. What holds a marker afterwards was
made from that variable, and gets each person's own value in their process. What cannot be replaced is left out.
"""

import contextlib
import gc
import importlib
import os
import sys
import types

# Modules of Python's own library that draw randomness or look at the environment at import, and how that is renewed.
RENEWED = {"multiprocessing.process", "sysconfig", "random", "tempfile", "uuid", "wsgiref.handlers"}


class Refused(Exception):
    """This environment cannot be preloaded as it is; says why."""


@contextlib.contextmanager
def refusing(name):
    """Whatever goes wrong there is no reason to have no template."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused(name, f"cannot be loaded before: {type(error).__name__}: {error}") from error


class LeftOut(BaseException):
    """A module that must not be loaded is wanted by one that is. No `except` of its may take that for an absence."""


class Barred:
    """Asked first for every module."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise LeftOut(name)
        return None


def settled():
    """Nothing but this one thread."""
    return len(os.listdir("/proc/self/task")) == 1


def file_stamps():
    """Of the file of each loaded module, when it was changed and how long it is."""
    paths = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {path: stamp(path) for path in paths if isinstance(path, str) and os.path.isabs(path)}


def stamp(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size)


def changed(files):
    """One that is not what it was: a cold start would load another one. None as a rule."""
    return next((path for path, known in files.items() if stamp(path) != known), None)


def open_files():
    return {int(name) for name in os.listdir("/proc/self/fd")}


class Watch:
    """Notes who reads which variable, draws randomness or asks for missing modules while it is imported."""

    def __init__(self):
        self.environ = {}
        # What was drawn, by whom: traces of it are looked for afterwards.
        self.drawn = []
        self.missing = set()
        self._urandom = os.urandom
        self._class = type(os.environ)

    def __enter__(self):
        watch, base, draw = self, self._class, self._urandom

        def importing():
            frame = sys._getframe(2)
            while frame is not None:
                name = frame.f_globals.get("__name__")
                if name in RENEWED:
                    return None
                if frame.f_code.co_name == "<module>":
                    return name
                frame = frame.f_back
            return None

        def note(key):
            name = importing()
            if name and isinstance(key, str):
                watch.environ.setdefault(key, set()).add(name)

        def urandom(size, /):
            name = importing()
            data = draw(size)
            if name:
                watch.drawn.append((name, data))
            return data

        class Watched(base):
            def __getitem__(self, key):
                note(key)
                return base.__getitem__(self, key)

            def __contains__(self, key):
                note(key)
                return base.__contains__(self, key)

            def __iter__(self):
                note("*")
                return base.__iter__(self)

        class Nobody:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if path is None:
                    watch.missing.add(name)
                return None

        os.environ.__class__ = Watched
        os.urandom = urandom
        sys.meta_path.append(Nobody)
        self._nobody = Nobody
        return self

    def __exit__(self, *_):
        os.environ.__class__ = self._class
        os.urandom = self._urandom
        sys.meta_path.remove(self._nobody)


def preload(names, left_out, missing, watch=None):
    """Imports each that is there. Gives what `Watch` saw; raises `Refused` naming a module that started something."""
    files = open_files()
    barred = Barred(left_out)
    sys.meta_path.insert(0, barred)
    with watch or Watch() as watch:
        for name in names:
            if name in sys.modules or name in left_out:
                continue
            try:
                importlib.import_module(name)
            except (LeftOut, Exception):  # it needs what is left out, or was loaded in another way there
                continue
            if not settled():
                raise Refused(name, "starts a thread when it is imported")
            if open_files() - files:
                raise Refused(name, "keeps a file or socket open when it is imported")
    sys.meta_path.remove(barred)
    if "*" in watch.environ:
        raise Refused(sorted(watch.environ["*"])[0], "copies the environment when it is imported")
    watch.missing |= set(missing)
    return watch


class Place:
    """Where a value with a marker in it is kept: in `holder`, under `key`, in the way that `kind` says."""

    __slots__ = ("holder", "key", "kind", "value")

    def __init__(self, holder, key, kind, value):
        self.holder, self.key, self.kind, self.value = holder, key, kind, value

    def put(self, value):
        if self.kind == "item":
            self.holder[self.key] = value
        elif self.kind == "cell":
            self.holder.cell_contents = value
        elif self.kind == "class":
            type.__setattr__(self.holder, self.key, value)
        else:
            object.__setattr__(self.holder, self.key, value)


def everything(own):
    """All objects that hold others. The collector does not list dictionaries and tuples of nothing but plain values."""
    listed = gc.get_objects()
    plain = {}
    for one in listed:
        if id(one) in own:
            continue
        for inner in gc.get_referents(one):
            if type(inner) in (dict, tuple) and not gc.is_tracked(inner):
                plain[id(inner)] = inner
    fresh = list(plain.values())
    while fresh:
        deeper = {}
        for one in fresh:
            for inner in gc.get_referents(one):
                if type(inner) in (dict, tuple) and not gc.is_tracked(inner) and id(inner) not in plain:
                    deeper[id(inner)] = inner
        plain.update(deeper)
        fresh = list(deeper.values())
    return [one for one in (*listed, *plain.values()) if id(one) not in own]


def find_marked(marker, ignore, data=None, number=None):
    """Every place that holds a string with the marker (or the number), and what could not be understood as one."""
    places, stuck = [], []
    data = data or marker.encode()

    def marked(value):
        kind = type(value)
        if kind is int:
            return value == number
        return (kind is str and marker in value) or (kind is bytes and (data in value or marker.encode() in value))

    own = {id(one) for one in (*ignore, *marked.__closure__)}

    for holder in everything(own):
        if isinstance(holder, types.FrameType):
            continue
        if not any(marked(value) for value in gc.get_referents(holder)):
            continue
        if holder is os.environ or holder is getattr(os.environ, "_data", None):
            continue
        if isinstance(holder, dict):
            for key, value in list(holder.items()):
                if marked(key):
                    stuck.append(holder)
                elif marked(value):
                    places.append(Place(holder, key, "item", value))
        elif isinstance(holder, list):
            places += [Place(holder, at, "item", value) for at, value in enumerate(holder) if marked(value)]
        elif isinstance(holder, types.CellType):
            places.append(Place(holder, None, "cell", holder.cell_contents))
        elif isinstance(holder, type):
            for key, value in list(vars(holder).items()):
                if marked(value):
                    places.append(Place(holder, key, "class", value))
        elif hasattr(holder, "__dict__") and any(marked(value) for value in vars(holder).values()):
            # Its dictionary did not exist until it was asked for, so it is not among the objects above.
            for key, value in list(vars(holder).items()):
                if marked(value):
                    places.append(Place(vars(holder), key, "item", value))
        else:
            stuck.append(holder)
    return places, stuck


def find_random(watch):
    """Where random bytes are kept that were drawn while a module was imported: as they are, or as digits."""
    found = []
    for drawn in watch.drawn:
        name, data = drawn
        # Parts of it may be kept apart, as in the text of a UUID; the end of it is long enough to be nothing else.
        end = data[-6:]
        places, stuck = find_marked(end.hex(), [watch.drawn, *watch.drawn], end) if len(data) >= 12 else ([], [])
        if stuck or not places:
            raise Refused(name, "draws random bytes when it is imported")
        for place in places:
            found.append((place, isinstance(place.value, bytes) and end in place.value))
    watch.drawn = [(name, None) for name, _ in watch.drawn]
    return found


def fresh(value, raw):
    """Something of the same form that nobody else has."""
    if raw:
        return os.urandom(len(value))
    digits = iter(os.urandom(len(value)).hex())
    text = value.decode() if isinstance(value, bytes) else value
    text = "".join(next(digits) if letter in "0123456789abcdef" else letter for letter in text)
    return text.encode() if isinstance(value, bytes) else text


def unseeded_randoms():
    """Every generator of random numbers that somebody made; `random` renews its own."""
    module = sys.modules.get("random")
    if module is None:
        return []
    kind, system = module.Random, module.SystemRandom
    own = getattr(module, "_inst", None)
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, kind) and not isinstance(one, system) and one is not own
    ]
