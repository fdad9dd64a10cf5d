"""PyPI cloudsmith-api."""

import cloudsmith_api
from measure import measure, nothing


def connect(job):
    configuration = cloudsmith_api.Configuration()
    configuration.host = job["url"]
    configuration.api_key["X-Api-Key"] = job["credentials"]["api_key"]
    return cloudsmith_api.UserApi(cloudsmith_api.ApiClient(configuration))


def refresh(user, job):
    letters = 0
    for _ in range(job["times"]):
        (key,) = user.user_tokens_list().results
        letters += len(user.user_tokens_refresh(key.slug_perm).key)
    return job["times"], letters


measure(connect, {"nothing": nothing, "refresh": refresh})
