"""Starting simulators, and their control interface."""

import json
import os
import subprocess
import urllib.request


class Simulator:
    """A running `tokenfleet simulate`, or another program that serves one, until `stop` or the end
    of a `with` block."""

    def __init__(self, provider, *options, tokens=0, program=None):
        words = [os.environ["TOKENFLEET"], "simulate", provider, f"--tokens={tokens}"]
        words += [f"--option={option}" for option in options]
        self._program = subprocess.Popen(
            [program] if program else words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
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
        """Stops the simulator by closing its standard input."""
        self._program.stdin.close()
        self._program.wait(timeout=10)
        self._program.stdout.close()

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._control + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def fault(self, *actions, **which):
        """Adds a fault; `method`, `path`, `after` and `times` select the requests."""
        self.control("POST", "/faults", {"actions": actions, **which})

    def answer(self, status, headers=None, body="", **which):
        """Responds to the next request with this instead of processing it."""
        canned = {"status": status, "headers": headers or {}, "body": body}
        self.fault({"answer": canned}, **which)

    def advance(self, by):
        self.control("PUT", "/clock", {"advance": by})

    def create(self, **token):
        return self.control("POST", "/tokens", token)

    def tokens(self):
        return self.control("GET", "/tokens")["tokens"]

    def accepts(self, secret):
        return self.control("POST", "/accepts", {"secret": secret})["accepts"]

    def clear_requests(self):
        self.control("DELETE", "/log")

    def requests(self):
        """Returns the requests since the log was cleared."""
        return self.control("GET", "/log")["entries"]
