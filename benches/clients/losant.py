"""PyPI losant-rest."""

from losant_rest import Client
from measure import letters_of, measure, nothing, side_by_side

LEAN = {"_links": "false", "_actions": "false", "_embedded": "false"}


def connect(job):
    return Client(auth_token=job["credentials"]["token"], url=job["url"])


def list_all(client, job):
    tokens = letters = page = 0
    while True:
        response = client.user_api_tokens.get(
            page=page, perPage=job["page_size"], sortField="id", sortDirection="asc", **LEAN
        )
        tokens += len(response["items"])
        letters += letters_of(response["items"], "expirationDate")
        page += 1
        if tokens >= response["totalCount"] or not response["items"]:
            return tokens, letters


def live(client, job):
    def once(name):
        created = client.user_api_tokens.post(apiToken={"name": name}, **LEAN)
        token = client.user_api_token.get(apiTokenId=created["id"], **LEAN)
        client.user_api_token.delete(apiTokenId=created["id"], **LEAN)
        return len(token["name"])

    return side_by_side(job, once)


measure(connect, {"nothing": nothing, "list": list_all, "live": live})
