#!/usr/bin/env python3
"""The starter model's peers on the starter model's own rows: fastText, and scikit-learn's logistic
regression over word and character TF-IDF.

usage: starter.py FOLDS.jsonl [--peers fasttext,sklearn] [--threads N]
FOLDS.jsonl: `sentimeter train PLAN.toml --cross-validate 5 --write-folds FOLDS.jsonl`.

Each peer learns fold by fold from the rows of the other folds and is measured on the scored rows of its
own; then from all rows, and is measured on the test rows. Both are given what is best for them: settings
by a grid on a part of the first fold's training rows, and the choice whether rows of sets without neutral
are learned from at all, since neither can be told that a label was not possible. fastText's rows are
shuffled, scikit-learn takes the plan's weights.
"""
import argparse
import collections
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time

import numpy as np
import sklearn
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score

LABELS = ["negative", "neutral", "positive"]
TOKEN = re.compile(r"\w+|[^\w\s]", re.UNICODE)


def clean(text):
    """What users of both do first: lower case, one mask for names and for links, tokens with signs."""
    text = re.sub(r"@\w+", " @user ", re.sub(r"https?://\S+|www\.\S+", " http ", text.lower()))
    return " ".join(TOKEN.findall(text))


class FastText:
    name = "fastText"
    grid = [dict(lr=lr, epoch=5, wordNgrams=2, minn=minn, maxn=maxn, dim=30, bucket=500_000)
            for lr in (0.1, 0.3) for minn, maxn in ((0, 0), (3, 5))]

    def __init__(self, settings, threads):
        self.settings, self.threads = settings, threads

    def fit(self, rows):
        import fasttext
        fasttext.FastText.eprint = lambda *_: None
        rows = list(rows)
        random.Random(0).shuffle(rows)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.writelines(f"__label__{row['label']} {row['clean']}\n" for row in rows)
        self.model = fasttext.train_supervised(file.name, thread=self.threads, verbose=0, **self.settings)
        os.unlink(file.name)
        return self

    def predict(self, rows):
        # The binding's own predict() wants an older numpy.
        return [self.model.f.predict(row["clean"] + "\n", 1, 0.0, "strict")[0][1].removeprefix("__label__")
                for row in rows]


class ScikitLearn:
    name = "scikit-learn"
    grid = [dict(C=c) for c in (1.0, 4.0)]

    def __init__(self, settings, threads):
        self.settings = settings

    def fit(self, rows):
        self.words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\S+",
                                     max_features=300_000, dtype=np.float32)
        self.chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True,
                                     max_features=300_000, dtype=np.float32)
        texts = [row["clean"] for row in rows]
        x = hstack([self.words.fit_transform(texts), self.chars.fit_transform(texts)]).tocsr()
        self.model = LogisticRegression(class_weight="balanced", max_iter=200, tol=1e-3, **self.settings)
        self.model.fit(x, [row["label"] for row in rows], sample_weight=[row["weight"] for row in rows])
        return self

    def predict(self, rows):
        texts = [row["clean"] for row in rows]
        return self.model.predict(hstack([self.words.transform(texts), self.chars.transform(texts)]).tocsr())


def macro_f1(rows, answers):
    return f1_score([row["label"] for row in rows], answers, labels=LABELS, average="macro")


def by_language(rows, answers):
    parts = collections.defaultdict(lambda: ([], []))
    for row, answer in zip(rows, answers):
        parts[row["language"]][0].append(row)
        parts[row["language"]][1].append(answer)
    return {language: macro_f1(*part) for language, part in sorted(parts.items())}


def usable(rows, all_sets):
    return [row for row in rows if all_sets or "known" not in row]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folds")
    parser.add_argument("--peers", default="fasttext,sklearn")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    with open(args.folds) as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        row["clean"] = clean(row["text"])
    train = [row for row in rows if row["fold"] is not None]
    test = [row for row in rows if row["fold"] is None and row["label"] in LABELS]
    folds = 1 + max(row["fold"] for row in train)
    found = {}
    for peer in [FastText, ScikitLearn]:
        if peer.__name__.lower().replace("scikitlearn", "sklearn") not in args.peers.split(","):
            continue
        start = time.time()
        inner = [row for row in train if row["fold"] > 1]
        held = [row for row in train if row["fold"] == 1 and row["scored"]]
        choices = []
        for all_sets in (True, False):
            for settings in peer.grid:
                answers = peer(settings, args.threads).fit(usable(inner, all_sets)).predict(held)
                score = statistics.mean(by_language(held, answers).values())
                choices.append((score, all_sets, settings))
                print(f"{peer.name}: {settings} all sets: {all_sets}: {score:.4f}", file=sys.stderr)
        _, all_sets, settings = max(choices, key=lambda choice: choice[0])
        languages = collections.defaultdict(list)
        for fold in range(folds):
            held = [row for row in train if row["fold"] == fold and row["scored"]]
            learned = usable((row for row in train if row["fold"] != fold), all_sets)
            answers = peer(settings, args.threads).fit(learned).predict(held)
            for language, score in by_language(held, answers).items():
                languages[language].append(score)
        languages = {language: statistics.mean(scores) for language, scores in languages.items()}
        result = {"settings": settings, "all_sets": all_sets, "languages": languages,
                  "mean": statistics.mean(languages.values())}
        if test:
            answers = peer(settings, args.threads).fit(usable(train, all_sets)).predict(test)
            result["test_recall"] = recall_score([row["label"] for row in test], answers, labels=LABELS, average="macro")
            result["test_macro_f1"] = macro_f1(test, answers)
        result["seconds"] = time.time() - start
        found[peer.name] = result
        print(f"{peer.name}: {result}", file=sys.stderr)
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    print(json.dumps({"versions": versions, "peers": found}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
