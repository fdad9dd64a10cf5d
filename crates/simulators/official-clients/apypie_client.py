"""PyPI apypie against the Foreman simulator, and the answers against the schema of its tokens."""

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


def valid(name, answer):
    Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"}).validate(answer)
    return answer


def connect(username, password, at=simulator):
    """A client with a session of its own: the client keeps cookies, which outlive the credential."""
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


def refused(call, *arguments, status):
    """The body of the answer behind what the client raises."""
    error = raised((requests.HTTPError, apypie.foreman.ForemanApiException), call, *arguments)
    cause = error if isinstance(error, requests.HTTPError) else error.__cause__
    assert cause.response.status_code == status, error
    return cause.response.json()


def call(action, **parameters):
    return api.call(PATS, action, {**USER, **parameters})


# --- Logging in

with check("the client learns the API from its description"):
    api = connect("admin", simulator.credentials["token"])
    assert PATS in api.resources
    assert simulator.requests()[0]["target"] == "/apidoc/v2.json"

with check("a wrong password is refused with 401, naming the login"):
    body = refused(connect("admin", "wrong").list, PATS, None, USER, status=401)
    assert body == {"error": {"message": "Unable to authenticate user admin"}}

with check("a disabled user is told so: 401"):
    body = refused(connect("disabled", "disabled").list, PATS, None, {"user_id": 8}, status=401)
    assert body["error"]["message"].startswith("User account is disabled")

# --- Creating

with check("creating gives the whole record and, this once, the secret"):
    entity = {"name": "ci", "expires_at": "2999-01-01T00:00:00Z"}
    made = valid("create_response", api.create(PATS, entity, USER))
    assert made["name"] == "ci"
    assert made["expires_at"] == "2999-01-01 00:00:00 UTC"
    assert made["active?"] is True
    assert made["revoked?"] is False
    assert made["user_id"] == USER["user_id"]
    assert made["last_used_at"] is None

with check("the secret authenticates in place of the password, which is its first use"):
    by_token = connect("admin", made["token_value"])
    assert [each["id"] for each in by_token.list(PATS, params=USER)] == [made["id"]]
    assert api.show(PATS, made["id"], USER)["last_used_at"] is not None

with check("a name is enough: never expires"):
    assert valid("create_response", api.create(PATS, {"name": " bare "}, USER))["expires_at"] is None

with check("the spaces around a name are gone"):
    assert names(search='name = "bare"') == ["bare"]

with check("a name that is taken is refused: 422"):
    body = refused(api.create, PATS, {"name": "ci"}, USER, status=422)
    valid("error_422", body)
    assert body["error"]["errors"] == {"name": ["has already been taken"]}
    assert body["error"]["full_messages"] == ["Name has already been taken"]

with check("the same name in another case is free"):
    assert api.create(PATS, {"name": "CI"}, USER)["name"] == "CI"

with check("a blank name, a date in the past and no date at all are refused: 422"):
    for entity, field, problem in [
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "x", "expires_at": "2001-01-01"}, "expires_at", "cannot be in the past"),
        ({"name": "x", "expires_at": "garbage"}, "expires_at", "Could not parse timestamp 'garbage'"),
    ]:
        body = valid("error_422", refused(api.create, PATS, entity, USER, status=422))
        assert body["error"]["errors"] == {field: [problem]}

with check("without a name the client itself refuses, and without its help Foreman does: 422"):
    raised(apypie.exceptions.MissingArgumentsError, call, "create")
    post = f"/api/users/{USER['user_id']}/{PATS}"
    body = valid("error_422", refused(api.http_call, "post", post, status=422))
    assert body["error"]["full_messages"] == ["Name can't be blank"]

# --- Reading

with check("a token is shown without its secret"):
    shown = valid("pat", api.show(PATS, made["id"], USER))
    assert "token_value" not in shown
    assert shown["name"] == "ci"

