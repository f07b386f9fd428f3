#!/usr/bin/env python3
"""The peer: the classic Sentiment140 job (read, clean, TF-IDF, logistic regression, evaluate) by
scikit-learn and NLTK, with the settings that make it fastest (README.md says what was tried).

usage: classic.py --data CSV [--test CSV | --test-share 0.05] [--save DIR] [--json]
CSV: six columns without header, as Sentiment140: target, id, date, flag, user, text.
NLTK_DATA names a folder with corpora/wordnet (../shared/bench/wordnet_for_nltk.py DIR).
"""
import time

STARTED = time.perf_counter()

import argparse
import json
import multiprocessing
import os
import pathlib
import resource
import threading

import joblib
import numpy as np
import pandas as pd
import pyarrow.csv
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

import recipe

IMPORTED = time.perf_counter()


COLUMNS = ["target", "id", "date", "flag", "user", "text"]


def read(path):
    """(targets as an int array, texts as a list of str) of a Sentiment140-shaped CSV."""
    table = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=COLUMNS),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(include_columns=["target", "text"]))
    if table["text"].type == pyarrow.string():
        return table["target"].to_numpy(), table["text"].to_pylist()
    # Some bytes are not UTF-8 (24 rows of the real file): pandas is half as fast and replaces them.
    frame = pd.read_csv(path, header=None, names=COLUMNS, usecols=["target", "text"], keep_default_na=False,
                        encoding_errors="replace")
    return frame["target"].to_numpy(), frame["text"].tolist()


class Memory:
    """Peak memory of this process and its forked children, MiB.

    Children share pages with their parent, so while they live proportional set sizes are added up, a
    few times a second; a process alone is measured by the kernel without gaps.
    """

    def __init__(self):
        self.peak_with_children = 0.0

    def watch(self, pids, stop):
        while not stop.wait(0.3):
            self.peak_with_children = max(self.peak_with_children, sum(map(self.proportional, pids)))

    @staticmethod
    def proportional(pid):
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # has just ended
            return 0.0
        return next((int(l.split()[1]) / 1024 for l in lines if l.startswith("Pss:")), 0.0)

    def peak(self):
        return max(self.peak_with_children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


FORKED = []  # the texts: children inherit them, nothing but bounds and results is piped


def clean_span(bounds):
    return [recipe.clean(text) for text in FORKED[slice(*bounds)]]


def clean(texts, processes, memory):
    """Every text cleaned, in order."""
    recipe.load_wordnet(os.environ.get("NLTK_DATA"))
    if processes == 1 or len(texts) < 20_000:  # below that a pool costs more than it saves
        return [recipe.clean(text) for text in texts]
    FORKED[:] = texts
    step = min(50_000, -(-len(texts) // processes))
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        stop = threading.Event()
        pids = [os.getpid()] + [child.pid for child in multiprocessing.active_children()]
        watcher = threading.Thread(target=memory.watch, args=(pids, stop))
        watcher.start()
        spans = [(start, start + step) for start in range(0, len(texts), step)]
        cleaned = [text for span in pool.imap(clean_span, spans) for text in span]
        stop.set()
        watcher.join()
    FORKED.clear()
    return cleaned


def split(args, memory, seconds):
    """(train texts, train targets, test texts, test targets), cleaned."""
    clock = time.perf_counter()
    targets, texts = read(args.data)
    rows = len(texts)
    if args.test:
        test_targets, test_texts = read(args.test)
        targets, texts = np.concatenate([targets, test_targets]), texts + test_texts
        train, test = np.arange(rows), np.arange(rows, len(texts))
        test = test[np.isin(targets[test], np.unique(targets[:rows]))]  # a class never seen has no column
    else:
        train, test = train_test_split(np.arange(rows), test_size=args.test_share, random_state=0, stratify=targets)
    seconds["read"] = time.perf_counter() - clock

    clock = time.perf_counter()
    texts = clean(texts, args.processes, memory)
    seconds["clean"] = time.perf_counter() - clock
    return [texts[i] for i in train], targets[train], [texts[i] for i in test], targets[test]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--test")
    parser.add_argument("--test-share", type=float, default=0.05)
    parser.add_argument("--save", metavar="DIR", help="vectoriser and model by joblib, for score.py")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--solver", default="newton-cg")
    parser.add_argument("--dtype", default="float32", choices=["float64", "float32"])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    seconds, memory = {}, Memory()
    train, train_targets, test, test_targets = split(args, memory, seconds)

    clock = time.perf_counter()
    vectoriser = TfidfVectorizer(analyzer=recipe.words_and_pairs, max_features=500_000, dtype=getattr(np, args.dtype))
    rows = vectoriser.fit_transform(train)
    del train
    seconds["vectorise"] = time.perf_counter() - clock

    clock = time.perf_counter()
    model = LogisticRegression(C=3, max_iter=1000, solver=args.solver)
    model.fit(rows, train_targets)
    seconds["fit"] = time.perf_counter() - clock

    clock = time.perf_counter()
    probabilities = model.predict_proba(vectoriser.transform(test))
    binary = len(model.classes_) == 2
    metrics = {
        "rows": len(test),
        "accuracy": accuracy_score(test_targets, model.classes_[probabilities.argmax(axis=1)]),
        "roc_auc": roc_auc_score(test_targets, probabilities[:, 1]) if binary else
        roc_auc_score(test_targets, probabilities, multi_class="ovr"),
        "log_loss": log_loss(test_targets, probabilities, labels=model.classes_),
    }
    seconds["evaluate"] = time.perf_counter() - clock
    seconds["total"] = sum(seconds.values())

    if args.save:
        pathlib.Path(args.save).mkdir(parents=True, exist_ok=True)
        joblib.dump((vectoriser, model), pathlib.Path(args.save) / "classic.joblib")

    report = {
        "peer": f"scikit-learn {sklearn.__version__}, NLTK {recipe.nltk.__version__}, "
                f"{args.solver}, {args.dtype}, {args.processes} processes",
        "rows": rows.shape[0],
        "features": rows.shape[1],
        "nonzeros": rows.nnz,
        "iterations": int(model.n_iter_.max()),
        "seconds": {"imports": IMPORTED - STARTED, **seconds},  # total: without imports
        "peak_memory_mb": memory.peak(),
        "metrics": metrics,
    }
    if args.json:
        print(json.dumps(report, indent=1))
    else:
        print(report["peer"])
        print(f"{report['rows']} rows, {report['features']} features, {report['iterations']} iterations, "
              f"{report['peak_memory_mb']:.0f} MiB")
        print("  ".join(f"{stage} {s:.2f} s" for stage, s in report["seconds"].items()))
        print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()
