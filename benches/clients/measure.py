"""Does the job in the argument of this process and prints its cost."""

import json
import resource
import sys
import time


def measure(connect, works):
    """Runs the function in `works` for the job, which returns the number of tokens and their letters."""
    job = json.loads(sys.argv[1])
    client = connect(job)
    started = time.perf_counter()
    tokens, letters = works[job["work"]](client, job)
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "tokens": tokens,
        "letters": letters,
        "wall": wall,
        "processor": used.ru_utime + used.ru_stime,
        "peak_memory": peak_memory(),
    }
    print(json.dumps(cost))


def nothing(_client, _job):
    return 0, 0


def side_by_side(job, live):
    """Calls `live` once for each token, as many at a time as the job says."""
    names = [f"{job['names']}-{number}" for number in range(job["tokens"])]
    if job["at_a_time"] == 1:
        return len(names), sum(map(live, names))
    # Imported here, so that it costs the other jobs nothing.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(job["at_a_time"]) as threads:
        return len(names), sum(threads.map(live, names))


def letters_of(tokens, expiry):
    """Returns a checksum of the tokens: the letters of their texts, their scopes and their expiry."""
    return sum(
        len(token.get("name") or "")
        + len(token.get("description") or "")
        + len(token.get("scope") or ())
        + (token.get(expiry) is not None)
        for token in tokens
    )


def peak_memory():
    """Returns the peak memory in KiB; `ru_maxrss` would include the memory of the parent."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
