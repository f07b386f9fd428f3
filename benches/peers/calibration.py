#!/usr/bin/env python3
"""Expected calibration error by language, out of fold: as learned, with one temperature, and with one for
each language, that the row's own fold had no say in. usage: calibration.py FOLDS.jsonl   (made by `train --cross-validate 5 --write-folds`)"""
import collections
import json
import sys

import numpy as np
from scipy.optimize import minimize_scalar


def ece(p, y, bins=15):
    """Guo et al. 2017: mean distance of confidence and accuracy over equal-width bins of confidence."""
    confidence, right = p.max(1), p.argmax(1) == y
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum(abs(confidence[at == b].mean() - right[at == b].mean()) * (at == b).mean()
               for b in range(bins) if (at == b).any())


def soften(logits, temperature):
    z = logits / temperature
    z = np.exp(z - z.max(1, keepdims=True))
    return z / z.sum(1, keepdims=True)


rows = [json.loads(line) for line in open(sys.argv[1])]
rows = [row for row in rows if row["scored"]]
labels = sorted(rows[0]["probabilities"])
logits = np.log(np.maximum([[row["probabilities"][label] for label in labels] for row in rows], 1e-12))
truth = np.array([labels.index(row["label"]) for row in rows])
fold = np.array([row["fold"] for row in rows])
language = np.array([row["language"] for row in rows])


def temperature(rows):
    loss = lambda t: -np.log(soften(logits[rows], t)[np.arange(rows.sum()), truth[rows]]).mean()
    return minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x


one, each = np.zeros_like(logits), np.zeros_like(logits)
for f in np.unique(fold):
    one[fold == f] = soften(logits[fold == f], temperature(fold != f))
    for name in set(language):
        of = (fold == f) & (language == name)
        each[of] = soften(logits[of], temperature((fold != f) & (language == name)))
for name in sorted(set(language)):
    of = language == name
    print(f"{name}: {of.sum()} rows, ECE {ece(soften(logits[of], 1), truth[of]):.4f} as learned, "
          f"{ece(one[of], truth[of]):.4f} with one temperature, {ece(each[of], truth[of]):.4f} with one for each language")
