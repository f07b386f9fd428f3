"""What an MLflow server holds, read by MLflow's own client and printed as JSON.

    readback.py run ID                 everything of a run
    readback.py runs EXPERIMENT        its runs' ids, newest first
    readback.py version NAME ALIAS     a version of a registered model, and its MLmodel
    readback.py delete-experiment NAME
    readback.py delete-run ID
    readback.py user NAME PASSWORD     makes one, on a server with basic auth
"""

import hashlib
import json
import math
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.models import Model


def number(value):
    return str(value) if not math.isfinite(value) else value


def files(client, run_id, folder=""):
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            yield from files(client, run_id, entry.path)
        else:
            yield entry.path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def mlmodel(folder):
    model = Model.load(folder)
    signature = model.signature
    example = None
    if model.saved_input_example_info:
        example = model.load_input_example(folder)
        example = example.to_dict("list") if hasattr(example, "to_dict") else example
    return {
        "flavors": sorted(model.flavors),
        "run_id": model.run_id,
        "inputs": signature.inputs.to_dict() if signature else None,
        "outputs": signature.outputs.to_dict() if signature else None,
        "example": example,
        "files": {
            os.path.relpath(os.path.join(at, name), folder): digest(os.path.join(at, name))
            for at, _, names in os.walk(folder)
            for name in names
        },
    }


def run(client, run_id):
    run = client.get_run(run_id)
    history = {
        key: [[m.step, number(m.value)] for m in client.get_metric_history(run_id, key)] for key in run.data.metrics
    }
    artifacts = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in files(client, run_id):
            artifacts[path] = digest(client.download_artifacts(run_id, path, folder))
    models = []
    for output in run.outputs.model_outputs if run.outputs else []:
        model = client.get_logged_model(output.model_id)
        with tempfile.TemporaryDirectory() as folder:
            at = mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=folder)
            models.append(
                {
                    "id": model.model_id,
                    "name": model.name,
                    "status": str(model.status),
                    "params": model.params,
                    "tags": model.tags,
                    "metrics": {m.key: number(m.value) for m in model.metrics or []},
                    **mlmodel(at),
                }
            )
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": history,
        "inputs": [
            {
                "name": i.dataset.name,
                "digest": i.dataset.digest,
                "source_type": i.dataset.source_type,
                "source": i.dataset.source,
                "schema": i.dataset.schema,
                "profile": i.dataset.profile,
                "context": {t.key: t.value for t in i.tags},
            }
            for i in run.inputs.dataset_inputs
        ],
        "artifacts": artifacts,
        "models": models,
    }


def version(client, name, alias):
    found = client.get_model_version_by_alias(name, alias)
    with tempfile.TemporaryDirectory() as folder:
        at = mlflow.artifacts.download_artifacts(f"models:/{name}@{alias}", dst_path=folder)
        model = mlmodel(at)
    return {
        "version": found.version,
        "versions": sorted(int(v.version) for v in client.search_model_versions(f'name="{name}"')),
        "aliases": sorted(client.get_registered_model(name).aliases),
        "run": found.run_id,
        "tags": found.tags,
        "description": found.description,
        "model": model,
    }


def main():
    client = MlflowClient()
    what, *args = sys.argv[1:]
    if what == "run":
        answer = run(client, *args)
    elif what == "runs":
        experiment = client.get_experiment_by_name(args[0])
        runs = client.search_runs([experiment.experiment_id], max_results=1000) if experiment else []
        answer = [r.info.run_id for r in runs]
    elif what == "version":
        answer = version(client, *args)
    elif what == "delete-experiment":
        answer = client.delete_experiment(client.get_experiment_by_name(args[0]).experiment_id)
    elif what == "delete-run":
        answer = client.delete_run(*args)
    elif what == "user":
        from mlflow.server import get_app_client

        get_app_client("basic-auth", tracking_uri=mlflow.get_tracking_uri()).create_user(*args)
        answer = None
    else:
        sys.exit(__doc__)
    json.dump(answer, sys.stdout, ensure_ascii=False)


main()