with check("an unknown id is not found: 404"):
    body = refused(api.show, PATS, 999, USER, status=404)
    assert body["error"]["message"] == "Resource personal_access_token not found by id '999'"
    refused(api.delete, PATS, {"id": 999}, USER, status=404)

with check("an unknown user is not found either, but with 422"):
    body = refused(api.list, PATS, None, {"user_id": 99}, status=422)
    assert body["error"]["message"] == "Couldn't find User with 'id'=\"99\""

with check("an unknown organization is 404 in a shape of its own"):
    body = refused(lambda: call("index", organization_id=99), status=404)
    assert body == {"message": "Organization with id 99 not found"}

# --- Listing

with check("a list is as long as the client wants: it asks for 4294967296 a page"):
    for number in range(1, 26):
        simulator.create(name=f"job-{number:02}")
    assert len(api.list(PATS, params=USER)) == 28

with check("unless asked otherwise, a page has twenty"):
    page = index()
    assert (page["total"], page["subtotal"], page["page"], page["per_page"]) == (28, 28, 1, 20)
    assert len(page["results"]) == 20

with check("pages begin at 1 and together are the whole; past the end is empty"):
    ids = []
    for number in range(1, 6):
        page = index(order="id ASC", page=number, per_page=10)
        assert page["total"] == 28
        ids += [each["id"] for each in page["results"]]
    assert page["results"] == []
    assert ids == sorted(ids) and len(ids) == 28

with check("per_page=all is one page of everything"):
    page = index(per_page="all")
    assert page["per_page"] == 28
    assert len(page["results"]) == 28

with check("order is by id, name or user, up and down, and says so"):
    for key in ["id", "name", "user_id"]:
        for direction in ["", " ASC", " DESC"]:
            page = index(order=key + direction, per_page="all", search="name ~ job")
            values = [each[key] for each in page["results"]]
            assert values == sorted(values, reverse=direction == " DESC")
            assert page["sort"] == {"by": key, "order": direction.strip() or "ASC"}

with check("another order is refused: 400"):
    body = refused(lambda: call("index", order="created_at ASC"), status=400)
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

with check("what cannot be searched is refused: 400"):
    body = refused(api.list, PATS, "revoked = true", USER, status=400)
    assert body["error"]["message"] == "Field 'revoked' not recognized for searching!"
    body = refused(api.list, PATS, "id = abc", USER, status=400)
    assert body["error"]["message"] == "Value 'abc' is not valid for field 'id'"

with check("a page of 0 is a failure of the server: 500"):
    body = refused(lambda: call("index", page=0), status=500)
    assert body["error"]["message"] == "invalid page: 0"

# --- Revoking

with check("revoking answers in another shape, with a hash and no question marks"):
    gone = valid("delete_response", call("destroy", id=made["id"]))
    assert gone["revoked"] is True
    assert made["token_value"] not in json.dumps(gone)

with check("a revoked token stays, revoked and inactive"):
    shown = valid("pat", api.show(PATS, made["id"], USER))
    assert (shown["active?"], shown["revoked?"]) == (False, True)
    assert not simulator.accepts(made["token_value"])

with check("revoking again succeeds and changes nothing"):
    assert call("destroy", id=made["id"]) == gone
    assert api.delete(PATS, {"id": made["id"]}, USER) is None

with check("its name stays taken"):
    refused(api.create, PATS, {"name": "ci"}, USER, status=422)

with check("the secret is refused by a new session, and the old session's cookie still works"):
    refused(connect("admin", made["token_value"]).list, PATS, None, USER, status=401)
    assert len(by_token.list(PATS, params=USER)) == 28

with check("after an hour without use the cookie is refused as well, with nothing in the answer"):
    simulator.advance("61m")
    error = raised(apypie.foreman.ForemanApiException, by_token.list, PATS, None, USER)
    answer = error.__cause__.response
    assert (answer.status_code, answer.text) == (401, "")
    api = connect("admin", simulator.credentials["token"])

