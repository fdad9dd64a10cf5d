"""PyPI apypie against the Foreman simulator, and the responses against the schema of tokens."""

import json
import tempfile
from pathlib import Path

import apypie
import requests
from jsonschema import Draft202012Validator

from checks import Checks, raised
from simulator import Simulator

check = Checks("PyPI apypie")
SCHEMA = json.loads((Path(__file__).parent / "schemas/foreman.json").read_text())
PATS = "personal_access_tokens"

simulator = Simulator("foreman")
USER = {"user_id": int(simulator.credentials["user_id"])}
cache = tempfile.TemporaryDirectory()


def valid(name, response):
    Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"}).validate(response)
    return response


def connect(username, password, at=simulator):
    """Returns a client with a new session, because cookies outlive the credential."""
    return apypie.ForemanApi(
        uri=at.url,
        username=username,
        password=password,
        apidoc_cache_base_dir=cache.name,
    )


def index(**parameters):
    return valid("index_response", api.call(PATS, "index", {**USER, **parameters}))


def names(**parameters):
    return [each["name"] for each in index(**parameters)["results"]]


def rejected(call, *arguments, status):
    """Returns the body of the response that the client raises an exception for."""
    error = raised((requests.HTTPError, apypie.foreman.ForemanApiException), call, *arguments)
    cause = error if isinstance(error, requests.HTTPError) else error.__cause__
    assert cause.response.status_code == status, error
    return cause.response.json()


def call(action, **parameters):
    return api.call(PATS, action, {**USER, **parameters})


# --- Logging in

with check("the client reads the API description"):
    api = connect("admin", simulator.credentials["token"])
    assert PATS in api.resources
    assert simulator.requests()[0]["target"] == "/apidoc/v2.json"

with check("a wrong password is rejected with 401, naming the login"):
    body = rejected(connect("admin", "wrong").list, PATS, None, USER, status=401)
    assert body == {"error": {"message": "Unable to authenticate user admin"}}

with check("a disabled user is rejected with 401, naming the reason"):
    body = rejected(connect("disabled", "disabled").list, PATS, None, {"user_id": 8}, status=401)
    assert body["error"]["message"].startswith("User account is disabled")

# --- Creating

with check("create returns the whole record with the secret"):
    entity = {"name": "ci", "expires_at": "2999-01-01T00:00:00Z"}
    created = valid("create_response", api.create(PATS, entity, USER))
    assert created["name"] == "ci"
    assert created["expires_at"] == "2999-01-01 00:00:00 UTC"
    assert created["active?"] is True
    assert created["revoked?"] is False
    assert created["user_id"] == USER["user_id"]
    assert created["last_used_at"] is None

with check("the secret authenticates as the password, which counts as its first use"):
    by_token = connect("admin", created["token_value"])
    assert [each["id"] for each in by_token.list(PATS, params=USER)] == [created["id"]]
    assert api.show(PATS, created["id"], USER)["last_used_at"] is not None

with check("only a name is required: the token never expires"):
    assert valid("create_response", api.create(PATS, {"name": " bare "}, USER))["expires_at"] is None

with check("spaces around a name are trimmed"):
    assert names(search='name = "bare"') == ["bare"]

with check("a duplicate name is rejected with 422"):
    body = rejected(api.create, PATS, {"name": "ci"}, USER, status=422)
    valid("error_422", body)
    assert body["error"]["errors"] == {"name": ["has already been taken"]}
    assert body["error"]["full_messages"] == ["Name has already been taken"]

with check("names differ by case"):
    assert api.create(PATS, {"name": "CI"}, USER)["name"] == "CI"

with check("a blank name, a past date and an invalid date are rejected with 422"):
    for entity, field, problem in [
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "x", "expires_at": "2001-01-01"}, "expires_at", "cannot be in the past"),
        ({"name": "x", "expires_at": "garbage"}, "expires_at", "Could not parse timestamp 'garbage'"),
    ]:
        body = valid("error_422", rejected(api.create, PATS, entity, USER, status=422))
        assert body["error"]["errors"] == {field: [problem]}

with check("a missing name is rejected by the client, and by Foreman with 422"):
    raised(apypie.exceptions.MissingArgumentsError, call, "create")
    post = f"/api/users/{USER['user_id']}/{PATS}"
    body = valid("error_422", rejected(api.http_call, "post", post, status=422))
    assert body["error"]["full_messages"] == ["Name can't be blank"]

# --- Reading

