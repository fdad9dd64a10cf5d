"""PyPI cloudsmith-api against the Cloudsmith simulator, with the package's models as schemas."""

import json
import time
from datetime import datetime, timezone

import cloudsmith_api
from cloudsmith_api.rest import ApiException

from checks import Checks, raised
from simulator import Simulator

check = Checks("PyPI cloudsmith-api")
simulator = Simulator("cloudsmith")
KEY = simulator.credentials["api_key"]


def connect(key=None, username=None, password=None, header=None, at=simulator, path=""):
    configuration = cloudsmith_api.Configuration()
    configuration.host = at.url + path
    if key:
        configuration.api_key["X-Api-Key"] = key
    configuration.username = username or ""
    configuration.password = password or ""
    named = {"header_name": "Authorization", "header_value": header} if header else {}
    return cloudsmith_api.UserApi(cloudsmith_api.ApiClient(configuration, **named))


def rejected(call, *arguments, status, **named):
    """Returns the body of the error, which fits the package's own model."""
    error = raised(ApiException, call, *arguments, **named)
    assert error.status == status, error
    body = json.loads(error.body)
    known = cloudsmith_api.ErrorDetail.attribute_map.values()
    assert set(body) <= {*known, "two_factor_required", "two_factor_token"}, body
    cloudsmith_api.ErrorDetail(**{name: body.get(name) for name in ("detail", "fields", "code")})
    return body


def attempts(call, *arguments, **named):
    """Returns the result or error, and the number of requests sent."""
    simulator.clear_requests()
    try:
        response = call(*arguments, **named)
    except ApiException as error:
        response = error
    return response, len(simulator.requests())


user = connect(KEY)

# --- Authentication

with check("an anonymous caller gets 200 without user data"):
    brief = connect().user_self()
    assert isinstance(brief, cloudsmith_api.UserBrief)
    assert brief.authenticated is False
    assert (brief.email, brief.name, brief.slug, brief.slug_perm) == (None, None, None, None)

with check("the key authenticates in either header, and under /v1"):
    for known in [user, connect(header=f"token {KEY}"), connect(KEY, path="/v1")]:
        brief = known.user_self()
        assert brief.authenticated is True
        assert brief.email == "me@example.com"

with check("email address and password authenticate"):
    assert connect(username="me@example.com", password="pw").user_self().authenticated is True

with check("a wrong key, token or password is rejected with 401 on a public endpoint"):
    for caller in [
        connect("wrong"),
        connect(header="token wrong"),
        connect(username="me@example.com", password="wrong"),
    ]:
        rejected(caller.user_self, status=401)

with check("an unknown scheme counts as anonymous"):
    assert connect(header=f"Bearer {KEY}").user_self().authenticated is False

with check("anonymous list, create and refresh are rejected with 401"):
    anonymous = connect()
    for call, *arguments in [
        (anonymous.user_tokens_list,),
        (anonymous.user_tokens_create,),
        (anonymous.user_tokens_refresh, "x"),
    ]:
        body = rejected(call, *arguments, status=401)
        assert body["detail"] == "Authentication credentials were not provided."

# --- The life cycle of a key

with check("an empty list has no pagination headers"):
    page, _, headers = user.user_tokens_list_with_http_info()
    assert page.results == []
    assert "X-Pagination-Count" not in headers

with check("create returns the full key, with a body of {} as this client sends it"):
    simulator.clear_requests()
    created_key, status, _ = user.user_tokens_create_with_http_info()
    assert status == 201
    assert isinstance(created_key, cloudsmith_api.UserAuthenticationToken)
    assert created_key.created.tzinfo is not None
    assert abs((datetime.now(timezone.utc) - created_key.created).total_seconds()) < 60
    assert simulator.accepts(created_key.key)
    assert simulator.requests()[0]["body"] == "{}"

with check("the new key authenticates"):
    assert connect(created_key.key).user_self().authenticated is True

with check("a listed key is masked, and otherwise the same"):
    page = user.user_tokens_list()
    assert [each.slug_perm for each in page.results] == [created_key.slug_perm]
    assert page.results[0].created == created_key.created
    assert page.results[0].key != created_key.key
    assert not simulator.accepts(page.results[0].key)

with check("totals are only in headers"):
    _, status, headers = user.user_tokens_list_with_http_info(page=1, page_size=10)
    assert status == 200
    for name, value in [("Count", "1"), ("Page", "1"), ("PageTotal", "1"), ("PageSize", "10")]:
        assert headers[f"X-Pagination-{name}"] == value
    assert "Link" not in headers

with check("a second key is rejected with 400"):
    body = rejected(user.user_tokens_create, status=400)
    assert "User has already created an API key" in body["detail"]

with check("refresh returns another key and invalidates the old one at once"):
    fresh, status, _ = user.user_tokens_refresh_with_http_info(created_key.slug_perm)
    assert status == 200
    assert fresh.key != created_key.key
    assert fresh.slug_perm == created_key.slug_perm
    rejected(connect(created_key.key).user_self, status=401)
    assert connect(fresh.key).user_self().authenticated is True

