#!/usr/bin/env python3
"""Writes metrics.json: scikit-learn's measures of small made-up predictions.

usage: metrics.py        (scikit-learn as pinned in benches/peers/requirements.txt)

metrics.json: {"sklearn", "cases": [{"name", "labels", "truth": [index, ...], "probs": [row-major f32, ...],
    "want": {measure: number | null}, "confusion": [[truth][predicted]],
    "classes": [{"precision", "recall", "f1", "support", "roc_auc", "pr_auc"}, ...],
    "report": classification_report, or null if a class is neither in truth nor in prediction, or nothing was right}]}
null: undefined, because a class that the measure needs is absent. Expected calibration error, which
scikit-learn lacks, is computed here from its definition (Guo et al. 2017, 15 bins).
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

HERE = pathlib.Path(__file__).parent


def ece(correct, confidence, bins=15):
    """Guo et al. 2017, equation 3: bins ((b - 1) / 15, b / 15] of the winning class's probability."""
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return sum(abs(correct[which == b].mean() - confidence[which == b].mean()) * (which == b).mean()
               for b in range(bins) if (which == b).any())


def auc(truth, scores):
    return m.roc_auc_score(truth, scores) if 0 < truth.sum() < len(truth) else None


def ap(truth, scores):
    return m.average_precision_score(truth, scores) if truth.any() else None


def mean(values):
    return None if None in values else float(np.mean(values))


def case(name, classes, truth, probs):
    probs = np.asarray(probs, dtype=np.float32)
    p, truth, every = probs.astype(np.float64), np.asarray(truth), np.arange(classes)
    predicted = p.argmax(axis=1)
    precision, recall, f1, support = m.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    per_class = [{"precision": precision[k], "recall": recall[k], "f1": f1[k], "support": int(support[k]),
                  "roc_auc": auc(truth == k, p[:, k]), "pr_auc": ap(truth == k, p[:, k])} for k in every]
    want = {"accuracy": m.accuracy_score(truth, predicted)}
    for average in ("macro", "weighted"):
        values = m.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
        want |= {f"{average}_{measure}": value for measure, value in zip(("precision", "recall", "f1"), values)}
    kappa = m.cohen_kappa_score(truth, predicted)
    want |= {
        "roc_auc": per_class[-1]["roc_auc"] if classes == 2 else mean([c["roc_auc"] for c in per_class]),
        "pr_auc": per_class[-1]["pr_auc"] if classes == 2 else mean([c["pr_auc"] for c in per_class]),
        "log_loss": m.log_loss(truth, p, labels=every),
        "brier": m.brier_score_loss(truth, p[:, 1] if classes == 2 else p, labels=every),
        "ece": ece(predicted == truth, p.max(axis=1)),
        "mcc": m.matthews_corrcoef(truth, predicted),
        "kappa": None if np.isnan(kappa) else kappa,
    }
    labels, report = [f"class {k}" for k in every], None
    # with no hit at all scikit-learn 1.9.1 writes supports as 2.0
    if len(np.union1d(truth, predicted)) == classes and want["accuracy"] > 0:
        report = m.classification_report(truth, predicted, target_names=labels, zero_division=0)
    return {"name": name, "labels": labels, "truth": truth.tolist(),
            "probs": probs.ravel().tolist(), "want": want,
            "confusion": m.confusion_matrix(truth, predicted, labels=every).tolist(), "classes": per_class,
            "report": report}


def drawn(rng, rows, shares, strength):
    """Targets by `shares`, and probabilities that know them `strength` well."""
    truth = rng.choice(len(shares), size=rows, p=shares)
    z = rng.normal(size=(rows, len(shares))) + strength * np.eye(len(shares))[truth]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return truth, e / e.sum(axis=1, keepdims=True)


def tied(probs, steps):
    """Probabilities on a coarse grid, so that many scores are equal; rows still sum to 1."""
    p = np.floor(probs * steps) / steps
    p[:, 0] += 1 - p.sum(axis=1)
    return p


def main():
    rng = np.random.default_rng(7)
    binary, three = drawn(rng, 150, [0.6, 0.4], 1.0), drawn(rng, 150, [0.5, 0.2, 0.3], 1.2)
    absent_truth, absent = drawn(rng, 60, [0.6, 0.0, 0.4], 1.0)
    unmet = absent.copy()
    unmet[:, 1] = 0
    unmet /= unmet.sum(axis=1, keepdims=True)
    cases = [
        case("binary", 2, *binary),
        case("binary, ties", 2, binary[0], tied(binary[1], 4)),
        case("three classes", 3, *three),
        case("three classes, ties", 3, three[0], tied(three[1], 4)),
        case("five classes", 5, *drawn(rng, 100, [0.4, 0.3, 0.1, 0.1, 0.1], 2.0)),
        case("class absent from truth", 3, absent_truth, absent),
        case("class absent from truth and prediction", 3, absent_truth, unmet),
        case("class never predicted", 3, three[0][:40], np.tile([0.5, 0.0, 0.5], (40, 1)) + np.outer(np.resize([-.1, .1], 40), [1, 0, -1])),
        case("one class only", 2, [1] * 8, np.tile([0.25, 0.75], (8, 1))),
        case("perfect and certain", 3, [0, 1, 2, 0], np.eye(3)[[0, 1, 2, 0]]),
        case("wrong and certain", 2, [0, 1, 0], np.eye(2)[[1, 0, 1]]),
        case("constant", 2, binary[0][:30], np.full((30, 2), 0.5)),
        case("constant, three classes", 3, three[0][:30], np.full((30, 3), 1 / 3)),
        case("two rows", 2, [0, 1], [[0.4, 0.6], [0.3, 0.7]]),
        case("one row", 2, [1], [[0.4, 0.6]]),
    ]
    text = json.dumps({"sklearn": sklearn.__version__, "cases": cases}, separators=(",", ":"), allow_nan=False)
    (HERE / "metrics.json").write_text(text.replace('{"name"', '\n{"name"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # about absent classes: that is what is asked
    main()
