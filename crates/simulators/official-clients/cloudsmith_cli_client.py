"""PyPI cloudsmith-cli against the Cloudsmith simulator: its output and exit codes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from checks import Checks
from simulator import Simulator

check = Checks("PyPI cloudsmith-cli")
simulator = Simulator("cloudsmith")
KEY = simulator.credentials["api_key"]
PROGRAM = Path(sys.executable).with_name("cloudsmith")


class Run:
    """One run of the program, in a temporary home and without other network access."""

    def __init__(self, *words, key=KEY, at=simulator, typed="", **more):
        home = tempfile.mkdtemp()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "LC_ALL": "C.UTF-8",
            "CLOUDSMITH_API_HOST": at.url,
            "CLOUDSMITH_NO_TELEMETRY": "1",
            "DO_NOT_TRACK": "1",
            "CLOUDSMITH_NO_UPDATE_CHECK": "1",
            "CLOUDSMITH_NO_KEYRING": "1",
            "CLOUDSMITH_OIDC_DISCOVERY_DISABLED": "true",
            **more,
        }
        if key:
            environment["CLOUDSMITH_API_KEY"] = key
        at.clear_requests()
        done = subprocess.run(
            [PROGRAM, *words],
            input=typed,
            capture_output=True,
            text=True,
            env=environment,
            cwd=home,
            timeout=120,
        )
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.requests = at.requests()
        self.files = {path.name: path.read_text() for path in Path(home).rglob("*.ini")}
        shutil.rmtree(home)

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def calls(self):
        """The method and target of each request."""
        return [f"{each['method']} {each['target']}" for each in self.requests]


def run(*words, **named):
    return Run(*words, **named)


def run_json(*words, **named):
    """Returns the data of a run that succeeds and prints JSON."""
    done = Run(*words, "-F", "json", **named)
    assert done.code == 0, done
    return done.json["data"]


# --- Authentication

with check("whoami names the owner of the key"):
    data = run_json("whoami")
    assert data["is_authenticated"] is True
    assert data["email"] == "me@example.com"

with check("anonymous whoami says so and exits with 1"):
    done = run("whoami", key=None)
    assert done.code == 1, done
    assert "Nobody (i.e. anonymous user)" in done.out

with check("whoami with a wrong key exits with 401 modulo 256 and prints Cloudsmith's message"):
    done = run("whoami", "-F", "json", key="wrong")
    assert done.code == 401 % 256, done
    assert done.json["meta"]["code"] == 401
    assert done.json["detail"] == "Invalid token."

with check("the key can be an option after the subcommand, and Basic a header"):
    assert run_json("whoami", "-k", KEY, key=None)["is_authenticated"] is True
    basic = {"CLOUDSMITH_API_HEADERS": "Authorization=me@example.com:pw"}
    assert run_json("whoami", key=None, **basic)["is_authenticated"] is True

# --- The life cycle of a key

with check("the list is empty at first"):
    assert run_json("tokens", "list") == []

with check("an anonymous list exits with 145"):
    done = run("tokens", "list", key=None)
    assert done.code == 401 % 256, done

with check("create prints the key, with an empty body as this client sends it"):
    done = run("tokens", "create", "-F", "json")
    created_key = done.json["data"]
    assert simulator.accepts(created_key["key"])
    assert datetime.fromisoformat(created_key["created"].replace("Z", "+00:00"))
    assert done.calls == ["POST /user/tokens/"]
    request = done.requests[0]
    assert (request["body"], dict(request["headers"])["content-length"]) == ("", "0")

with check("list prints the masked key, as text and as JSON"):
    listed = run_json("tokens", "list")
    assert [each["slug_perm"] for each in listed] == [created_key["slug_perm"]]
    assert listed[0]["key"] != created_key["key"]
    done = run("tokens", "list")
    assert f"slug_perm: {created_key['slug_perm']}" in done.out
    assert created_key["key"] not in done.out

with check("whoami -v also describes the key"):
    done = run("whoami", "-v", key=created_key["key"])
    assert done.code == 0, done
    assert f"Token Slug: {created_key['slug_perm']}" in done.out
    assert done.calls == ["GET /user/self/", "GET /user/tokens/"]

with check("create with an existing key asks whether to replace it, and defaults to no"):
    done = run("tokens", "create")
    assert "User already has a token. Would you like to recreate it?" in done.out + done.err
    assert done.calls == ["POST /user/tokens/"]
    assert simulator.accepts(created_key["key"])

with check("create --force refreshes the existing key, and the old key stops working"):
    done = run("tokens", "create", "--force", "-F", "json")
    assert done.code == 0, done
    fresh = done.json["data"]
    refresh = f"PUT /user/tokens/{created_key['slug_perm']}/refresh/"
    assert done.calls == ["POST /user/tokens/", "GET /user/tokens/", refresh]
    assert not simulator.accepts(created_key["key"])
    assert simulator.accepts(fresh["key"])

with check("refresh by slug prints another key"):
    last = run_json("tokens", "refresh", created_key["slug_perm"], "--force")
    assert last["key"] != fresh["key"]
    assert not simulator.accepts(fresh["key"])
    done = run("tokens", "refresh", created_key["slug_perm"])
    assert "New token value: " in done.out, done
    last = done.out.split("New token value: ")[1].split()[0]
    assert simulator.accepts(last)

with check("refresh without a slug prompts for it"):
    done = run("tokens", "refresh", typed=created_key["slug_perm"] + "\n")
    assert done.code == 0, done
    assert not simulator.accepts(last)
    last = done.out.split("New token value: ")[1].split()[0]

with check("a key that refreshes itself stops working"):
    fresh = run_json("tokens", "refresh", created_key["slug_perm"], key=last)["key"]
    assert run("whoami", key=last).code == 401 % 256
    assert run("whoami", key=fresh).code == 0
    last = fresh

with check("an unknown slug exits with 148"):
    done = run("tokens", "refresh", "missing", "-F", "json")
    assert done.code == 404 % 256, done
    assert done.json["detail"] == "The specified API key cannot be found."

with check("refresh without a key creates one"):
    with Simulator("cloudsmith") as other:
        done = run("tokens", "refresh", "--force", key=other.credentials["api_key"], at=other)
        assert done.code == 0, done
        assert done.calls == ["GET /user/tokens/", "POST /user/tokens/"]
        assert len(other.tokens()) == 1

with check("list prints the first thirty keys: this client does not paginate"):
    with Simulator("cloudsmith", "second_key=allowed") as other:
        for _ in range(31):
            other.create()
        done = run("tokens", "list", "-F", "json", key=other.credentials["api_key"], at=other)
        assert len(done.json["data"]) == 30
        assert done.calls == ["GET /user/tokens/"]

# --- Logging in

with check("login prints and saves the existing key, and sends no key"):
    done = run("login", "-l", "me@example.com", "-p", "pw", typed="y\n" * 5)
    assert f"Your API key/token is: {last}" in done.out, done
    assert any(last in text for text in done.files.values()), done.files
    assert "x-api-key" not in dict(done.requests[0]["headers"])

with check("login with a second factor prompts for the code and sends it with the token"):
    done = run("login", "-l", "2fa@example.com", "-p", "pw", typed="123456\n" + "y\n" * 5)
    assert f"Your API key/token is: {last}" in done.out, done
    first, second = done.requests
    assert json.loads(first["body"]) == {"email": "2fa@example.com", "password": "pw"}
    assert json.loads(second["body"])["totp_token"] == "123456"

with check("a wrong code and a wrong password exit with 166"):
    wrong_code = run("login", "-l", "2fa@example.com", "-p", "pw", typed="000000\n")
    wrong_password = run("login", "-l", "me@example.com", "-p", "wrong")
    for done in [wrong_code, wrong_password]:
        assert done.code == 422 % 256, done
        assert "Your API key/token is" not in done.out

with check("a lockout exits with 147"):
    for _ in range(3):
        run("login", "-l", "me@example.com", "-p", "wrong")
    done = run("login", "-l", "me@example.com", "-p", "pw")
    assert done.code == 403 % 256, done
    simulator.advance("15m")

with check("a removed login is reported, with exit codes 148 and 154"):
    for status in [404, 410]:
        with Simulator("cloudsmith", f"login={status}") as other:
            done = run("login", "-l", "me@example.com", "-p", "pw", at=other)
            assert done.code == status % 256, done
            assert "username and password login is disabled" in done.out + done.err

with check("this client does not support a 201 that requests the second factor"):
    with Simulator("cloudsmith", "two_factor_answer=201") as other:
        done = run("login", "-l", "2fa@example.com", "-p", "pw", at=other, typed="y\n" * 5)
        assert "Your API key/token is: None" in done.out, done

# --- Failures


def statuses(done):
    return [each["status"] for each in done.requests]


with check("create is retried until it succeeds, after 429 and after 503"):
    with Simulator("cloudsmith") as other:
        other.answer(429, {"retry-after": "1"}, times=2)
        key = other.credentials["api_key"]
        done = run("tokens", "create", "-F", "json", key=key, at=other)
        assert done.code == 0, done
        assert statuses(done) == [429, 429, 201]
        assert other.accepts(done.json["data"]["key"])
    simulator.answer(503)
    done = run("tokens", "refresh", created_key["slug_perm"], "-F", "json")
    assert statuses(done) == [503, 200]
    assert simulator.accepts(done.json["data"]["key"])

with check("a create that takes effect but fails is retried and rejected with 400"):
    with Simulator("cloudsmith") as other:
        other.fault({"answer_afterwards": {"status": 503}})
        key = other.credentials["api_key"]
        done = run("tokens", "create", key=key, at=other)
        assert statuses(done) == [503, 400]
        assert "User already has a token." in done.out + done.err
        assert len(other.tokens()) == 1

with check("a refresh that takes effect but fails is repeated: only the last key works"):
    simulator.fault({"answer_afterwards": {"status": 500}})
    done = run("tokens", "refresh", created_key["slug_perm"], "-F", "json")
    assert statuses(done) == [500, 200]
    assert [each["secret"] for each in simulator.tokens()] == [done.json["data"]["key"]]

with check("without retries 429 is reported as a failed connection"):
    simulator.answer(429, {"retry-after": "1"})
    done = run("tokens", "list", "--error-retry-max", "0")
    assert done.code != 0, done
    assert statuses(done) == [429]

BUDGET = {
    "x-ratelimit-limit": "100",
    "x-ratelimit-remaining": "99",
    "x-ratelimit-reset": "4102444800",
    "x-ratelimit-interval": "1.5",
    "content-type": "application/json",
}
SELF = '{"authenticated":true,"email":null,"name":null,"slug":"me"}'


def pause(*words):
    """Returns the seconds between the two requests of `whoami -v`."""
    simulator.answer(200, BUDGET, SELF)
    first, second = (
        datetime.fromisoformat(each["received"][:26].rstrip("Z") + "+00:00")
        for each in run("whoami", "-v", *words).requests
    )
    return (second - first).total_seconds()


with check("the client waits for the suggested interval, unless disabled"):
    assert pause() >= 1.4
    assert pause("-R") < 1.4

with check("a list that is a bare array is an error"):
    simulator.answer(200, {"content-type": "application/json"}, "[]")
    done = run("tokens", "list")
    assert done.code != 0, done

simulator.stop()
check.finish()
