"""The file of `tokenfleet check --metrics-file` in the parser of PyPI prometheus-client."""

import os
import subprocess
import tempfile
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from checks import Checks
from simulator import Simulator

check = Checks("PyPI prometheus-client")
ACCOUNT = 'a\\b"c\nd é'
CONFIGURATION = """
[accounts."a\\\\b\\"c\\nd é"]
provider = "losant"
base_url = "{url}"
token = {{ env = "METRICS_TOKEN" }}
[checks.all]
where = "everything"
[checks.stale]
unused_for = "90d"
"""

with Simulator("losant", tokens=12) as simulator, tempfile.TemporaryDirectory() as directory:
    configuration, metrics = Path(directory, "tokenfleet.toml"), Path(directory, "metrics.prom")
    configuration.write_text(CONFIGURATION.format(url=simulator.url), encoding="utf-8")
    words = ["check", "--config", configuration, "--metrics-file", metrics]
    variables = {**os.environ, "METRICS_TOKEN": simulator.credentials["token"]}
    run = subprocess.run([os.environ["TOKENFLEET"], *words], env=variables, capture_output=True)
    families = {}

    with check("the parser reads the file"):
        # Losant reports no last use.
        assert run.returncode == 6, run
        text = metrics.read_bytes().decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        samples = sum(len(family.samples) for family in families.values())
        assert samples == sum(not line.startswith("#") for line in text.splitlines())

    with check("a label keeps its backslash, quote and line break"):
        labels = families["tokenfleet_tokens"].samples[0].labels
        assert labels["account"] == ACCOUNT, labels

    with check("every family is a gauge with a help text"):
        for family in families.values():
            assert family.type == "gauge" and family.documentation, family

    with check("the tokens of all states are the tokens of the account"):
        assert sum(sample.value for sample in families["tokenfleet_tokens"].samples) == 12
        findings = {
            sample.labels["check"]: sample.value
            for sample in families["tokenfleet_check_findings"].samples
        }
        assert findings == {"all": 12, "stale": 0}, findings

check.finish()
