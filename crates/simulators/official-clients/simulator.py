"""A simulator of its own for each check that wants one, and its control interface."""

import json
import os
import subprocess
import urllib.request


class Simulator:
    """`tokenfleet simulate`, until `stop` or the end of a `with`."""

    def __init__(self, provider, *options, tokens=0):
        words = ["simulate", provider, f"--tokens={tokens}"]
        words += [f"--option={option}" for option in options]
        self._program = subprocess.Popen(
            [os.environ["TOKENFLEET"], *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        server = json.loads(self._program.stdout.readline())
        self.url = server["url"]
        self.credentials = server["credentials"]
        self._control = server["control"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Closes its input, which is how a simulator is told to stop."""
        self._program.stdin.close()
        self._program.wait(timeout=10)
        self._program.stdout.close()

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._control + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def fault(self, *actions, **which):
        """What goes wrong next; `method`, `path`, `after` and `times` choose the requests."""
        self.control("POST", "/faults", {"actions": actions, **which})

    def answer(self, status, headers=None, body="", **which):
        """Has the next request answered so, without being processed."""
        canned = {"status": status, "headers": headers or {}, "body": body}
        self.fault({"answer": canned}, **which)

    def no_faults(self):
        self.control("DELETE", "/faults")

    def advance(self, by):
        self.control("PUT", "/clock", {"advance": by})

    def create(self, **token):
        return self.control("POST", "/tokens", token)

    def tokens(self):
        return self.control("GET", "/tokens")["tokens"]

    def accepts(self, secret):
        return self.control("POST", "/accepts", {"secret": secret})["accepts"]

    def forget_requests(self):
        self.control("DELETE", "/log")

    def requests(self):
        """The requests since they were forgotten."""
        return self.control("GET", "/log")["entries"]
