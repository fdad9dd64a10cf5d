"""Measures which faults the tests notice: mutation testing with one compilation for all mutants.

`cargo mutants` lists the mutants of the files below, and a random sample is drawn from each area. All
of it is compiled at once, in a copy of the sources in target/mutants: where a mutant stands, both
forms stand, and the variable TOKENFLEET_MUTANT chooses one when a test runs (switched.py). A mutant
that cannot be switched so, or does not compile, is replaced by the next draw.

A mutant is run against its crate's own tests, and if these miss it, against all others, the fastest
first. A test binary runs only if it reaches the mutant, which one run without mutants shows. A test
that fails must fail once more alone. A run that takes five times as long as without a mutant counts
as a catch: an endless loop is noticed.

Outcomes are kept in target/mutants/outcomes.jsonl, and what is there is not run again, so that a
measurement can be stopped at any time. `--again missed` runs those anew that every test missed,
`--again own` those that the crate's own tests missed.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from switched import SWITCH, Switched, numbers_around

LISTING = "crates/core/src/listing"
HTTP = ("content_coding", "content_coding/*", "decode", "decode/*", "decode/shape/*", "error_body", "rate_headers",
        "response", "response_error", "adapter/field_reasons", "adapter/issued", "adapter/liveness")
AREAS = {  # a file belongs to the last area that names it
    "listing engine": [f"{LISTING}.rs", f"{LISTING}/*.rs", f"{LISTING}/engine/*.rs"],
    "cursor": [f"{LISTING}/cursor.rs"],
    "plan": [f"{LISTING}/plan.rs", *(f"crates/core/src/workflow/revocation_plan{file}.rs" for file in ("", "/*"))],
    "redaction": [f"crates/core/src/{file}.rs" for file in ("error/redaction", "error/redaction/*", "model/secret")],
    "retry": [f"crates/http/src/{file}.rs" for file in ("attempt", "backoff", "last_look", "retry", "retry_budget")],
    "origin guard": ["crates/http/src/base_url.rs", "crates/http/src/request.rs"],
    "responses": [f"crates/http/src/{file}.rs" for file in HTTP],
    "conversions": [f"crates/{adapter}/src/{file}.rs" for adapter in ("losant", "foreman", "cloudsmith", "mindbody")
                    for file in ("convert", "wire", "query", "secret_shape")],
}
PARTS_OF_TESTS = {"tests", "fake_pages"}
# They read the sources, or compile a program of their own at each run.
UNSUITED = {"layers", "documentation", "readme", "program_page", "consumer", "own_program"}
# The same cases of every property for each mutant, as in .ci/run, and no search for a smaller one.
PROPERTIES = {"PROPTEST_RNG_SEED": "20261130", "PROPTEST_MAX_SHRINK_ITERS": "0",
              "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "true"}
TIMEOUT = "timeout"

root = Path(__file__).resolve().parents[2]
work = root / "target/mutants"
tree, left_out, outcomes_file = work / "tree", work / "left_out.json", work / "outcomes.jsonl"
locks, noting = collections.defaultdict(threading.Lock), threading.Lock()


def output(*command):
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout


def cargo(*arguments):
    """Runs cargo in the copy; returns whether it succeeded, and its messages."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(work / "build")}
    command = ["cargo", *arguments, "--message-format", "json"]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE)
    return done.returncode == 0, [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def listed():
    """Returns the mutants of each area in the order in which they are drawn. It follows from their
    names without lines, so that a change elsewhere in a file leaves the sample as it is."""
    files = [f"--file={file}" for files in AREAS.values() for file in files]
    areas, seen = {area: [] for area in AREAS}, collections.Counter()
    for mutant in json.loads(output("cargo", "mutants", "--workspace", "--list", "--json", *files)):
        name = re.sub(r":\d+:\d+:", ":", mutant["name"], count=1)
        seen[name] += 1
        mutant["key"] = f"{name} #{seen[name]}"
        if not PARTS_OF_TESTS & set(Path(mutant["file"]).with_suffix("").parts):
            names = (area for area in AREAS for file in AREAS[area] if fnmatch.fnmatch(mutant["file"], file))
            mutant["area"] = list(names)[-1]
            areas[mutant["area"]].append(mutant)
    for mutants in areas.values():
        mutants.sort(key=lambda mutant: hashlib.sha256(f"{options.seed} {mutant['key']}".encode()).digest())
    return areas


def write_tree(mutants):
    """Writes the copy with these mutants; returns those that cannot be switched."""
    files = {name: Switched((root / name).read_bytes()) for name in {mutant["file"] for mutant in mutants.values()}}
    unswitched = [number for number, mutant in mutants.items() if not files[mutant["file"]].place(number, mutant)]
    with_switch = {"{}/{}/src/lib.rs".format(*Path(name).parts) for name in files}
    for name in output("git", "ls-files", "-co", "--exclude-standard").decode().splitlines():
        source, target = root / name, tree / name
        if source.is_file():
            text = files[name].text() if name in files else source.read_bytes()
            text += SWITCH if name in with_switch else b""
            target.parent.mkdir(parents=True, exist_ok=True)
            # Cargo goes by the times of files.
            if not target.is_file() or target.read_bytes() != text:
                target.write_bytes(text)
                shutil.copymode(source, target)
    return unswitched


def culprits(message):
    """Returns the mutants that an error of the compiler is about."""
    for span in sorted(message["spans"], key=lambda span: not span["is_primary"]):
        while span and not (tree / span["file_name"]).is_file():
            span = (span["expansion"] or {}).get("span")  # from a macro of another crate to its use
        source = (tree / span["file_name"]).read_bytes() if span else b""
        if numbers := source and numbers_around(source, span["byte_start"], span["byte_end"]):
            return numbers
    sys.exit(f"no mutant explains this error:\n{message['rendered']}")


def draw():
    """Returns the numbered mutants of the sample, which compile, and why others were left out."""
    areas, dropped = listed(), json.loads(left_out.read_text()) if left_out.is_file() else {}
    total = sum(map(len, areas.values()))
    while True:
        numbered = {}
        for mutants in areas.values():
            share = max(options.least, round(options.sample * len(mutants) / total))
            for mutant in [mutant for mutant in mutants if mutant["key"] not in dropped][:share]:
                numbered[len(numbered)] = mutant
        bad = dict.fromkeys(write_tree(numbered), "not switchable")
        if not bad:
            compiles, messages = cargo("check", "--workspace", "--lib", "--keep-going")
            if compiles:
                return numbered, dropped
            errors = (message["message"] for message in messages if message["reason"] == "compiler-message")
            errors = (error for error in errors if error["level"] == "error" and error["spans"])
            bad = {number: "does not compile" for error in errors for number in culprits(error)}
        print(f"{len(bad)} mutants are replaced", flush=True)
        dropped |= {numbered[number]["key"]: why for number, why in bad.items()}
        left_out.write_text(json.dumps(dropped, indent=1))


class Binary:
    """A test binary."""

    def __init__(self, artifact):
        self.path, self.folder = artifact["executable"], Path(artifact["manifest_path"]).parent
        self.crate, target = self.folder.name, artifact["target"]
        is_of_library = "lib" in target["kind"]
        self.name = f"{self.crate} {'lib' if is_of_library else target['name']}"
        # The other tests of a crate share a folder for files.
        self.lock = threading.Lock() if is_of_library else locks[self.crate]

    def run(self, seconds, arguments=(), **variables):
        """Runs it until a test fails; returns what failed, or None."""
        environment = os.environ | PROPERTIES | {"CARGO_MANIFEST_DIR": str(self.folder)} | variables
        process = subprocess.Popen([self.path, *arguments], cwd=self.folder, env=environment, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        is_late = threading.Event()
        timer = threading.Timer(seconds, lambda: (is_late.set(), end(process)))
        timer.start()
        failed = next(filter(None, (re.match(r"test (.+) \.\.\. FAILED", line) for line in process.stdout)), None)
        if not failed:
            process.wait()
        timer.cancel()
        end(process)
        status = process.wait()
        if is_late.is_set():
            return TIMEOUT
        return failed[1] if failed else f"status {status}" if status else None

    def catches(self, number):
        """Returns what fails with a mutant, and fails once more alone: a busy machine is no catch."""
        seconds, mutant = max(20, 5 * self.seconds), {"TOKENFLEET_MUTANT": str(number)}
        failed, unsure = self.run(seconds, **mutant), []
        while failed and failed != TIMEOUT and not failed.startswith("status "):
            if self.run(seconds, (failed, "--exact"), **mutant):
                return failed
            unsure += ["--skip", failed]
            failed = self.run(seconds, unsure, **mutant)
        return failed


def end(process):
    """Ends a process with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def binaries():
    """Compiles the test binaries, and measures how long each runs and which mutants it reaches."""
    compiles, messages = cargo("test", "--workspace", "--no-run")
    if not compiles:
        sys.exit("the tests do not compile")
    found = []
    for message in messages:
        if message["reason"] != "compiler-artifact" or not message["profile"]["test"]:
            continue
        binary, log = Binary(message), work / "reached"
        if message["target"]["name"] in UNSUITED:
            continue
        log.write_text("")
        start = time.monotonic()
        failed = binary.run(900, TOKENFLEET_MUTANTS_REACHED=str(log))
        binary.seconds, binary.reached = time.monotonic() - start, set(map(int, log.read_text().split()))
        ending = f"; it is left out, because it fails: {failed}" if failed else ""
        print(f"{binary.name}: {binary.seconds:.1f} s, reaches {len(binary.reached)}{ending}", flush=True)
        found += [] if failed else [binary]
    return sorted(found, key=lambda binary: binary.seconds)


def judge(number, mutant, tested):
    """Runs tests on a mutant until one fails, and notes the outcome."""
    outcome = {key: mutant[key] for key in ("key", "name", "area")} | {"own": "missed", "wider": ""}
    crate = Path(mutant["file"]).parts[1]
    for binary in sorted((b for b in tested if number in b.reached), key=lambda b: b.crate != crate):
        side = "own" if binary.crate == crate else "wider"
        with binary.lock:
            failed = binary.catches(number)
        outcome[side] = "missed"
        if failed:
            outcome |= {side: TIMEOUT if failed == TIMEOUT else "caught", "by": f"{binary.name}: {failed}"}
            break
    with noting, outcomes_file.open("a") as file:
        file.write(json.dumps(outcome) + "\n")
    print(f"{outcome['own']} {outcome['wider']} {mutant['name']} | {outcome.get('by', '')}", flush=True)


def outcomes():
    lines = outcomes_file.read_text().splitlines() if outcomes_file.is_file() else []
    return {outcome["key"]: outcome for outcome in map(json.loads, lines)}


def is_missed(outcome):
    return "caught" not in outcome.values() and TIMEOUT not in outcome.values()


def report(sample, dropped):
    """Prints the table of docs/MUTATIONS.md; returns whether the tests notice enough."""
    rows = [outcomes()[mutant["key"]] for mutant in sample.values()]
    print("\n| area | mutants | caught by its crate's tests | by others only | by a timeout | missed |")
    print("| --- | --: | --: | --: | --: | --: |")
    for area in [*AREAS, "all"]:
        chosen = [row for row in rows if area in (row["area"], "all")]
        own, wider = (sum(row[side] == "caught" for row in chosen) for side in ("own", "wider"))
        missed = sum(map(is_missed, chosen))
        print(f"| {area} | {len(chosen)} | {own} | {wider} | {len(chosen) - own - wider - missed} | {missed} |")
    own = sum(row["own"] == "missed" for row in rows)
    reasons = ", ".join(f"{count} {why}" for why, count in collections.Counter(dropped.values()).items())
    print(f"\nThe crates' own tests missed {own} of {len(rows)}. Replaced before they ran: {reasons}.")
    print("\n".join(f"missed: {row['name']}" for row in rows if is_missed(row)))
    return missed <= 0.02 * len(rows) and own <= 0.15 * len(rows)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sample", type=int, default=400)
    arguments.add_argument("--least", type=int, default=24, help="mutants of each area at least")
    arguments.add_argument("--seed", type=int, default=13)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--again", choices=["missed", "own"])
    options = arguments.parse_args()
    work.mkdir(parents=True, exist_ok=True)
    again = {"missed": is_missed, "own": lambda outcome: outcome["own"] == "missed", None: lambda _: False}
    kept = [outcome for outcome in outcomes().values() if not again[options.again](outcome)]
    outcomes_file.write_text("".join(json.dumps(outcome) + "\n" for outcome in kept))
    sample, dropped = draw()
    print(f"{len(sample)} mutants", flush=True)
    tested, known = binaries(), outcomes()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        fresh = (item for item in sample.items() if item[1]["key"] not in known)
        list(pool.map(lambda item: judge(*item, tested), fresh))
    sys.exit(0 if report(sample, dropped) else 1)
