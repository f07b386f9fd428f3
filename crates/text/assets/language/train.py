"""Trains the Latin-script half of `sentimeter_text::language` and writes `latin.model`.

    python train.py DATA STOPWORDS_ISO_JSON OUT [--table]

DATA is the folder of open data sets (training files only, none under non-commercial terms; texts
that also stand in UMSAB's validation files or in every fifth line of TSAC and TUNIZI are left out,
in any disguise), STOPWORDS_ISO_JSON the list of the crate `stop-words`
(src/iso/stopwords-iso.json): the only trace that thirty more languages leave in the model.
Choices were made on a tenth of the training texts, never on UMSAB's validation files; `--table`
measures on those at the end, by number of letters. Same files, same bytes.
"""
import csv
import hashlib
import json
import random
import re
import struct
import sys
import unicodedata
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from features import BITS, buckets, code, is_latin, words

# Eight lanes of weights; all but the first two mean "other".
LANES = ["en", "fr", "es", "pt", "it", "de", "romanised", "misc"]
SHARE = {"en": 0.26, "fr": 0.26, "es": 0.08, "pt": 0.08, "it": 0.08, "de": 0.08, "romanised": 0.06, "misc": 0.10}
UMSAB = {"english": "en", "french": "fr", "spanish": "es", "portuguese": "pt", "italian": "it",
         "german": "de", "hindi": "romanised", "arabic": "ar"}
NOT_MISC = {"en", "fr", "es", "pt", "it", "de", "ar", "fa", "ur", "hi", "zh", "ja", "ko", "th", "ru",
            "uk", "bg", "el", "he", "hy", "bn", "mr", "gu", "ckb", "ku", "br", "la", "eo"}