with check("past its date a token is inactive, not revoked, and refused"):
    brief = simulator.create(name="brief", expires="2998-01-01T00:00:00Z")
    assert index(search="name = brief")["results"][0]["active?"] is True
    simulator.control("PUT", "/clock", {"set": "2998-01-02T00:00:00Z"})
    api = connect("admin", simulator.credentials["token"])
    shown = index(search="name = brief")["results"][0]
    assert (shown["active?"], shown["revoked?"]) == (False, False)
    refused(connect("admin", brief["secret"]).list, PATS, None, USER, status=401)

# --- Rights

with check("a user without rights manages its own tokens and nobody else's: 403"):
    jane = connect("jane.doe", "jane.doe")
    own = jane.create(PATS, {"name": "mine"}, {"user_id": 5})
    assert [each["id"] for each in jane.list(PATS, params={"user_id": 5})] == [own["id"]]
    jane.delete(PATS, own, {"user_id": 5})
    body = refused(jane.list, PATS, None, USER, status=403)
    assert body["error"]["missing_permissions"] == ["view_personal_access_tokens"]

with check("times are told in the zone of who asks"):
    prague = connect("prague", "prague").create(
        PATS, {"name": "z", "expires_at": "3000-07-01T00:00:00Z"}, {"user_id": 7}
    )
    valid("create_response", prague)
    assert prague["expires_at"] == "3000-07-01 02:00:00 +0200"

with check("thirty wrong passwords lock everybody out for five minutes: 401"):
    for _ in range(30):
        refused(connect("admin", "wrong").list, PATS, None, USER, status=401)
    locked = connect("admin", simulator.credentials["token"])
    body = refused(locked.list, PATS, None, USER, status=401)
    assert body["error"]["message"] == "Too many tries, please try again in a few minutes."
    simulator.advance("6m")
    locked.list(PATS, params=USER)

# --- Trouble

for status in [429, 500, 503]:
    with check(f"{status} is raised as it comes; this client never tries again"):
        headers = {"retry-after": "1", "content-type": "application/json"}
        simulator.answer(status, headers, '{"error":"Later"}')
        simulator.forget_requests()
        error = raised(apypie.foreman.ForemanApiException, api.list, PATS, None, USER)
        assert str(error).endswith("Later"), error
        assert len(simulator.requests()) == 1

with check("a 503 after the creation leaves a token whose name is then taken"):
    simulator.fault({"answer_afterwards": {"status": 503}}, method="POST")
    raised(apypie.foreman.ForemanApiException, api.create, PATS, {"name": "orphan"}, USER)
    assert names(search="name = orphan") == ["orphan"]
    refused(api.create, PATS, {"name": "orphan"}, USER, status=422)

with check("the client sends its cookie back, and a delete without a body, as recorded"):
    simulator.forget_requests()
    call("destroy", id=made["id"])
    request = simulator.requests()[0]
    headers = dict(request["headers"])
    assert headers["cookie"].startswith("_session_id=")
    assert headers["accept"] == "application/json;version=2"
    assert (request["body"], headers["content-length"]) == ("", "0")
    assert "content-type" not in headers

# --- Releases

with check("release 3.1 neither orders nor searches by id, and takes a date in the past"):
    with Simulator("foreman", "version=3.1.0") as older:
        api = connect("admin", older.credentials["token"], at=older)
        body = refused(lambda: call("index", order="id DESC"), status=400)
        assert "'id'" in body["error"]["message"]
        born = api.create(PATS, {"name": "old", "expires_at": "2001-01-01T00:00:00Z"}, USER)
        assert valid("create_response", born)["active?"] is False
        assert api.create(PATS, {"name": "older", "expires_at": "garbage"}, USER)["expires_at"] is None

simulator.stop()
cache.cleanup()
check.finish()
