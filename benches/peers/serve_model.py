"""Learns the peer's model of a CSV file with the columns text and label: words of one and two, as many features as
asked for, logistic regression.

    python serve_model.py DATA.csv FEATURES MODEL.pickle"""

import csv
import pickle
import sys

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def main():
    data, features, out = sys.argv[1:]
    with open(data, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=int(features), sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=3.0, max_iter=50))
    model.fit([row["text"] for row in rows], [row["label"] for row in rows])
    with open(out, "wb") as file:
        pickle.dump(model, file)
    print(f"{len(model[0].vocabulary_)} features of {len(rows)} rows")


if __name__ == "__main__":
    main()
