#!/usr/bin/env python3
"""Writes tfidf.json: what scikit-learn's TfidfVectorizer makes of texts.tsv, setting by setting.

usage: tfidf.py          (scikit-learn as pinned in benches/peers/requirements.txt)

texts.tsv holds `label<TAB>text`; texts are our own, already cleaned, tokens apart by one space. Nothing
lower-cases or tokenises here: a word n-gram is a run of tokens joined by one space, `char_wb` n-grams
run over " token " for each token, in Unicode scalar values.

tfidf.json: {"sklearn", "cases": [{
    "name", "settings",         # settings: lists of vectoriser settings; two of them are a FeatureUnion
    "texts",                    # the first so many lines of texts.tsv were fitted and transformed
    "vocabulary",               # column -> feature, sorted by code point (= by UTF-8 bytes) per vectoriser
    "idf",                      # column -> inverse document frequency
    "rows"}]}                   # row -> [[column, value], ...] by rising column
In a union the second vectoriser's columns follow the first's; each part is normalised by itself.
`max_features` never cuts between features of equal total count (asserted), since there scikit-learn's
choice rests on numpy's unstable sort.
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion

HERE = pathlib.Path(__file__).parent
DEFAULTS = dict(analyzer="word", ngram_range=(1, 1), min_df=1, max_df=1.0, max_features=None,
                sublinear_tf=False, smooth_idf=True, norm="l2")
CHARS = dict(analyzer="char_wb", ngram_range=(2, 4))


def read_texts():
    """The fixture as (labels, texts)."""
    lines = (HERE / "texts.tsv").read_text(encoding="utf-8").splitlines()
    labels, texts = zip(*(line.split("\t") for line in lines))
    return list(labels), list(texts)


def vectoriser(settings, kind=TfidfVectorizer):
    """`settings` over DEFAULTS; tokens are what stands between spaces."""
    options = {**DEFAULTS, **settings}
    if kind is CountVectorizer:
        options = {k: v for k, v in options.items() if k not in ("sublinear_tf", "smooth_idf", "norm")}
    words = options["analyzer"] == "word"
    return kind(**options, lowercase=False, token_pattern=r"\S+" if words else None)


def untied(settings, texts, about):
    """The largest `max_features` up to `about` that does not cut through equal counts."""
    counts = vectoriser(settings, CountVectorizer).fit_transform(texts)
    totals = np.sort(np.asarray(counts.sum(axis=0)).ravel())[::-1]
    return next(k for k in range(about, 0, -1) if totals[k - 1] > totals[k])


def case(name, texts, *settings):
    parts = [vectoriser(s) for s in settings]
    for part, given in zip(parts, settings):
        vocabulary = part.fit(texts).vocabulary_
        for pruning in ("min_df", "max_df", "max_features"):
            if pruning in given:
                without = {k: v for k, v in given.items() if k != pruning}
                assert vectoriser(without).fit(texts).vocabulary_ != vocabulary, f"{name}: {pruning} is idle"
    if len(parts) == 1:
        rows = parts[0].transform(texts)
    else:
        rows = FeatureUnion([(str(i), p) for i, p in enumerate(parts)]).fit_transform(texts)
    rows = rows.tocsr()
    rows.sort_indices()
    return {
        "name": name,
        "settings": [{**DEFAULTS, **s} for s in settings],
        "texts": len(texts),
        "vocabulary": [f for p in parts for f in p.get_feature_names_out().tolist()],
        "idf": [digits(v) for p in parts for v in p.idf_],
        "rows": [[[int(c), digits(v)] for c, v in zip(row.indices, row.data)] for row in rows],
    }


def digits(value):
    """Nine significant digits: a thousandth of the tolerance of 1e-6, and a third of the file."""
    return float(f"{value:.9g}")


def main():
    _, texts = read_texts()
    few = texts[:30]
    cases = [
        case("word_1_1", texts, {}),
        case("word_1_2", texts[:60], dict(ngram_range=(1, 2))),
        case("word_1_3", few, dict(ngram_range=(1, 3))),
        case("char_wb_2_4", few[:15], CHARS),
        case("char_wb_2_4_min_df", few, {**CHARS, "min_df": 3}),
        case("union", few, dict(ngram_range=(1, 2)), {**CHARS, "min_df": 3}),
        case("min_df_2", texts, dict(ngram_range=(1, 2), min_df=2)),
        case("min_df_share", texts, dict(min_df=0.04)),
        case("max_df_half", few[:15], {**CHARS, "ngram_range": (1, 2), "max_df": 0.5}),
        case("max_df_count", texts, dict(ngram_range=(1, 2), max_df=5, min_df=2)),
        case("max_features", texts, dict(ngram_range=(1, 2), max_features=untied(dict(ngram_range=(1, 2)), texts, 60))),
        case("max_features_after_df", texts,
             dict(max_df=8, max_features=untied(dict(max_df=8), texts, 40))),
        case("sublinear_tf", texts, dict(min_df=2, sublinear_tf=True)),
        case("rough_idf", texts, dict(min_df=2, smooth_idf=False)),
        case("norm_l1", texts, dict(min_df=2, norm="l1")),
        case("norm_none", texts, dict(min_df=2, norm=None)),
        case("norm_none_sublinear_rough", texts, dict(min_df=2, norm=None, sublinear_tf=True, smooth_idf=False)),
    ]
    out = {"sklearn": sklearn.__version__, "cases": cases}
    text = json.dumps(out, ensure_ascii=False, separators=(",", ":")).replace('{"name"', '\n{"name"')
    (HERE / "tfidf.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
