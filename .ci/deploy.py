"""What deploy/ says of our metrics holds: promtool reads every expression, and every metric is one that
crates/inference/src/telemetry.rs names. Run from the repository's root; needs Debian's `prometheus` package."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

deploy = pathlib.Path("deploy")
telemetry = pathlib.Path("crates/inference/src/telemetry.rs").read_text()
known = set(re.findall(r'"(sentimeter_[a-z_]+)"', telemetry)) - {"sentimeter_trace"}
assert len(known) > 10, "telemetry.rs names no metrics?"
documented = set(re.findall(r"^\| `(sentimeter_[a-z_]+)`", pathlib.Path("docs/serve.md").read_text(), re.MULTILINE))
if known != documented:
    sys.exit(f"docs/serve.md and telemetry.rs do not name the same metrics: {', '.join(sorted(known ^ documented))}")

dashboard = json.loads((deploy / "grafana.json").read_text())
expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
ids = [panel["id"] for panel in dashboard["panels"]]
assert len(ids) == len(set(ids)), "two panels have one id"

rules = (deploy / "sentimeter.rules.yml").read_text()
used = set(re.findall(r"\bsentimeter_[a-z_]+", "\n".join(expressions) + rules))
bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
unknown = sorted(bare - known)
if unknown:
    sys.exit(f"deploy/ speaks of metrics that nobody counts: {', '.join(unknown)}")

# The dashboard's expressions, as rules that promtool reads; Grafana puts values in the place of its variables.
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "dashboard.yml"
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, expression in enumerate(expressions):
        plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        lines += [f"      - record: dashboard:{number}", f"        expr: {json.dumps(plain)}"]
    path.write_text("\n".join(lines) + "\n")
    for command in (
        ["check", "rules", str(path)],
        ["check", "config", "deploy/prometheus.yml"],
        ["check", "rules", "deploy/sentimeter.rules.yml"],
        ["test", "rules", "deploy/sentimeter.rules.test.yml"],
    ):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"promtool {' '.join(command)}\n{done.stdout}{done.stderr}")
print(f"{len(expressions)} expressions of the dashboard and the alert rules are sound; {len(bare)} metrics, all known")
