"""PyPI apypie."""

import sys
from pathlib import Path

import apypie
from measure import letters_of, measure, nothing, side_by_side

TOKENS = "personal_access_tokens"


def connect(job):
    api = apypie.ForemanApi(
        uri=job["url"],
        username=job["credentials"]["login"],
        password=job["credentials"]["token"],
        # The API description is cached, so that only the first process requests it.
        apidoc_cache_dir=str(Path(sys.prefix) / "apidoc"),
    )
    assert TOKENS in api.resources
    return api


def user(job):
    return {"user_id": int(job["credentials"]["user_id"])}


def list_all(api, job):
    if job["page_size"] is None:
        results = api.list(TOKENS, params=user(job))
        return len(results), letters_of(results, "expires_at")
    tokens = letters = 0
    page = 1
    while True:
        params = {"page": page, "per_page": job["page_size"], "order": "id ASC", **user(job)}
        response = api.call(TOKENS, "index", params)
        tokens += len(response["results"])
        letters += letters_of(response["results"], "expires_at")
        page += 1
        if tokens >= response["subtotal"] or not response["results"]:
            return tokens, letters


def live(api, job):
    def once(name):
        created = api.create(TOKENS, {"name": name}, user(job))
        token = api.show(TOKENS, created["id"], user(job))
        api.delete(TOKENS, created, user(job))
        return len(token["name"])

    return side_by_side(job, once)


measure(connect, {"nothing": nothing, "list": list_all, "live": live})
