"""Schemathesis against a server of our own: requests made from /openapi.json, by a seed, find nothing that the
description does not say. Run from the repository's root: .ci/schemathesis.py VENV PROGRAM"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

venv, program = sys.argv[1:]
examples = os.environ.get("SENTIMETER_SCHEMATHESIS", "25")

with tempfile.TemporaryDirectory() as folder:
    home = ["--home", f"{folder}/home"]

    def run(*arguments):
        subprocess.run([program, *home, *arguments], check=True, capture_output=True)

    # Something to show: a data set, a run, two versions of a model, a champion.
    light = ["--set", "features.chars=[]", "--set", "calibration.kind=none", "--quiet"]
    run("import", "examples/feedback.csv", "--name", "feedback")
    for seed in ("1", "2"):
        run("train", "--data", "feedback", "--register", "sentiment", "--set", f"seed={seed}", *light)
    run("models", "promote", "sentiment@1")

    serve = [program, *home, "serve", "--listen", "127.0.0.1:0", "--json", "--log-format", "json"]
    log = open(f"{folder}/log", "w+")
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        said = ""
        for line in server.stdout:
            said += line
            if line.rstrip() == "}":
                break
        told = json.loads(said)
        config = pathlib.Path(folder) / "schemathesis.toml"
        # A key that has just been revoked, or a model that was promoted, is what our own requests did: a status of 404
        # or 409 is no refusal of a good request.
        config.write_text(
            "[checks]\n"
            'positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]\n'
            "ignored_auth.enabled = false\n"  # on loopback some need no key, and wrong ones are slowed down (our own tests)
            "[[operations]]\n"
            'include-name = "POST /v1/predict"\n'
            "checks.negative_data_rejection.enabled = false\n"  # a wrong item spoils itself alone: 200, and its error
            "[[operations]]\n"
            'include-name = "POST /v1/items"\n'
            "checks.negative_data_rejection.enabled = false\n"  # the same
            "[[operations]]\n"
            'include-name = "DELETE /v1/keys/{id}"\n'
            "enabled = false\n"  # sooner or later it revokes the key that asks, and nothing is asked any more
            "[[operations]]\n"
            'include-name = "POST /v1/jobs"\n'
            "checks.negative_data_rejection.enabled = false\n"  # any bytes are a file of texts, one a line
            "checks.positive_data_acceptance.enabled = false\n"  # and its forms are made with names that no form has
        )
        done = subprocess.run(
            [
                f"{venv}/bin/schemathesis", "--config-file", str(config), "run", f"{told['url']}/openapi.json",
                "--header", f"Authorization: Bearer {told['admin_key']}",
                "--max-examples", examples, "--seed", "20261121", "--generation-deterministic",
                "--suppress-health-check", "all", "--request-timeout", "30", "--no-color",
            ],
            cwd=folder,
        )
    finally:
        server.terminate()
        server.wait(timeout=60)
    log.seek(0)
    panics = [line for line in log if "a bug at" in line or "panicked" in line]
    if panics:
        sys.exit("the server met a bug:\n" + "".join(panics))
    sys.exit(done.returncode)
