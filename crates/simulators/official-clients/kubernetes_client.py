"""PyPI kubernetes against the simulated Secrets of a cluster."""

import base64
import json
import os

from kubernetes.client import ApiClient, Configuration, CoreV1Api, V1ObjectMeta, V1Secret
from kubernetes.client.exceptions import ApiException

from checks import Checks, raised
from simulator import Simulator

check = Checks("PyPI kubernetes")
simulator = Simulator("kubernetes", program=os.environ["KUBERNETES"])


def connect(token):
    configuration = Configuration(host=simulator.url)
    configuration.api_key = {"BearerToken": token, "authorization": token}
    configuration.api_key_prefix = {"BearerToken": "Bearer", "authorization": "Bearer"}
    return CoreV1Api(ApiClient(configuration))


def rejected(call, *arguments, status, reason):
    """Returns the message of a `Status`."""
    error = raised(ApiException, call, *arguments)
    body = json.loads(error.body)
    assert error.status == body["code"] == status, error
    assert (body["kind"], body["status"], body["reason"]) == ("Status", "Failure", reason), body
    return body["message"]


def new(name, **values):
    metadata = V1ObjectMeta(name=name, annotations={"owner": "ops"}, labels={"app": "ci"})
    return V1Secret(metadata=metadata, string_data=values)


def decoded(secret):
    return {key: base64.b64decode(value).decode() for key, value in secret.data.items()}


core = connect(simulator.credentials["token"])

with check("a Secret is created, and read as it was returned"):
    created = core.create_namespaced_secret("ci", new("losant", token="first", other="kept"))
    assert decoded(created) == {"token": "first", "other": "kept"}
    assert (created.kind, created.type, created.string_data) == ("Secret", "Opaque", None)
    assert created.metadata.namespace == "ci" and created.metadata.uid
    assert created.metadata.creation_timestamp.tzinfo is not None
    assert core.read_namespaced_secret("losant", "ci").to_dict() == created.to_dict()

with check("a replacement keeps what it contains, and has another version"):
    secret = core.read_namespaced_secret("losant", "ci")
    secret.data["token"] = base64.b64encode(b"second").decode()
    secret.metadata.annotations["tokenfleet/stamp.token"] = '{"epoch":1}'
    replaced = core.replace_namespaced_secret("losant", "ci", secret)
    assert decoded(replaced) == {"token": "second", "other": "kept"}
    assert replaced.metadata.annotations["owner"] == "ops"
    assert replaced.metadata.labels == {"app": "ci"}
    assert replaced.metadata.uid == created.metadata.uid
    assert replaced.metadata.resource_version != created.metadata.resource_version

with check("a replacement of an earlier version is a conflict and changes nothing"):
    stale = rejected(
        core.replace_namespaced_secret, "losant", "ci", secret, status=409, reason="Conflict"
    )
    assert "the object has been modified" in stale, stale
    assert core.read_namespaced_secret("losant", "ci").to_dict() == replaced.to_dict()

with check("a replacement by the same is no change"):
    same = core.replace_namespaced_secret("losant", "ci", replaced)
    assert same.metadata.resource_version == replaced.metadata.resource_version

with check("a replacement without a version wins"):
    replaced.metadata.resource_version = None
    replaced.data["token"] = base64.b64encode(b"third").decode()
    assert decoded(core.replace_namespaced_secret("losant", "ci", replaced))["token"] == "third"

with check("what exists is not created, and what does not exist is neither read nor replaced"):
    create, read = core.create_namespaced_secret, core.read_namespaced_secret
    replace = core.replace_namespaced_secret
    rejected(create, "ci", new("losant", token="x"), status=409, reason="AlreadyExists")
    assert rejected(read, "none", "ci", status=404, reason="NotFound") == 'secrets "none" not found'
    rejected(read, "losant", "default", status=404, reason="NotFound")
    rejected(replace, "none", "ci", new("none", token="x"), status=404, reason="NotFound")
    missing = rejected(create, "missing", new("losant", token="x"), status=404, reason="NotFound")
    assert missing == 'namespaces "missing" not found', missing

with check("an object that took the place of another is not replaced for it"):
    old = core.read_namespaced_secret("losant", "ci")
    core.delete_namespaced_secret("losant", "ci")
    core.create_namespaced_secret("ci", new("losant", token="another"))
    old.metadata.resource_version = None
    rejected(replace, "losant", "ci", old, status=409, reason="Conflict")

with check("values are base64, and keys, names and types are checked"):
    secret = core.read_namespaced_secret("losant", "ci")
    secret.data["token"] = "%"
    rejected(replace, "losant", "ci", secret, status=400, reason="BadRequest")
    rejected(create, "ci", new("a", **{"a b": "x"}), status=422, reason="Invalid")
    secret = core.read_namespaced_secret("losant", "ci")
    secret.type = "kubernetes.io/tls"
    rejected(replace, "losant", "ci", secret, status=422, reason="Invalid")
    secret = core.read_namespaced_secret("losant", "ci")
    rejected(replace, "other", "ci", secret, status=400, reason="BadRequest")

with check("what is immutable stays"):
    secret = new("fixed", token="x")
    secret.immutable = True
    fixed = core.create_namespaced_secret("ci", secret)
    fixed.data["token"] = base64.b64encode(b"y").decode()
    rejected(replace, "fixed", "ci", fixed, status=422, reason="Invalid")

with check("a wrong token is refused"):
    rejected(
        connect("wrong").read_namespaced_secret, "losant", "ci", status=401, reason="Unauthorized"
    )

simulator.stop()
check.finish()
