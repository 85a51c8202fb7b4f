"""Connects with the options given on the command line (JSON) and runs checks, each reported as one line of JSON."""

import json
import logging
import sys
import time
import traceback

from pymilvus import MilvusClient, MilvusException

# the client logs each refusal with a traceback; here refusals are wanted
logging.disable(logging.CRITICAL)

OPTIONS = json.loads(sys.argv[1])
_checks = []


def connect(**more):
    return MilvusClient(**OPTIONS, **more)


def create(client, name, schema, index, **more):
    """Creates, indexes and loads; unlike create_collection it does not sleep half a second for each index."""
    client.create_collection(name, schema=schema, **more)
    client.create_index(name, index, sync=False)
    client.load_collection(name)


def check(function):
    """Marks a function as a check; its name is the check's."""
    _checks.append(function)
    return function


def same(actual, expected):
    """Equality that shows both sides."""
    assert actual == expected, f"\n  actual:   {actual!r}\n  expected: {expected!r}"


def close(actual, expected, tolerance=1e-4):
    assert abs(actual - expected) <= tolerance * max(1.0, abs(expected)), f"{actual} is not {expected}"


def refused(code, text, call, *args, **named):
    """The call must be refused with Milvus' code, and a message that holds `text`."""
    try:
        answer = call(*args, **named)
    except MilvusException as error:
        assert error.code == code, f"code {error.code}, not {code}: {error.message}"
        assert text in error.message, f"{text!r} is not in {error.message!r}"
        return
    raise AssertionError(f"not refused: {answer!r}")


def run_checks():
    for function in _checks:
        error = None
        began = time.monotonic()
        try:
            function()
        except Exception:
            error = traceback.format_exc()
        seconds = time.monotonic() - began
        name = function.__name__.replace("_", " ")
        print(json.dumps({"name": name, "error": error, "seconds": seconds}), flush=True)
