#!/usr/bin/env python3
"""The peer's scoring: texts per second in batches, and the latency of one text, raw string to probabilities.

usage: score.py --model DIR --data CSV [--rows 200000] [--singles 2000] [--json]
DIR is what classic.py --save wrote; CSV as there. NLTK_DATA as there.

Everything is warm: model and WordNet loaded, the processes of the pool started, and the table of known words
filled as far as a first run over the texts fills it. Batches are tried in one process and in as many as there are
cores; the better counts. Input checks that scikit-learn lets one switch off are off.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import time

import joblib
import numpy as np
import sklearn

import classic
import recipe

VECTORISER, MODEL, TEXTS = None, None, []  # inherited by forked children


def score(texts):
    """Probabilities, shape [rows, classes], of raw texts."""
    return MODEL.predict_proba(VECTORISER.transform([recipe.clean(text) for text in texts]))


def score_span(bounds):
    return score(TEXTS[slice(*bounds)])


def best_of(times, work):
    """(least seconds, last answer)."""
    least = float("inf")
    for _ in range(times):
        clock = time.perf_counter()
        answer = work()
        least = min(least, time.perf_counter() - clock)
    return least, answer


def spans(step):
    return [(start, min(start + step, len(TEXTS))) for start in range(0, len(TEXTS), step)]


def batches():
    """Texts per second: one process by several batch sizes, then all cores by the same."""
    rates, answers = {}, []
    sizes = [size for size in (2_000, 10_000, 50_000) if size < len(TEXTS)] or [len(TEXTS)]
    for size in sizes:
        seconds, answer = best_of(2, lambda: np.concatenate(list(map(score_span, spans(size)))))
        rates[f"1 process, batches of {size}"] = len(TEXTS) / seconds
        answers.append(answer)
    processes = os.cpu_count()
    # forked after the runs above, so the children start with warm tables
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for size in sizes:
            seconds, answer = best_of(2, lambda: np.concatenate(pool.map(score_span, spans(size), chunksize=1)))
            rates[f"{processes} processes, batches of {size}"] = len(TEXTS) / seconds
            answers.append(answer)
    for answer in answers:
        assert answer.shape == answers[0].shape and np.allclose(answer, answers[0], atol=1e-6)
    return rates


def singles(count):
    """Microseconds of one text alone: (p50, p99)."""
    texts = TEXTS[:: max(1, len(TEXTS) // count)][:count]
    for text in texts[:200]:
        score([text])
    took = []
    for text in texts:
        clock = time.perf_counter_ns()
        score([text])
        took.append((time.perf_counter_ns() - clock) / 1000)
    return np.percentile(took, [50, 99]).tolist()


def main():
    global VECTORISER, MODEL
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="DIR")
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=200_000, help="at most so many texts, evenly from the whole file")
    parser.add_argument("--singles", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    recipe.load_wordnet(os.environ.get("NLTK_DATA"))
    VECTORISER, MODEL = joblib.load(pathlib.Path(args.model) / "classic.joblib")
    _, texts = classic.read(args.data)
    TEXTS[:] = texts[:: max(1, len(texts) // args.rows)][:args.rows]

    rates = batches()
    p50, p99 = singles(args.singles)
    report = {
        "peer": f"scikit-learn {sklearn.__version__}, NLTK {recipe.nltk.__version__}",
        "rows": len(TEXTS),
        "features": len(VECTORISER.vocabulary_),
        "texts_per_second": max(rates.values()),
        "texts_per_second_by_way": rates,
        "latency_us": {"p50": p50, "p99": p99},
    }
    if args.json:
        print(json.dumps(report, indent=1))
        return
    print(f"{report['peer']}: {report['rows']} texts, {report['features']} features")
    for way, rate in rates.items():
        print(f"{rate:10.0f} texts/s  {way}")
    print(f"one text: p50 {p50:.0f} us, p99 {p99:.0f} us")


if __name__ == "__main__":
    main()
