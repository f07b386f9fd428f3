"""The peer of the suspicious list: cleanlab on the very same out-of-fold probabilities.

    cargo run --release -p sentimeter-experiment --example label_flips -- /tmp/flips.json FILE
    python benches/peers/cleanlab.py /tmp/flips.json

Needs cleanlab (2.9.0 measured); it is no part of ./test.
"""

import json
import sys
from importlib.metadata import version

# Beside this script stands its own name: the package must be found, not this file.
sys.path.pop(0)
import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

with open(sys.argv[1]) as file:
    found = json.load(file)
rows = np.array([r[0] for r in found["rows"]])
given = np.array([r[1] for r in found["rows"]])
probs = np.array([r[2] for r in found["rows"]], dtype=float)
probs /= probs.sum(axis=1, keepdims=True)
flipped = np.array([r[3] for r in found["rows"]], dtype=bool)
tenth = len(rows) // 10
place = {row: i for i, row in enumerate(rows)}
ours = np.array([place[row] for row in found["ranked"]])

print(f"cleanlab {version('cleanlab')}, {len(rows)} rows, {flipped.sum()} flipped, first {tenth} of each list")
for name, order in [
    ("ours", ours),
    ("cleanlab self_confidence", np.argsort(get_label_quality_scores(given, probs, method="self_confidence"), kind="stable")),
    ("cleanlab normalized_margin", np.argsort(get_label_quality_scores(given, probs, method="normalized_margin"), kind="stable")),
    ("cleanlab confidence_weighted_entropy", np.argsort(get_label_quality_scores(given, probs, method="confidence_weighted_entropy"), kind="stable")),
]:
    print(f"{name:40} {flipped[order[:tenth]].sum():6}")
for by in ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning"]:
    order = find_label_issues(given, probs, filter_by=by, return_indices_ranked_by="self_confidence", n_jobs=1)
    print(f"cleanlab find_label_issues, {by:20} {flipped[order[:tenth]].sum():6} (of {len(order)} listed)")