with check("a key can refresh itself, which ends the caller's access"):
    own = connect(fresh.key)
    last = own.user_tokens_refresh(fresh.slug_perm)
    rejected(own.user_self, status=401)
    assert connect(last.key).user_self().authenticated is True

with check("an unknown slug is rejected with 404"):
    body = rejected(user.user_tokens_refresh, "missing", status=404)
    assert body["detail"] == "The specified API key cannot be found."
    rejected(user.user_tokens_refresh, "a/b c", status=404)

with check("a missing slug is rejected by the client"):
    raised(ValueError, user.user_tokens_refresh, None)

# --- Pages

with Simulator("cloudsmith", "second_key=allowed") as many:
    for _ in range(65):
        many.create()
    crowd = connect(many.credentials["api_key"], at=many)

    def page(**parameters):
        found, _, headers = crowd.user_tokens_list_with_http_info(**parameters)
        names = ["Page", "PageTotal", "PageSize", "Count"]
        counts = [int(headers[f"X-Pagination-{name}"]) for name in names]
        return [each.slug_perm for each in found.results], counts, headers.get("Link")

    with check("pages start at 1, have 30 items by default, and cover all keys"):
        slugs = []
        for number, size in [(1, 30), (2, 30), (3, 5)]:
            found, counts, _ = page(page=number)
            assert len(found) == size
            assert counts == [number, 3, 30, 65]
            slugs += found
        assert sorted(slugs) == sorted(each["id"] for each in many.tokens())

    with check("a missing or non-positive page number is the first page"):
        assert page(page=0) == page(page=-3) == page(page=1) == page()

    with check("the page size is limited to 500"):
        assert page(page_size=1000)[1] == [1, 1, 500, 65]

    with check("a page past the end is rejected with 404"):
        assert rejected(crowd.user_tokens_list, page=4, status=404)["detail"] == "Invalid page."

    with check("links lead to the first, last, previous and next page, and drop the page size"):
        links = page(page=2, page_size=10)[2]
        assert [link.split('rel="')[1].rstrip('"') for link in links.split(", ")] == [
            "first",
            "last",
            "prev",
            "next",
        ]
        assert "page=3>" in links
        assert "page_size" not in links

# --- Service accounts

with Simulator("cloudsmith", "collection=services") as organization:
    configuration = cloudsmith_api.Configuration()
    configuration.host = organization.url
    configuration.api_key["X-Api-Key"] = organization.credentials["api_key"]
    orgs = cloudsmith_api.OrgsApi(cloudsmith_api.ApiClient(configuration))

    with check("a service is created with its key, and listed with a mask of it"):
        asked = cloudsmith_api.ServiceRequest(name="My CI", description="Deploys", role="Manager")
        service = orgs.orgs_services_create("acme", data=asked)
        assert isinstance(service, cloudsmith_api.Service)
        assert (service.name, service.slug, service.role) == ("My CI", "my-ci", "Manager")
        assert organization.accepts(service.key)
        listed, _, headers = orgs.orgs_services_list_with_http_info("acme", sort="-created_at")
        assert [each.slug for each in listed] == ["my-ci"]
        assert headers["X-Pagination-Count"] == "1"
        assert listed[0].key != service.key
        assert listed[0].key[-4:] == service.key[-4:]
        assert orgs.orgs_services_read("acme", "my-ci") == listed[0]

    with check("a change through the client's model sets the role to its default"):
        change = cloudsmith_api.ServiceRequestPatch(description="Builds")
        assert orgs.orgs_services_partial_update("acme", "my-ci", data=change).role == "Member"

    with check("a refresh returns another key and invalidates the old one"):
        refreshed = orgs.orgs_services_refresh("acme", "my-ci")
        assert (refreshed.slug, refreshed.description) == ("my-ci", "Builds")
        assert organization.accepts(refreshed.key) and not organization.accepts(service.key)

    with check("a service that is deleted is not found, and its key is dead"):
        assert orgs.orgs_services_delete("acme", "my-ci") is None
        assert not organization.accepts(refreshed.key)
        rejected(orgs.orgs_services_read, "acme", "my-ci", status=404)
        assert orgs.orgs_services_list("acme") == []

    with check("an invalid service is rejected by client and platform, each naming the field"):
        raised(ValueError, cloudsmith_api.ServiceRequest, name="")
        body = rejected(orgs.orgs_services_create, "acme", data={"name": ""}, status=422)
        assert list(body["fields"]) == ["name"]

# --- Logging in

with check("a login returns the existing key"):
    data = {"email": "me@example.com", "password": "pw"}
    response, status, _ = connect().user_token_create_with_http_info(data=data)
    assert status == 201
    assert isinstance(response, cloudsmith_api.UserAuthToken)
    assert response.token == last.key

with check("a login by Basic without a body returns it too"):
    assert connect(username="me@example.com", password="pw").user_token_create().token == last.key