C = 3.0
# Of five Tunisian comments the last is kept for measuring (`benches/language`).
KEPT = 4
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def unescape(text: str) -> str:
    """UMSAB's and SemEval's literal escapes, which would give English away."""
    return ESCAPE.sub(lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace('""', '"')


def table(path: Path, column, count: int, draw, delimiter=",", encoding="utf-8-sig") -> list[str]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        rows = csv.reader(file, delimiter=delimiter, quoting=quoting)
        if isinstance(column, str):
            column = next(rows).index(column)
        texts = [row[column] for row in rows if len(row) > column]
    return draw.sample(texts, min(count, len(texts)))


def letters(text: str) -> int:
    return sum(map(is_latin, text))


def pieces(text: str, draw) -> list[str]:
    """Texts as short as people write them: a long one is cut up, a short one also gives a part."""
    parts = text.split()
    if len(parts) > 45:
        out = []
        while parts and len(out) < 8:
            size = draw.choice((2, 3, 5, 8, 12, 20, 30))
            out.append(" ".join(parts[:size]))
            parts = parts[size:]
        return out
    size = draw.randint(1, 8)
    start = draw.randrange(max(1, len(parts) - size + 1))
    return [text, " ".join(parts[start : start + size])]


def strip_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def tunizi(data: Path) -> list[str]:
    return [line.partition(";")[2] for line in lines(data / "tunizi/TUNIZI-Dataset.txt")]


def tsac(data: Path) -> list[str]:
    return [text for part in ("pos", "neg") for text in lines(data / f"tsac/train_{part}.txt")]


def kept(data: Path) -> list[str]:
    """What nothing is learned from: UMSAB's validation files and every fifth Tunisian comment."""
    tweets = [text for folder in UMSAB for text in lines(data / "umsab" / folder / "val_text.txt")]
    return tweets + tunizi(data)[KEPT::5] + tsac(data)[KEPT::5]


def sources(data: Path, stop_words: Path, draw) -> list[tuple[str, str, str]]:
    """Lane, source, text."""
    found = []

    def add(lane, name, texts):
        found.extend((lane, name, unescape(text)) for text in texts)

    for folder, lane in UMSAB.items():
        if lane != "ar":
            add(lane, folder, lines(data / "umsab" / folder / "train_text.txt"))
    add("en", "sentiment140", table(data / "sentiment140/training.processed.noemoticon.sample.csv", 5, 9000, draw))
    add("en", "semeval", table(data / "semeval-task4a/twitter-2013train-A.tsv", 2, 4000, draw, "\t"))
    add("en", "extraction", table(data / "tweet-sentiment-extraction/train.csv", "text", 2000, draw))
    add("en", "imdb", table(data / "imdb/imdb_train.csv", "review", 500, draw))
    add("fr", "allocine", table(data / "allocine/train_data_allocine.csv", "text", 1999, draw))
    add("fr", "notes", table(data / "allocine-notes/reviews_sample.csv", "texte", 1248, draw))
    add("fr", "books", table(data / "french-amazon-books/polarity-fr-amazon.csv", 0, 1303, draw))
    add("fr", "translated", table(data / "french-tweets-translated/french_tweets.csv", "text", 5000, draw))
    add("romanised", "tunizi", [t for i, t in enumerate(tunizi(data)) if i % 5 != KEPT])
    latin = [t for i, t in enumerate(tsac(data)) if i % 5 != KEPT and letters(t) > len(t) / 2]
    add("romanised", "tsac", draw.sample(latin, min(3000, len(latin))))
    for language, listed in sorted(json.loads(stop_words.read_text()).items()):
        listed = [word for word in listed if word and all(map(code, word))]
        if language in ("en", "fr"):
            # Nobody tweets "hello" or "non" alone, but it is what a survey gets.
            add(language, "words", listed + [" ".join(draw.sample(listed, draw.randint(2, 4))) for _ in range(1000)])
        elif language not in NOT_MISC and len(listed) > 40:
            add("misc", language, [" ".join(draw.sample(listed, draw.randint(2, 9))) for _ in range(400)])
    return found


def fingerprint(text: str) -> bytes:
    return hashlib.sha256(repr(list(words(text))).encode()).digest()


def matrix(texts) -> sp.csr_matrix:
    """Counts of buckets over the square root of their number, shape `[texts, 2^BITS]`."""
    indptr, indices, values = [0], [], []
    for text in texts:
        found = buckets(text)
        indices += found
        values += [max(1, len(found)) ** -0.5] * len(found)
        indptr.append(len(indices))
    shape = (len(indptr) - 1, 1 << BITS)
    rows = sp.csr_matrix((np.array(values, np.float64), np.array(indices, np.int32), indptr), shape)
    rows.sum_duplicates()
    return rows


def weights(lanes: np.ndarray) -> np.ndarray:
    """Every lane weighs its share, the mean weight is 1."""
    out = np.zeros(len(lanes))
    for i, lane in enumerate(LANES):
        out[lanes == i] = SHARE[lane] * len(lanes) / max(1, (lanes == i).sum())
    return out


def classifier(c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=150, tol=1e-3)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """English, French, other: shape `[texts, 3]`."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return np.column_stack([p[:, 0], p[:, 1], p[:, 2:].sum(1)])


def report(name: str, p: np.ndarray, truth: np.ndarray, size: np.ndarray, weight=None) -> None:
    weight = np.ones(len(p)) if weight is None else weight
    right = (p.argmax(1) == truth) * 1.0
    loss = -np.log(np.maximum(p[np.arange(len(p)), truth], 1e-9))
    cells = []
    for low, high in ((1, 20), (20, 40), (40, 80), (80, 10**9)):
        inside = (size >= low) & (size < high)
        cells.append(f"{low}+: {np.average(right[inside], weights=weight[inside]):.4f} ({inside.sum()})" if inside.any() else "-")
    sure = p.max(1)
    gap = sum(abs((sure[b] - right[b]).sum()) for b in (np.digitize(sure, np.arange(0.1, 1, 0.1)) == k for k in range(10))) / len(p)
    print(f"{name}: accuracy {np.average(right, weights=weight):.4f}, log loss {np.average(loss, weights=weight):.4f}, "
          f"calibration error {gap:.4f}; {'  '.join(cells)}")


def main() -> None:
    data, stop_words, out = map(Path, sys.argv[1:4])
    draw = random.Random(7)
    val = [(lane, unescape(t)) for f, lane in UMSAB.items() for t in lines(data / "umsab" / f / "val_text.txt")]
    held_out = {fingerprint(unescape(text)) for text in kept(data)}
    seen, texts, lanes, dev = set(held_out), [], [], []
    for lane, _, text in sources(data, stop_words, draw):
        mark = fingerprint(text)
        if mark in seen or not letters(text):
            continue
        seen.add(mark)
        for piece in pieces(text, draw):
            if lane != "en" and draw.random() < 0.3:
                piece = strip_accents(piece)
            if letters(piece) >= 3 and buckets(piece):
                texts.append(piece)
                lanes.append(LANES.index(lane))
                dev.append(mark[0] < 26)
    lanes, dev, size = np.array(lanes), np.array(dev), np.array(list(map(letters, texts)))
    rows = matrix(texts)
    print(len(texts), "pieces;", {lane: int((lanes == i).sum()) for i, lane in enumerate(LANES)})

    # "Hindi" and Tunisian comments are full of English and French ones: leave out what a model that
    # has not seen the text takes for another group with confidence (Northcutt et al. 2021, confident learning).
    group = np.minimum(lanes, 2)
    blind = cross_val_predict(classifier(3.0), rows, lanes, cv=3, method="predict_log_proba",
                              params={"sample_weight": weights(lanes)})
    blind = probabilities(blind)
    keep = (blind.argmax(1) == group) | (blind.max(1) < 0.9)
    print("left out:", {lane: int((~keep & (lanes == i)).sum()) for i, lane in enumerate(LANES)})
    dropped = np.flatnonzero(~keep)
    for i in dropped[:: max(1, len(dropped) // 25)]:
        print("  ", LANES[lanes[i]], blind[i].round(2), texts[i][:90])

    fit, check = keep & ~dev, keep & dev
    everyone = weights(lanes)
    for c in [float(x) for x in sys.argv[5:]] or [C]:
        model = classifier(c).fit(rows[fit], lanes[fit], sample_weight=everyone[fit])
        report(f"dev, C = {c}", probabilities(model.decision_function(rows[check])), group[check], size[check], everyone[check])

    # The temperature comes from the part that the model has not seen; then it learns from all.
    scores = model.decision_function(rows[check])
    heats = np.arange(0.4, 2.01, 0.05)
    losses = [np.average(-np.log(np.maximum(probabilities(scores * h)[np.arange(check.sum()), group[check]], 1e-9)),
                         weights=everyone[check]) for h in heats]
    heat = heats[int(np.argmin(losses))]
    report(f"dev, scores × {heat:.2f}", probabilities(scores * heat), group[check], size[check], everyone[check])
    model = classifier(C).fit(rows[keep], lanes[keep], sample_weight=everyone[keep])

    weight = model.coef_.T * heat
    weight -= weight.mean(1, keepdims=True)
    bias = (model.intercept_ - model.intercept_.mean()) * heat
    scale = float(np.float32(np.quantile(np.abs(weight), 0.9999) / 127))
    quantised = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
    print("scale", scale, "largest", np.abs(weight).max())
    (out / "latin.model").write_bytes(struct.pack("<9f", scale, *bias) + quantised.tobytes())
    if "--table" in sys.argv:
        val = [(lane, text) for lane, text in val if lane != "ar"]
        truth = np.array([min(LANES.index(lane), 2) for lane, _ in val])
        size = np.array([letters(text) for _, text in val])
        p = probabilities(matrix([text for _, text in val]) @ (quantised * scale) + bias)
        report("UMSAB val, Latin script", p, truth, size)
        for lane in UMSAB.values():
            which = np.array([name == lane for name, _ in val])
            if which.any():
                report(f"  {lane}", p[which], truth[which], size[which])


main()
