"""Does the job that this process is given as its argument and prints what it cost."""

import json
import resource
import sys
import time


def measure(connect, works):
    """`works` has a function of the client and the job for each work, which gives how many tokens it saw and their letters."""
    job = json.loads(sys.argv[1])
    client = connect(job)
    begun = time.perf_counter()
    tokens, letters = works[job["work"]](client, job)
    wall = time.perf_counter() - begun
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
    """Each of the tokens to be made lives once, as many at a time as the job says."""
    names = [f"{job['names']}-{number}" for number in range(job["tokens"])]
    if job["at_a_time"] == 1:
        return len(names), sum(map(live, names))
    # Only here, so that it costs the others nothing.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(job["at_a_time"]) as threads:
        return len(names), sum(threads.map(live, names))


def letters_of(tokens, expiry):
    """Looks at the fields of each token: how long its texts are, how many scopes it has, whether it expires."""
    return sum(
        len(token.get("name") or "")
        + len(token.get("description") or "")
        + len(token.get("scope") or ())
        + (token.get(expiry) is not None)
        for token in tokens
    )


def peak_memory():
    """In KiB. `ru_maxrss` begins with what the parent held."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
