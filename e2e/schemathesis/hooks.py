"""Keeps the people and tokens of this test alive, and counts what was asked and answered."""

import atexit
import json
import os
import threading
from collections import Counter

import schemathesis

# Whoever asks in this test, and what they ask with.
KEPT_USERS = set(os.environ["ATRIUM_KEPT_USERS"].split(","))
KEPT_TOKENS = set(os.environ["ATRIUM_KEPT_TOKENS"].split(","))
STAND_IN = "nobody-there"

answers: Counter[tuple[str, int]] = Counter()
lock = threading.Lock()


@schemathesis.hook
def before_call(context, case, kwargs):
    method, path = case.method.upper(), case.operation.path
    names = case.path_parameters
    if path == "/users/{user}" and method in ("DELETE", "PATCH") and names.get("user") in KEPT_USERS:
        names["user"] = STAND_IN
    if path == "/users/{user}/tokens/{id}" and method == "DELETE" and names.get("id") in KEPT_TOKENS:
        names["id"] = "a99999"


@schemathesis.hook
def after_call(context, case, response):
    with lock:
        answers[case.operation.label, response.status_code] += 1


@atexit.register
def write():
    counted: dict[str, dict[str, int]] = {}
    for (label, status), count in answers.items():
        counted.setdefault(label, {})[str(status)] = count
    with open(os.environ["ATRIUM_ANSWERS"], "w") as file:
        json.dump(counted, file)
