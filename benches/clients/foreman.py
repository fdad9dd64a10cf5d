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
        # What it has learned of the API is kept, so that only the first process asks for it.
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
        asked = {"page": page, "per_page": job["page_size"], "order": "id ASC", **user(job)}
        answer = api.call(TOKENS, "index", asked)
        tokens += len(answer["results"])
        letters += letters_of(answer["results"], "expires_at")
        page += 1
        if tokens >= answer["subtotal"] or not answer["results"]:
            return tokens, letters


def live(api, job):
    def once(name):
        made = api.create(TOKENS, {"name": name}, user(job))
        token = api.show(TOKENS, made["id"], user(job))
        api.delete(TOKENS, made, user(job))
        return len(token["name"])

    return side_by_side(job, once)


measure(connect, {"nothing": nothing, "list": list_all, "live": live})
