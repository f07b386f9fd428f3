#!/usr/bin/env python3
"""Writes logistic.json: the optimum of scikit-learn's LogisticRegression on TF-IDF rows of texts.tsv.

usage: logistic.py       (scikit-learn as pinned in benches/peers/requirements.txt)

The objective, minimised over coefficients w and intercepts b (b is not penalised):

    C * sum_i s_i * loss_i  +  0.5 * sum(w ** 2)

where s_i is the sample's weight times its class's weight, and loss_i is
  binary      ln(1 + exp(z)) - t z            one logit z = w.x + b for the second class, t in {0, 1}
  multinomial ln(sum_k exp(z_k)) - z_t        z_k = w_k.x + b_k, all classes have their own (symmetric)
In the symmetric form adding one number to all intercepts changes nothing; here they are centred (sum 0).
The penalty alone centres the coefficients: at the optimum sum_k w_kj = 0.

"balanced" is rows / (classes * rows of the class), counted without sample weights.

logistic.json: {"sklearn", "features": count, "rows": row -> [[column, value], ...], "problems": [{
    "name", "labels", "rows": [row, ...], "targets": [index into labels, ...], "cases": [{
        "C", "class_weight": null | "balanced" | {label: weight}, "sample_weight": null | [...],
        "weights",                          # s_i as the objective uses it, row by row
        "objective", "gradient",            # at this optimum; gradient: largest absolute component
        "coefficients": [[...], ...],       # one row for binary, one per class for multinomial
        "intercepts": [...]}]}]}
Each optimum is found twice (newton-cholesky kept, lbfgs as witness), and the objective is computed here, not by scikit-learn.
"""
import json
import pathlib

import numpy as np
import sklearn
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from tfidf import digits, read_texts, vectoriser

HERE = pathlib.Path(__file__).parent


def objective(C, x, y, weights, coefficients, intercepts):
    """(value, largest absolute component of the gradient) of the objective in this file's docstring."""
    z = x @ coefficients.T + intercepts
    if len(intercepts) == 1:  # a single logit is the softmax of (0, z)
        z = np.hstack([np.zeros_like(z), z])
    value = -C * np.sum(weights * log_softmax(z, axis=1)[np.arange(len(y)), y]) + 0.5 * np.sum(coefficients ** 2)
    residual = C * weights[:, None] * (softmax(z, axis=1) - np.eye(z.shape[1])[y])
    residual = residual[:, -len(intercepts):]
    gradient = np.abs(residual.T @ x + coefficients).max(), np.abs(residual.sum(axis=0)).max()
    return value, max(gradient)


def case(x, labels, y, C, class_weight, sample_weight):
    by_index = class_weight
    if isinstance(class_weight, dict):
        by_index = {labels.index(name): weight for name, weight in class_weight.items()}
    found = {}
    for solver in ("newton-cholesky", "lbfgs"):
        model = LogisticRegression(C=C, class_weight=by_index, solver=solver, tol=1e-10, max_iter=10_000)
        model.fit(x, y, sample_weight=sample_weight)
        found[solver] = model.coef_, model.intercept_ - (model.intercept_.mean() if len(labels) > 2 else 0.0)

    per_class = np.ones(len(labels))
    if class_weight == "balanced":
        per_class = len(y) / (len(labels) * np.bincount(y))
    elif class_weight:
        per_class = np.array([class_weight.get(name, 1.0) for name in labels])
    weights = per_class[y] * (1.0 if sample_weight is None else sample_weight)

    value, gradient = objective(C, x, y, weights, *found["newton-cholesky"])
    witness, _ = objective(C, x, y, weights, *found["lbfgs"])
    assert gradient < 1e-8, gradient
    assert abs(witness / value - 1) < 1e-10, (value, witness)
    coefficients, intercepts = found["newton-cholesky"]
    assert np.abs(coefficients - found["lbfgs"][0]).max() < 1e-4
    assert np.abs(intercepts - found["lbfgs"][1]).max() < 1e-4
    return {
        "C": C,
        "class_weight": class_weight,
        "sample_weight": None if sample_weight is None else sample_weight.tolist(),
        "weights": [digits(w) for w in weights],
        "objective": value,
        "gradient": gradient,
        "coefficients": [[digits(w) for w in row] for row in coefficients],
        "intercepts": [digits(b) for b in intercepts],
    }


def problem(name, x, row_labels, labels, given):
    kept = [i for i, label in enumerate(row_labels) if label in labels]
    y = np.array([labels.index(row_labels[i]) for i in kept])
    # unequal, none of them 1, one row switched off
    sample_weight = np.array([0.25 * (1 + (7 * i) % 9) for i in range(len(kept))])
    sample_weight[5] = 0.0
    cases = [case(x[kept], labels, y, C, class_weight, None)
             for C in (0.3, 3.0) for class_weight in (None, "balanced", given)]
    cases += [case(x[kept], labels, y, 3.0, class_weight, sample_weight) for class_weight in (None, given)]
    return {"name": name, "labels": labels, "rows": kept, "targets": y.tolist(), "cases": cases}


def main():
    labels, texts = read_texts()
    rows = vectoriser(dict(ngram_range=(1, 2), min_df=2)).fit_transform(texts)
    rows.data = np.array([digits(v) for v in rows.data])  # what is fitted is what is written
    rows.sort_indices()
    # the fixture is balanced; "balanced" needs something to do
    unequal = [l if i % 4 else "left out" for i, l in enumerate(labels)]
    unequal = ["left out" if l == "positive" and i % 3 == 0 else l for i, l in enumerate(unequal)]
    out = {
        "sklearn": sklearn.__version__,
        "features": rows.shape[1],
        "rows": [[[int(c), float(v)] for c, v in zip(r.indices, r.data)] for r in rows],
        "problems": [
            problem("binary", rows.toarray(), unequal, ["negative", "positive"],
                    {"negative": 0.5, "positive": 2.0}),
            problem("multinomial", rows.toarray(), unequal, ["negative", "neutral", "positive"],
                    {"negative": 2.0, "neutral": 0.7, "positive": 1.5}),
        ],
    }
    text = json.dumps(out, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('{"C"', '\n{"C"')
    (HERE / "logistic.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
