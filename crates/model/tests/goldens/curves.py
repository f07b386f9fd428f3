#!/usr/bin/env python3
"""Writes curves.json: scikit-learn's curves, numpy's abstaining and scipy's Wilson intervals of small made-up data.

usage: curves.py        (scikit-learn as pinned in benches/peers/requirements.txt)

curves.json: {"sklearn", "curves": [{"truth": [0 | 1, ...], "scores": [f32, ...], "roc": [[fpr, tpr], ...] | null,
    "precision_recall": [[recall, precision], ...] | null}], "abstaining": {"truth", "probs": [row-major f32, ...],
    "classes", "thresholds": [{"confidence", "answered", "wrong", "accuracy"}], "curve": [[coverage, accuracy], ...],
    "wilson": [[hits, rows, [low, high]], ...]}}
Curves hold every threshold, from the highest down. null: undefined, because a class that it needs is absent.
"""
import json
import pathlib

import numpy as np
import sklearn
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_curve, roc_curve

HERE = pathlib.Path(__file__).parent


def curves(truth, scores):
    truth, scores = np.asarray(truth), np.asarray(scores, dtype=np.float32)
    roc = pr = None
    if 0 < truth.sum() < len(truth):
        fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
        roc = np.stack([fpr, tpr], axis=1).tolist()
    if truth.any():
        precision, recall, _ = precision_recall_curve(truth, scores)
        pr = np.stack([recall, precision], axis=1)[::-1].tolist()
    return {"truth": truth.tolist(), "scores": [float(s) for s in scores], "roc": roc, "precision_recall": pr}


def abstaining(random):
    rows, classes = 120, 3
    logits = random.normal(size=(rows, classes)) * 2
    truth = np.array([random.choice(classes, p=np.exp(z) / np.exp(z).sum()) for z in logits])
    # rounded, so that some confidences tie
    probs = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 2)
    probs[:, 0] += 1 - probs.sum(axis=1)
    probs = probs.astype(np.float32)
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == truth
    thresholds = []
    for t in [0.0, 0.4, 0.5, 0.6, 0.75, 0.9, 0.99, 1.01]:
        met = confidence.astype(np.float64) >= t
        thresholds.append({"confidence": t, "answered": int(met.sum()), "wrong": int((~right[met]).sum()),
                           "accuracy": float(right[met].mean()) if met.any() else None})
    curve = [[float((confidence >= c).mean()), float(right[confidence >= c].mean())]
             for c in sorted(set(confidence), reverse=True)]
    wilson = []
    for hits, of in [(0, 1), (1, 1), (3, 7), (10, 10), (0, 25), (799, 1000), (64000, 80000)]:
        interval = binomtest(hits, of).proportion_ci(method="wilson")
        wilson.append([hits, of, [float(interval.low), float(interval.high)]])
    return {"truth": truth.tolist(), "probs": [float(p) for p in probs.ravel()], "classes": classes,
            "thresholds": thresholds, "curve": curve, "wilson": wilson}


def main():
    random = np.random.default_rng(7)
    truth = random.integers(0, 2, 60)
    spread = np.clip(truth * 0.3 + random.random(60) * 0.7, 0, 1)
    cases = [
        curves(truth, spread),
        curves(truth, np.round(spread, 1)),  # ties
        curves([0, 1], [0.2, 0.9]),
        curves([1, 0], [0.2, 0.9]),
        curves([1, 1, 1], [0.2, 0.9, 0.9]),
        curves([0, 0], [0.2, 0.9]),
        curves([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5]),
    ]
    golden = {"sklearn": sklearn.__version__, "curves": cases, "abstaining": abstaining(random)}
    (HERE / "curves.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
