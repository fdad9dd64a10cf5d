"""PyPI losant-rest against the Losant simulator, and the responses against Losant's schemas."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests
from jsonschema import Draft7Validator, FormatChecker
from losant_rest import Client, LosantError

from checks import Checks, raised
from simulator import Simulator

check = Checks("PyPI losant-rest")
simulator = Simulator("losant", "two_factor_code=none")

UNKNOWN_ID = "575ec7417ae143cd83dc4a95"
ENVELOPE = {"_actions", "_etag", "_links", "_type"}
SOON = "2999-06-13T04:00:00.000Z"


def connect(token):
    return Client(auth_token=token, url=simulator.url)


client = connect(simulator.credentials["token"])
tokens = client.user_api_tokens
token = client.user_api_token

# The Python package has no schemas; these belong to the previous version of the API.
schemas = {
    path.stem: Draft7Validator(json.loads(path.read_text()), format_checker=FormatChecker())
    for path in (Path(__file__).parent / "schemas/losant-1.30").iterdir()
}
validated = {name: 0 for name in schemas}


def valid(name, response):
    """Returns the response, which matches the schema and adds only Losant's envelope."""
    schemas[name].validate(response)
    unknown_members = set(response) - set(schemas[name].schema["properties"]) - ENVELOPE
    assert not unknown_members, unknown_members
    validated[name] += 1
    return response


def rejected(call, status, kind=None, **named):
    """Returns the message of an error in Losant's format."""
    error = raised(LosantError, call, **named)
    assert error.status == status, error
    valid("error", error.data)
    assert kind in (None, error.data["type"]), error
    return error.data["message"]


# --- Logging in

with check("a login returns a user id and a valid token"):
    response = client.auth.authenticate_user(
        credentials={"email": "owner@example.com", "password": "correct horse"}
    )
    assert set(response) - ENVELOPE == {"token", "userId"}
    session = connect(response["token"])
    assert session.user_api_tokens.get()["totalCount"] == 0

with check("a wrong password is rejected with 401, a missing one with 400"):
    wrong = {"email": "owner@example.com", "password": "wrong horse"}
    rejected(client.auth.authenticate_user, 401, credentials=wrong)
    del wrong["password"]
    rejected(client.auth.authenticate_user, 400, credentials=wrong)

with check("refreshing a session returns another valid token"):
    assert simulator.accepts(session.me.refresh_token()["token"])

# --- Creating

with check("create returns the whole record with the secret"):
    created = valid(
        "apiToken",
        tokens.post(
            apiToken={
                "name": "ci",
                "description": "for builds",
                "expirationDate": SOON,
                "scope": ["all.User.read"],
                "status": "active",
            }
        ),
    )
    assert created["name"] == "ci"
    assert created["expirationDate"] == SOON
    assert created["scope"] == ["all.User.read"]
    assert created["id"] == created["apiTokenId"]
    assert created["_links"]["self"]["href"] == "/me/tokens/" + created["id"]
    assert simulator.accepts(created["token"])

with check("the secret authenticates within its scope"):
    own = connect(created["token"])
    assert own.user_api_tokens.get()["totalCount"] == 1
    rejected(own.user_api_tokens.post, 403, apiToken={"name": "beyond the scope"})

with check("only a name is required: the token is active, never expires, has scope all.User"):
    bare = valid("apiToken", tokens.post(apiToken={"name": "bare"}))
    assert bare["status"] == "active"
    assert "expirationDate" not in bare
    assert bare["scope"] == ["all.User"]

with check("two tokens can have the same name"):
    twin = valid("apiToken", tokens.post(apiToken={"name": "ci"}))
    assert twin["id"] != created["id"]
    valid("success", token.delete(apiTokenId=twin["id"]))

with check("roles, which this version of the API added, are stored"):
    roles = [{"orgId": "sandbox", "role": "view"}]
    with_roles = valid(
        "apiToken",
        tokens.post(apiToken={"name": "roles", "defaultRole": "view", "orgRoles": roles}),
    )
    assert with_roles["defaultRole"] == "view"
    assert with_roles["orgRoles"] == roles
    token.delete(apiTokenId=with_roles["id"])

with check("invalid input is sent unchanged and rejected with 400 Validation"):
    for body in [
        {"name": ""},
        {"name": "x" * 300},
        {"name": "x", "bogus": 1},
        {"name": "x", "scope": ["nope"]},
        {"name": "x", "status": "asleep"},
        {"name": "x", "expirationDate": None},
        {"name": "x", "defaultRole": "king"},
    ]:
        rejected(tokens.post, 400, "Validation", apiToken=body)

with check("create without a body, which this client sends empty, is rejected with 400"):
    assert rejected(tokens.post, 400, "Validation") == "name is required"

with check("none of the rejected tokens exists"):
    assert sorted(each["name"] for each in simulator.tokens()) == ["bare", "ci"]

# --- Reading and listing

with check("a token is returned without its secret"):
    read = valid("apiToken", token.get(apiTokenId=created["id"]))
    assert "token" not in read
    assert read["description"] == "for builds"

with check("an unknown id is rejected with 404 NotFound"):
    assert rejected(token.get, 404, "NotFound", apiTokenId=UNKNOWN_ID) == "API Token was not found"
    rejected(token.patch, 404, "NotFound", apiTokenId=UNKNOWN_ID, apiToken={"name": "x"})
    rejected(token.delete, 404, "NotFound", apiTokenId=UNKNOWN_ID)

with check("a malformed id is rejected with 400"):
    rejected(token.get, 400, apiTokenId="nope")