with check("a login with a second factor takes two steps: 422, then the key"):
    data = {"email": "2fa@example.com", "password": "pw"}
    body = rejected(connect().user_token_create, data=data, status=422)
    assert body["two_factor_required"] is True
    step = {"totp_token": "123456", "two_factor_token": body["two_factor_token"]}
    assert connect().user_token_create(data=step).token == last.key

with check("a 201 that requests the second factor has no token"):
    with Simulator("cloudsmith", "two_factor_answer=201") as other:
        response = connect(at=other).user_token_create(data=data)
        assert response.token is None
        assert response.two_factor_required is True
        assert response.two_factor_token

with check("the client's model rejects an empty email address"):
    raised(ValueError, cloudsmith_api.UserAuthTokenRequest, email="")

with check("a login without a password is rejected with 422 and the field's name"):
    body = rejected(connect().user_token_create, data={"email": "me@example.com"}, status=422)
    assert (body["code"], list(body["fields"])) == ("invalid", ["password"])

with check("a wrong password is 422, and after five the right one is locked out: 403"):
    for _ in range(5):
        wrong = {"email": "me@example.com", "password": "wrong"}
        rejected(connect().user_token_create, data=wrong, status=422)
    right = {"email": "me@example.com", "password": "pw"}
    assert rejected(connect().user_token_create, data=right, status=403)["detail"] == "Locked out."
    simulator.advance("15m")
    assert connect().user_token_create(data=right).token == last.key

with check("a removed login is 404 or 410"):
    for status in [404, 410]:
        with Simulator("cloudsmith", f"login={status}") as other:
            rejected(connect(at=other).user_token_create, data=right, status=status)

# --- The rate limit

with check("every response reports the rate limit, beyond which requests are 429 for the hour"):
    with Simulator("cloudsmith", "rate_limit=2") as other:
        limited = connect(other.credentials["api_key"], at=other)
        for left in ["1", "0"]:
            _, _, headers = limited.user_self_with_http_info()
            assert headers["X-RateLimit-Limit"] == "2"
            assert headers["X-RateLimit-Remaining"] == left
            assert int(headers["X-RateLimit-Reset"]) > time.time()
            assert float(headers["X-RateLimit-Interval"]) >= 0
        # This client would retry other calls after an hour, but not the creation.
        error = raised(ApiException, limited.user_tokens_create)
        assert error.status == 429
        assert int(error.headers["Retry-After"]) > 3500
        detail = json.loads(error.body)["detail"]
        assert detail.startswith("Request was throttled. Expected available in "), detail
        other.advance("1h")
        limited.user_tokens_create()

with check("the limits can be queried"):
    client = cloudsmith_api.RatesApi(user.api_client)
    limits = client.rates_limits_list().resources["core"]
    assert limits.limit == 5400
    assert limits.throttled is False

# --- Failures

AGAIN = {"retry-after": "1", "content-type": "application/json"}
THROTTLED = '{"detail":"Request was throttled."}'

for status in [429, 503]:
    with check(f"with Retry-After on {status} this client sends a refresh four times"):
        simulator.answer(status, AGAIN, THROTTLED, times=4)
        began = time.monotonic()
        response, requests = attempts(user.user_tokens_refresh, last.slug_perm)
        assert isinstance(response, ApiException) and response.status == status
        assert requests == 4
        assert 2.9 < time.monotonic() - began < 6
        assert simulator.accepts(last.key)

with check("with Retry-After this client retries silently and succeeds"):
    simulator.answer(429, {"retry-after": "0"}, times=3)
    last, requests = attempts(user.user_tokens_refresh, last.slug_perm)
    assert requests == 4
    assert simulator.accepts(last.key)

with check("lists are retried in the same way"):
    simulator.answer(503, {"retry-after": "0"}, times=2)
    response, requests = attempts(user.user_tokens_list)
    assert (len(response.results), requests) == (1, 3)

with check("without Retry-After, after a 500, and for create, it sends one request"):
    for status, headers, call, arguments in [
        (429, {}, user.user_tokens_refresh, [last.slug_perm]),
        (503, {}, user.user_tokens_list, []),
        (500, AGAIN, user.user_tokens_refresh, [last.slug_perm]),
        (429, AGAIN, user.user_tokens_create, []),
        (503, AGAIN, user.user_tokens_create, []),
    ]:
        simulator.answer(status, headers, THROTTLED)
        response, requests = attempts(call, *arguments)
        assert (response.status, requests) == (status, 1)

with check("a refresh that takes effect but fails is repeated: only the last key works"):
    simulator.fault({"answer_afterwards": {"status": 503, "headers": {"retry-after": "0"}}})
    twice, requests = attempts(user.user_tokens_refresh, last.slug_perm)
    assert requests == 2
    assert not simulator.accepts(last.key)
    assert simulator.accepts(twice.key)

with check("a list that is a bare array or has no results is an error"):
    for body in ["[]", "{}"]:
        simulator.answer(200, {"content-type": "application/json"}, body)
        raised(ValueError, user.user_tokens_list)

simulator.stop()
check.finish()