with check("a token is returned without its secret"):
    shown = valid("pat", api.show(PATS, created["id"], USER))
    assert "token_value" not in shown
    assert shown["name"] == "ci"

with check("an unknown id is rejected with 404"):
    body = rejected(api.show, PATS, 999, USER, status=404)
    assert body["error"]["message"] == "Resource personal_access_token not found by id '999'"
    rejected(api.delete, PATS, {"id": 999}, USER, status=404)

with check("an unknown user is rejected with 422"):
    body = rejected(api.list, PATS, None, {"user_id": 99}, status=422)
    assert body["error"]["message"] == "Couldn't find User with 'id'=\"99\""

with check("an unknown organization is rejected with 404 in another format"):
    body = rejected(lambda: call("index", organization_id=99), status=404)
    assert body == {"message": "Organization with id 99 not found"}

# --- Listing

with check("a page can be as large as the client asks: 4294967296"):
    for number in range(1, 26):
        simulator.create(name=f"job-{number:02}")
    assert len(api.list(PATS, params=USER)) == 28

with check("a page has twenty items by default"):
    page = index()
    assert (page["total"], page["subtotal"], page["page"], page["per_page"]) == (28, 28, 1, 20)
    assert len(page["results"]) == 20

with check("pages start at 1 and cover all tokens; a page past the end is empty"):
    ids = []
    for number in range(1, 6):
        page = index(order="id ASC", page=number, per_page=10)
        assert page["total"] == 28
        ids += [each["id"] for each in page["results"]]
    assert page["results"] == []
    assert ids == sorted(ids) and len(ids) == 28

with check("per_page=all returns all tokens on one page"):
    page = index(per_page="all")
    assert page["per_page"] == 28
    assert len(page["results"]) == 28

with check("order is by id, name or user in both directions, and is echoed"):
    for key in ["id", "name", "user_id"]:
        for direction in ["", " ASC", " DESC"]:
            page = index(order=key + direction, per_page="all", search="name ~ job")
            values = [each[key] for each in page["results"]]
            assert values == sorted(values, reverse=direction == " DESC")
            assert page["sort"] == {"by": key, "order": direction.strip() or "ASC"}

with check("any other order is rejected with 400"):
    body = rejected(lambda: call("index", order="created_at ASC"), status=400)
    assert body["error"]["class"] == "ScopedSearch::QueryNotSupported"

for search, found in [
    ('name = "ci"', ["ci"]),
    ("name ~ CI", ["CI", "ci"]),
    ("ci", ["CI", "ci"]),
    ("name ~ job-0*", [f"job-{number:02}" for number in range(1, 10)]),
    ("job-01 or job-02", ["job-01", "job-02"]),
    ("name ^ (ci, bare, nobody)", ["bare", "ci"]),
    ("not name ~ job", ["bare", "CI", "ci"]),
    ("id > 1 and name ~ b", ["bare"] + [f"job-{number:02}" for number in range(1, 26)]),
]:
    with check(f"the search {search} finds {len(found)}"):
        page = index(search=search, per_page="all")
        assert sorted(each["name"] for each in page["results"]) == sorted(found)
        assert (page["search"], page["subtotal"], page["total"]) == (search, len(found), 28)

with check("fields and values that cannot be searched are rejected with 400"):
    body = rejected(api.list, PATS, "revoked = true", USER, status=400)
    assert body["error"]["message"] == "Field 'revoked' not recognized for searching!"
    body = rejected(api.list, PATS, "id = abc", USER, status=400)
    assert body["error"]["message"] == "Value 'abc' is not valid for field 'id'"

with check("page 0 is a server error: 500"):
    body = rejected(lambda: call("index", page=0), status=500)
    assert body["error"]["message"] == "invalid page: 0"

# --- Revoking

with check("revoke returns another format, with a hash and no question marks"):
    revocation = valid("delete_response", call("destroy", id=created["id"]))
    assert revocation["revoked"] is True
    assert created["token_value"] not in json.dumps(revocation)

with check("a revoked token stays listed, revoked and inactive"):
    shown = valid("pat", api.show(PATS, created["id"], USER))
    assert (shown["active?"], shown["revoked?"]) == (False, True)
    assert not simulator.accepts(created["token_value"])

with check("revoking again succeeds and changes nothing"):
    assert call("destroy", id=created["id"]) == revocation
    assert api.delete(PATS, {"id": created["id"]}, USER) is None