with check("an id with a slash, which this client does not escape, is another path: 405"):
    rejected(token.get, 405, "MethodNotAllowed", apiTokenId="a/b c")

with check("pages start at 0 and cover all tokens; a page past the end is empty"):
    for number in range(5):
        simulator.create(name=f"job {number}")
    names = []
    for page in range(4):
        response = valid("apiTokens", tokens.get(page=page, perPage=3))
        assert response["totalCount"] == 7
        assert response["count"] == len(response["items"])
        names += [each["name"] for each in response["items"]]
    assert response["items"] == []
    assert names == ["bare", "ci"] + [f"job {number}" for number in range(5)]

with check("every sort field works in both directions"):
    for field in ["name", "status", "id", "creationDate", "lastUpdated", "expirationDate"]:
        for direction in ["asc", "desc"]:
            response = valid("apiTokens", tokens.get(sortField=field, sortDirection=direction))
            values = [each.get(field, "") for each in response["items"]]
            assert values == sorted(values, reverse=direction == "desc"), field
            assert response["sortField"] == field

with check("a filter with spaces and stars, which this client encodes as + and %2A, works"):
    simulator.clear_requests()
    response = valid("apiTokens", tokens.get(filterField="name", filter="j*b *"))
    assert response["totalCount"] == 5
    assert "filter=j%2Ab+%2A" in simulator.requests()[0]["target"]

with check("Python's booleans, which are spelled with a capital letter, work"):
    assert "_links" not in tokens.get(_links=False)
    assert "_links" in tokens.get(_links=True)

with check("an unknown sort or filter field is rejected with 400"):
    rejected(tokens.get, 400, sortField="owner")
    rejected(tokens.get, 400, filterField="key", filter="x")

# --- Updating and deleting

with check("name and description can change, and other fields are rejected with 400"):
    changed = token.patch(apiTokenId=created["id"], apiToken={"name": "ci-2", "description": "d"})
    assert valid("apiToken", changed)["name"] == "ci-2"
    assert changed["expirationDate"] == SOON
    rejected(token.patch, 400, apiTokenId=created["id"], apiToken={"scope": ["all.User"]})
    rejected(token.patch, 400, apiTokenId=created["id"], apiToken={"expirationDate": SOON})

with check("a suspended token does not authenticate and can be resumed"):
    token.patch(apiTokenId=created["id"], apiToken={"status": "inactive"})
    rejected(own.user_api_tokens.get, 401)
    found = valid("apiTokens", tokens.get(filterField="status", filter="inactive"))
    assert [each["id"] for each in found["items"]] == [created["id"]]
    token.patch(apiTokenId=created["id"], apiToken={"status": "active"})
    own.user_api_tokens.get()

with check("an expired token does not authenticate and is still listed as active"):
    at = datetime.now(timezone.utc) + timedelta(minutes=1)
    brief = tokens.post(apiToken={"name": "brief", "expirationDate": at.isoformat()})
    connect(brief["token"]).user_api_tokens.get()
    simulator.advance("2m")
    rejected(connect(brief["token"]).user_api_tokens.get, 401)
    assert token.get(apiTokenId=brief["id"])["status"] == "active"

with check("delete confirms, invalidates the secret, and returns 404 the second time"):
    assert valid("success", token.delete(apiTokenId=created["id"]))["success"] is True
    assert not simulator.accepts(created["token"])
    rejected(own.user_api_tokens.get, 401)
    rejected(token.get, 404, apiTokenId=created["id"])
    rejected(token.delete, 404, apiTokenId=created["id"])

with check("a wrong token and a missing token are rejected with 401"):
    for caller in [connect("no.such.token"), connect(None)]:
        rejected(caller.user_api_tokens.get, 401)

with check("application tokens are separate from the user's"):
    there = {"applicationId": "575ec8687ae143cd83dc4a97"}
    child = client.application_api_tokens.post(**there, apiToken={"name": "there"})
    valid("apiToken", child)
    assert child["ownerType"] == "application"
    assert child["scope"] == ["all.Application"]
    assert valid("apiTokens", client.application_api_tokens.get(**there))["totalCount"] == 1
    client.application_api_token.delete(**there, apiTokenId=child["id"])

# --- Failures

for status in [429, 500, 503]:
    with check(f"{status} is raised at once; this client never retries"):
        simulator.answer(
            status,
            {"content-type": "application/json", "retry-after": "1"},
            '{"type":"Trouble","message":"Later"}',
        )
        simulator.clear_requests()
        assert rejected(tokens.get, status, "Trouble") == "Later"
        assert len(simulator.requests()) == 1

with check("an HTML page of a proxy is an error with the page as its data"):
    simulator.answer(502, {"content-type": "text/html"}, "<html>")
    error = raised(LosantError, tokens.get)
    assert (error.status, error.data) == (502, "<html>")

with check("a closed connection raises the transport's error"):
    simulator.fault("close_before")
    raised(requests.exceptions.ConnectionError, tokens.get)

with check("delete sends no body and no content type, as recorded"):
    simulator.clear_requests()
    raised(LosantError, token.delete, apiTokenId=UNKNOWN_ID)
    request = simulator.requests()[0]
    headers = dict(request["headers"])
    assert request["body"] == ""
    assert headers["content-length"] == "0"
    assert "content-type" not in headers
    assert headers["accept-version"] == "^1.31.0"

with check("every published schema matched at least one response"):
    assert all(validated.values()), validated

simulator.stop()
check.finish()
