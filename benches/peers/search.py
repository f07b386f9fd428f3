#!/usr/bin/env python3
"""The peer of `sentimeter search`: scikit-learn's GridSearchCV over a cached Pipeline, 24 candidates, 5 folds.

usage: search.py --train CSV --test CSV [--rows N] [--jobs 2] [--json]
CSVs as Sentiment140's. NLTK_DATA names a folder with corpora/wordnet. BLAS has one thread in each process
(README.md says what was tried).
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before numpy; the processes of joblib inherit it

import argparse
import json
import tempfile
import time

import joblib
import numpy as np
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

import classic
import recipe


def plain(tweet):
    """Lower case, ASCII letters and digits."""
    return " ".join(recipe.WORD.findall(tweet.lower()))


def classic_recipe(tweet):
    return recipe.clean(tweet)


RECIPES = {"classic": classic_recipe, "plain": plain}


def words(cleaned):
    return cleaned.split()


ANALYZERS = {"words": words, "words and pairs": recipe.words_and_pairs}

CLEANED = {}  # file and recipe -> its texts, cleaned once in each process


def cleaned_texts(file, name):
    if (file, name) not in CLEANED:
        recipe.load_wordnet(os.environ.get("NLTK_DATA"))
        clean = RECIPES[name]
        CLEANED[file, name] = np.array([clean(text) for text in joblib.load(file)], dtype=object)
    return CLEANED[file, name]


class Features(TransformerMixin, BaseEstimator):
    """Numbers of texts in a file become TF-IDF rows.

    The pipeline's memory hashes what goes into a cached step: of an array of numbers that takes no time, of
    tens of thousands of strings longer than the step. Cleaning knows nothing of folds, so each process does it
    once a recipe.
    """

    def __init__(self, file=None, recipe="classic", analyzer="words", max_features=None):
        self.file = file
        self.recipe = recipe
        self.analyzer = analyzer
        self.max_features = max_features

    def fit_transform(self, numbers, y=None):
        self.vectorizer_ = TfidfVectorizer(
            analyzer=ANALYZERS[self.analyzer], max_features=self.max_features, dtype=np.float32)
        return self.vectorizer_.fit_transform(cleaned_texts(self.file, self.recipe)[numbers])

    def fit(self, numbers, y=None):
        self.fit_transform(numbers)
        return self

    def transform(self, numbers):
        return self.vectorizer_.transform(cleaned_texts(self.file, self.recipe)[numbers])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--rows", type=int, default=None, help="learn from the first N rows of a shuffle alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    clock = time.perf_counter()
    targets, texts = classic.read(args.train)
    test_targets, test_texts = classic.read(args.test)
    if args.rows:
        order = np.random.default_rng(0).permutation(len(texts))[: args.rows]
        targets, texts = targets[order], [texts[i] for i in order]
    read = time.perf_counter() - clock

    clock = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "texts")
        joblib.dump(texts + test_texts, file)
        pipeline = Pipeline(
            [("features", Features(file)), ("logistic", LogisticRegression(solver="newton-cg", max_iter=1000))],
            memory=os.path.join(folder, "memory"),
        )
        grid = {
            "features__recipe": list(RECIPES),
            "features__analyzer": list(ANALYZERS),
            "features__max_features": [20_000, 200_000],
            "logistic__C": [0.5, 1.0, 3.0],
        }
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        search = GridSearchCV(pipeline, grid, scoring="accuracy", cv=folds, n_jobs=args.jobs)
        search.fit(np.arange(len(texts)), targets)
        searched = time.perf_counter() - clock
        clock = time.perf_counter()
        accuracy = accuracy_score(test_targets, search.predict(np.arange(len(texts), len(texts) + len(test_texts))))
        evaluate = time.perf_counter() - clock

    results = search.cv_results_
    candidates = [
        {
            "recipe": params["features__recipe"],
            "words": params["features__analyzer"],
            "max_features": params["features__max_features"],
            "c": params["logistic__C"],
            "mean": float(results["mean_test_score"][i]),
            "std": float(results["std_test_score"][i]),
            "fit_seconds": float(results["mean_fit_time"][i]),
            "score_seconds": float(results["mean_score_time"][i]),
        }
        for i, params in enumerate(results["params"])
    ]
    report = {
        "peer": f"scikit-learn {sklearn.__version__}, NLTK {recipe.nltk.__version__}, GridSearchCV(n_jobs={args.jobs}), "
                "Pipeline(memory), newton-cg, float32",
        "rows": len(texts),
        "seconds": {"read": read, "search": searched, "evaluate": evaluate, "total": read + searched + evaluate},
        "best": candidates[search.best_index_],
        "test_accuracy": accuracy,
        "candidates": candidates,
    }
    if args.json:
        print(json.dumps(report, indent=1))
    else:
        print(report["peer"])
        for candidate in sorted(candidates, key=lambda c: -c["mean"]):
            print("{mean:.4f}  {recipe}, {words}, {max_features}, C {c}".format(**candidate))
        print("  ".join(f"{stage} {s:.2f} s" for stage, s in report["seconds"].items()), f" test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    import search  # by its name: joblib pickles and hashes `Features`, which it must find again

    search.main()
