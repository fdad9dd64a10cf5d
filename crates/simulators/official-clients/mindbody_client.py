"""PyPI mindbody-api against the Mindbody simulator, and the responses against the SDK's models.

The client only has issue and revoke; renewals are plain requests, as the official SDK sends them.
"""

import json
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import mindbody_api
from jsonschema import Draft202012Validator
from mindbody_api.rest import ApiException

from checks import Checks, raised
from simulator import Simulator

check = Checks("PyPI mindbody-api")
SCHEMA = json.loads((Path(__file__).parent / "schemas/mindbody.json").read_text())


def valid(name, response):
    Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"}).validate(response)
    return response


class Studio:
    """A simulator and a client for it."""

    def __init__(self, *options):
        self.simulator = Simulator("mindbody", *options)
        credentials = self.simulator.credentials
        self.site = credentials["site_id"]
        self.username = credentials["username"]
        self.password = credentials["password"]
        # The client can be configured with an API key, but does not send it to these operations.
        key = {"API-Key": credentials["api_key"]}
        self.users = mindbody_api.UserTokenApi(self.connect(key))
        # This operation has no parameter for the site.
        self.sites = mindbody_api.SiteApi(self.connect({**key, "SiteId": self.site}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.simulator.stop()

    def connect(self, headers):
        configuration = mindbody_api.Configuration()
        configuration.host = self.simulator.url
        client = mindbody_api.ApiClient(configuration)
        for name, value in headers.items():
            client.set_default_header(name, value)
        return client

    def issue(self, username=None, password=None, site=None):
        request = mindbody_api.IssueRequest(
            username=self.username if username is None else username,
            password=self.password if password is None else password,
        )
        return self.users.user_token_issue(request, site or self.site, "6")

    def revoke(self, token, site=None):
        return self.users.user_token_revoke(site or self.site, "6", authorization=token)

    def works(self, token):
        """Returns True if another operation of the API accepts the token."""
        try:
            self.sites.site_get_sites("6", authorization=token)
            return True
        except ApiException as error:
            assert error.status == 401, error
            return False

    def renew(self, token):
        """Sends `POST usertoken/renew`, which this client does not have."""
        request = urllib.request.Request(
            self.simulator.url + "/public/v6/usertoken/renew",
            data=b"",
            headers={
                "API-Key": self.simulator.credentials["api_key"],
                "siteId": self.site,
                "authorization": f"Bearer {token}",
            },
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)


def rejected(call, *arguments, status, code, **named):
    """Returns the message of an error in Mindbody's format."""
    error = raised(ApiException, call, *arguments, **named)
    assert error.status == status, error
    body = valid("Error", json.loads(error.body))["Error"]
    assert body["Code"] == code, body
    return body["Message"]


studio = Studio()
simulator = studio.simulator

# --- The life cycle of a token

with check("issue returns a token and its user"):
    issued = studio.issue()
    assert isinstance(issued, mindbody_api.IssueResponse)
    assert issued.token_type == "Bearer"
    assert issued.access_token.isalnum()
    assert issued.user.type == "Owner"
    assert issued.user.id == 0
    token = issued.access_token

with check("the response also contains the expiry, one day later"):
    raw = studio.users.user_token_issue(
        mindbody_api.IssueRequest(username=studio.username, password=studio.password),
        studio.site,
        "6",
        _preload_content=False,
    )
    response = valid("IssueResponse", json.loads(raw.data))
    expires = datetime.fromisoformat(response["Expires"].replace("Z", "+00:00"))
    hours = (expires - datetime.now(timezone.utc)).total_seconds() / 3600
    assert 23.9 < hours <= 24, hours

with check("each issue creates another token, and older tokens stay valid"):
    assert response["AccessToken"] != token
    assert studio.works(token)

with check("the token works bare and as Bearer"):
    assert studio.works(token)
    assert studio.works(f"Bearer {token}")
    assert not studio.works("no-such-token")

with check("revoke ends only the token in the header"):
    assert isinstance(studio.revoke(token), (dict, type(None)))
    assert not studio.works(token)
    assert not simulator.accepts(token)
    assert studio.works(response["AccessToken"])

with check("revoking a revoked or unknown token is rejected with 401 DeniedAccess"):
    rejected(studio.revoke, token, status=401, code="DeniedAccess")
    rejected(studio.revoke, "0" * 32, status=401, code="DeniedAccess")

with check("a revocation with Bearer works as well"):
    studio.revoke(f"Bearer {response['AccessToken']}")
    assert simulator.tokens() == []

with check("after a day the token has expired, and revoking it is rejected"):
    brief = studio.issue().access_token
    simulator.advance("23h59m")
    assert studio.works(brief)
    simulator.advance("1m")
    assert not studio.works(brief)
    rejected(studio.revoke, brief, status=401, code="DeniedAccess")

with check("a token can be renewed seven times, each time by a day"):
    renewed = studio.issue().access_token
    for day in range(7):
        response = studio.renew(renewed)
        simulator.advance("24h")
        assert studio.works(renewed), day
    error = raised(urllib.error.HTTPError, studio.renew, renewed)
    assert error.code == 403
    assert valid("Error", json.load(error))["Error"]["Code"] == "DeniedAccess"
    simulator.advance("24h")
    assert not studio.works(renewed)

with check("a source logs in with an underscore before its name"):
    assert studio.issue("_ExampleSource", "source-password").access_token

# --- Errors

with check("a wrong password is rejected with 403, not 401"):
    message = rejected(studio.issue, password="wrong", status=403, code="DeniedAccess")
    assert message == "Staff identity authentication failed."

with check("an unknown user is rejected with the same message"):
    message = rejected(studio.issue, "Nobody", status=403, code="DeniedAccess")
    assert message == "Staff identity authentication failed."

with check("empty username and password are rejected with 400"):
    rejected(studio.issue, "", "", status=400, code="MissingRequiredFields")

with check("an API key in the client's configuration is not sent, and rejected as missing: 401"):
    configuration = mindbody_api.Configuration()
    configuration.host = simulator.url
    configuration.api_key["API-Key"] = simulator.credentials["api_key"]
    bare = mindbody_api.UserTokenApi(mindbody_api.ApiClient(configuration))
    request = mindbody_api.IssueRequest(username=studio.username, password=studio.password)
    message = rejected(bare.user_token_issue, request, "-99", "6", status=401, code="DeniedAccess")
    assert message == "Missing API key"

with check("a wrong API key is rejected with 401"):
    wrong = mindbody_api.UserTokenApi(studio.connect({"API-Key": "wrong"}))
    rejected(wrong.user_token_issue, request, "-99", "6", status=401, code="DeniedAccess")

with check("an unknown site is rejected with InvalidSiteId"):
    rejected(studio.issue, site="12345", status=400, code="InvalidSiteId")

with check("a token is rejected at another site, and stays valid"):
    token = studio.issue().access_token
    message = rejected(studio.revoke, token, site="31415", status=401, code="DeniedAccess")
    assert message == "User token site id does not match requested site"
    assert studio.works(token)

# --- Switches

with check("a revocation can return an object, an empty body, or 204"):
    for setting in ["object", "empty", "204"]:
        with Studio(f"revoke_answer={setting}") as other:
            issued = other.issue().access_token
            _, status, _ = other.users.user_token_revoke_with_http_info(
                other.site, "6", authorization=issued
            )
            assert status == (204 if setting == "204" else 200)
            assert not other.simulator.accepts(issued)

with check("the user can be staff, with an id"):
    with Studio("user_type=Staff") as other:
        user = other.issue().user
        assert (user.type, user.id) == ("Staff", 116)

with check("beyond the daily limit calls fail with 429 TooManyRequests; this client does not retry"):
    with Studio("daily_limit=2") as other:
        other.issue()
        other.issue()
        rejected(other.issue, status=429, code="TooManyRequests")
        assert len(other.simulator.requests()) == 3
        other.simulator.advance("24h")
        other.issue()

# --- Failures

with check("issue is sent once, whatever the response"):
    for status in [429, 500, 503]:
        simulator.answer(status, {"retry-after": "1"}, '{"Error":{"Message":"m","Code":"Unknown"}}')
        simulator.clear_requests()
        rejected(studio.issue, status=status, code="Unknown")
        assert len(simulator.requests()) == 1

with check("a revocation with Retry-After is sent up to four times and takes effect once"):
    simulator.answer(503, {"retry-after": "0"}, times=3)
    simulator.clear_requests()
    studio.revoke(token)
    assert [each["status"] for each in simulator.requests()] == [503, 503, 503, 200]
    assert not simulator.accepts(token)

with check("a revocation that takes effect but fails is rejected with 401 when retried"):
    token = studio.issue().access_token
    canned = {"status": 503, "headers": {"retry-after": "0"}}
    simulator.fault({"answer_afterwards": canned}, method="DELETE")
    rejected(studio.revoke, token, status=401, code="DeniedAccess")
    assert not simulator.accepts(token)

with check("an error of the framework has its message at the top level"):
    body = '{"Message":"An error has occurred."}'
    simulator.answer(500, {"content-type": "application/json"}, body)
    error = raised(ApiException, studio.issue)
    assert error.status == 500
    assert json.loads(error.body) == {"Message": "An error has occurred."}

with check("the requests match the recordings"):
    simulator.clear_requests()
    token = studio.issue().access_token
    studio.revoke(token)
    issue, revoke = simulator.requests()
    assert issue["target"] == "/public/v6/usertoken/issue"
    assert json.loads(issue["body"]) == {"Username": "Siteowner", "Password": "apitest1234"}
    headers = dict(revoke["headers"])
    assert headers["authorization"] == token
    assert headers["siteid"] == "-99"
    assert revoke["body"] == ""
    assert "content-length" not in headers

simulator.stop()
check.finish()
