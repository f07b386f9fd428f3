"""fastText's side of the benchmark of `sentimeter embed`: the same texts, the same settings, two threads.

Both learn from the words that `tokens` (one text a line, blanks between words) holds; then one classifier,
logistic regression over the mean of each text's unit vectors, is asked how much either's vectors tell. The test
part's texts are none of those learned from.

usage: python benches/peers/embed.py ours.bin corpus.txt train.tsv test.tsv [--epochs 5] [--threads 2]
where the .tsv files have a label, a tab and a text of the same words a line.
"""

import argparse
import json
import time

import fasttext
import numpy as np
from sklearn.linear_model import LogisticRegression


def table(path):
    rows = [line.rstrip("\n").split("\t", 1) for line in open(path, encoding="utf-8")]
    return [row[0] for row in rows], [row[1].split() for row in rows]


def classify(model, train, test):
    known = {}

    def unit(word):
        if word not in known:
            vector = model.get_word_vector(word)
            known[word] = vector / (np.linalg.norm(vector) + 1e-9)
        return known[word]

    def rows(texts):
        zero = np.zeros(model.get_dimension())
        return np.array([np.mean([unit(word) for word in text] or [zero], axis=0) for text in texts])

    (y, texts), (truth, asked) = train, test
    x, held = rows(texts), rows(asked)
    mean, spread = x.mean(0), x.std(0)
    fitted = LogisticRegression(max_iter=500).fit((x - mean) / spread, y)
    return fitted.score((held - mean) / spread, truth)


def neighbours(model, words, among):
    matrix = np.array([model.get_word_vector(word) for word in among])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True) + 1e-9
    place = {word: i for i, word in enumerate(among)}
    return {word: {among[j] for j in np.argsort(-(matrix @ matrix[place[word]]))[1:11]} for word in words}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("corpus")
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    tokens = sum(len(line.split()) for line in open(args.corpus, encoding="utf-8"))
    settings = dict(model="skipgram", dim=100, epoch=args.epochs, minCount=5, bucket=200_000, verbose=0)
    models, seconds = {"sentimeter": fasttext.load_model(args.ours)}, {}
    # Twice: how far two runs of fastText lie apart says what a difference means.
    for name in ["fasttext", "fasttext again"]:
        start = time.perf_counter()
        models[name] = fasttext.train_unsupervised(args.corpus, thread=args.threads, **settings)
        seconds[name] = time.perf_counter() - start
    train, test = table(args.train), table(args.test)
    counts = models["fasttext"].get_words(include_freq=True)
    common = [word for word in counts[0] if word != "</s>" and models["sentimeter"].get_word_id(word) >= 0]
    asked = common[50:3050:10]
    near = {name: neighbours(model, asked, common) for name, model in models.items()}
    for name, model in models.items():
        shared = np.mean([len(near[name][word] & near["fasttext"][word]) / 10 for word in asked])
        speed = {"words_per_second": tokens * args.epochs / seconds[name]} if name in seconds else {}
        accuracy = classify(model, train, test)
        figures = {"accuracy": accuracy, "neighbours_of_fasttext": float(shared), **speed}
        print(json.dumps({"vectors": name, "words": len(model.get_words()), **figures}))


main()