with check("its name stays in use"):
    rejected(api.create, PATS, {"name": "ci"}, USER, status=422)

with check("the secret is rejected in a new session, but the old session's cookie still works"):
    rejected(connect("admin", created["token_value"]).list, PATS, None, USER, status=401)
    assert len(by_token.list(PATS, params=USER)) == 28

with check("after an idle hour the cookie is rejected too, with an empty response"):
    simulator.advance("61m")
    error = raised(apypie.foreman.ForemanApiException, by_token.list, PATS, None, USER)
    response = error.__cause__.response
    assert (response.status_code, response.text) == (401, "")
    api = connect("admin", simulator.credentials["token"])

with check("an expired token is inactive, not revoked, and does not authenticate"):
    brief = simulator.create(name="brief", expires="2998-01-01T00:00:00Z")
    assert index(search="name = brief")["results"][0]["active?"] is True
    simulator.control("PUT", "/clock", {"set": "2998-01-02T00:00:00Z"})
    api = connect("admin", simulator.credentials["token"])
    shown = index(search="name = brief")["results"][0]
    assert (shown["active?"], shown["revoked?"]) == (False, False)
    rejected(connect("admin", brief["secret"]).list, PATS, None, USER, status=401)

# --- Permissions

with check("a user without permissions manages only their own tokens: 403 for others"):
    jane = connect("jane.doe", "jane.doe")
    own = jane.create(PATS, {"name": "mine"}, {"user_id": 5})
    assert [each["id"] for each in jane.list(PATS, params={"user_id": 5})] == [own["id"]]
    jane.delete(PATS, own, {"user_id": 5})
    body = rejected(jane.list, PATS, None, USER, status=403)
    assert body["error"]["missing_permissions"] == ["view_personal_access_tokens"]

with check("times are in the caller's time zone"):
    prague = connect("prague", "prague").create(
        PATS, {"name": "z", "expires_at": "3000-07-01T00:00:00Z"}, {"user_id": 7}
    )
    valid("create_response", prague)
    assert prague["expires_at"] == "3000-07-01 02:00:00 +0200"

with check("thirty wrong passwords lock all users out for five minutes: 401"):
    for _ in range(30):
        rejected(connect("admin", "wrong").list, PATS, None, USER, status=401)
    locked = connect("admin", simulator.credentials["token"])
    body = rejected(locked.list, PATS, None, USER, status=401)
    assert body["error"]["message"] == "Too many tries, please try again in a few minutes."
    simulator.advance("6m")
    locked.list(PATS, params=USER)

# --- Failures

for status in [429, 500, 503]:
    with check(f"{status} is raised at once; this client never retries"):
        headers = {"retry-after": "1", "content-type": "application/json"}
        simulator.answer(status, headers, '{"error":"Later"}')
        simulator.clear_requests()
        error = raised(apypie.foreman.ForemanApiException, api.list, PATS, None, USER)
        assert str(error).endswith("Later"), error
        assert len(simulator.requests()) == 1

with check("a 503 after the creation leaves a token that occupies its name"):
    simulator.fault({"answer_afterwards": {"status": 503}}, method="POST")
    raised(apypie.foreman.ForemanApiException, api.create, PATS, {"name": "orphan"}, USER)
    assert names(search="name = orphan") == ["orphan"]
    rejected(api.create, PATS, {"name": "orphan"}, USER, status=422)

with check("the client returns its cookie, and sends delete without a body, as recorded"):
    simulator.clear_requests()
    call("destroy", id=created["id"])
    request = simulator.requests()[0]
    headers = dict(request["headers"])
    assert headers["cookie"].startswith("_session_id=")
    assert headers["accept"] == "application/json;version=2"
    assert (request["body"], headers["content-length"]) == ("", "0")
    assert "content-type" not in headers

# --- Releases

with check("release 3.1 neither orders nor searches by id, and accepts a past date"):
    with Simulator("foreman", "version=3.1.0") as older:
        api = connect("admin", older.credentials["token"], at=older)
        body = rejected(lambda: call("index", order="id DESC"), status=400)
        assert "'id'" in body["error"]["message"]
        born = api.create(PATS, {"name": "old", "expires_at": "2001-01-01T00:00:00Z"}, USER)
        assert valid("create_response", born)["active?"] is False
        assert api.create(PATS, {"name": "older", "expires_at": "garbage"}, USER)["expires_at"] is None

simulator.stop()
cache.cleanup()
check.finish()
