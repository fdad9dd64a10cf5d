"""Checks that print one line each."""

import sys
import traceback
from contextlib import contextmanager


class Checks:
    def __init__(self, client):
        self._client = client
        self._failed = 0

    @contextmanager
    def __call__(self, sentence):
        try:
            yield
        except Exception:
            self._failed += 1
            print(f"not ok {self._client}: {sentence}")
            print("  " + traceback.format_exc().strip().replace("\n", "\n  "), flush=True)
        else:
            print(f"ok {self._client}: {sentence}", flush=True)

    def finish(self):
        """Exits with status 0 if every check passed, otherwise 1."""
        sys.exit(1 if self._failed else 0)


def raised(kind, call, *arguments, **named):
    """Returns the exception that the call raises."""
    try:
        response = call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"the client returned {response!r}")
