#!/usr/bin/env python3
"""Accuracy of all families on one held-out part of the Sentiment140 sample, and of the same networks in PyTorch.

One command makes the split, learns word vectors from all other tweets, searches each family's settings on the
training part alone, trains the winners with three seeds, and measures them once on the held-out part. What is
done already is not done again: the folder keeps it.

usage: benches/neural_accuracy.py WORK [--only split,embed,logistic,search,ours,peer,airline,searched] [--quick]
       SENTIMETER names the program, SENTIMETER_DATA the data; the peer wants ~/.cache/sentimeter-torch.
"""

import argparse
import csv
import io
import json
import os
import random
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("SENTIMETER_DATA", HERE / "../../shared/data"))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/sentimeter-target"))
PROGRAM = os.environ.get("SENTIMETER", str(TARGET / "release/sentimeter"))
TOKENS = os.environ.get("SENTIMETER_TOKENS", str(TARGET / "release/examples/tokens"))
TORCH = os.environ.get("SENTIMETER_TORCH", str(Path.home() / ".cache/sentimeter-torch/bin/python"))
RECIPE = "en"
FAMILIES = ["cnn", "bilstm", "lstm"]
SEEDS = [0, 1, 2]


def utf8(line):
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def tweets(name):
    text = "\n".join(utf8(line) for line in (DATA / "sentiment140" / name).read_bytes().split(b"\n"))
    return [(row[0], " ".join(row[5].split())) for row in csv.reader(io.StringIO(text)) if len(row) >= 6]


def split(work):
    """Nine tenths to learn from, one tenth to measure on, each class in its share; all else is unlabelled."""
    rows = sorted(set(tweets("training.processed.noemoticon.sample.csv")))
    random.Random(0).shuffle(rows)
    parts = {"test": [], "train": []}
    for label in ["0", "4"]:
        own = [row for row in rows if row[0] == label]
        parts["test"] += own[: len(own) // 10]
        parts["train"] += own[len(own) // 10 :]
    for name, part in parts.items():
        random.Random(1).shuffle(part)
        with open(work / f"{name}.csv", "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("label", "text"), *part])
    texts = [text for _, text in parts["train"] + tweets("training.processed.noemoticon.ends.csv")]
    for name in ["tweets_100k_negative.txt", "tweets_100k_positive.txt"]:
        texts += [utf8(line).strip() for line in (DATA / "sentiment140" / name).read_bytes().split(b"\n")]
    (work / "unlabelled.txt").write_text("\n".join(text for text in texts if text) + "\n", encoding="utf-8")


def run(work, name, *args):
    """The program's answer, kept under `name`."""
    kept = work / f"{name}.json"
    if not kept.exists():
        command = [PROGRAM, "--home", str(work / "home"), "--json", "--quiet", *map(str, args)]
        answer = subprocess.run(command, cwd=work, check=True, stdout=subprocess.PIPE).stdout
        kept.write_bytes(answer)
    return json.loads(kept.read_text())


def embed(work):
    with open(work / "test.csv", newline="", encoding="utf-8") as given, open(work / "test.txt", "w", encoding="utf-8") as out:
        out.writelines(row["text"] + "\n" for row in csv.DictReader(given))
    found = run(
        work, "embed", "embed", "unlabelled.txt", "--format", "lines", "--without", "test.txt", "--recipe", RECIPE,
        "--out", "vectors.bin", "--epochs", "10",
    )
    print(f"embed: {found['words']} words, {found['words_per_second']:.0f} words a second, {found['left_out']} left out")


def search(work, quick):
    for kind in FAMILIES:
        space = {
            "cnn": "neural.filters=[[128,128],[256]] neural.kernel_size=[3,5]",
            "bilstm": "neural.units=[[64,64],[64]] neural.pool=[\"last\",\"max\"]",
            "lstm": "neural.units=[[64,32],[128]] neural.pool=[\"last\",\"max\"]",
        }[kind].split(" ")
        settings = ["search.candidates=" + ("9" if quick else "27"), "neural.vectors=vectors.bin", *(f"search.space.{s}" for s in space)]
        plan = (HERE.parent / f"plans/search-{kind}.toml").read_text().replace("neural.embedding = [50, 100, 200]\n", "")
        plan += "neural.update = [\"rows\", \"frozen\"]\n"
        (work / f"search-{kind}.toml").write_text(plan)
        chosen = [part for setting in settings for part in ("--set", setting)]
        found = run(
            work, f"search-{kind}", "search", f"search-{kind}.toml", "--data", "train.csv", *chosen,
            "--results", f"results-{kind}", "--out", f"search-{kind}.st", "--no-report", "--no-record",
            *(["--resume"] if (work / f"results-{kind}/unfinished.jsonl").exists() else []),
        )
        best = found["candidates"][found["best"]]
        print(kind, "best of", len(found["candidates"]), found["set"], best["rounds"][-1]["mean"])


def winner(work, kind):
    return run(work, f"search-{kind}")["set"]


def logistic(work):
    for name, plan in [("logistic-default", []), ("logistic-classic", [str(HERE.parent / "plans/classic.toml")])]:
        found = run(
            work, name, "train", *plan, "--data", "train.csv", "--test", "test.csv", "--out", f"{name}.st",
            "--no-report", "--no-record",
        )
        print(name, found["metrics"]["accuracy"], f"{found['seconds']['fit']:.1f} s", found["bytes"])


def ours(work):
    for kind in FAMILIES:
        for seed in SEEDS:
            chosen = [part for setting in winner(work, kind) for part in ("--set", setting)]
            found = run(
                work, f"ours-{kind}-{seed}", "train", f"search-{kind}.toml", "--data", "train.csv", "--test", "test.csv",
                *chosen, "--set", "neural.vectors=vectors.bin", "--set", f"seed={seed}",
                "--out", f"{kind}-{seed}.st", "--no-report", "--no-record",
            )
            print(kind, seed, found["metrics"]["accuracy"], f"{found['seconds']['fit']:.0f} s", flush=True)


def tokens(work, name):
    kept = work / f"{name}.tokens"
    if not kept.exists():
        rows = list(csv.DictReader(open(work / f"{name}.csv", newline="", encoding="utf-8")))
        given = "\n".join(" ".join(row["text"].split()) for row in rows) + "\n"
        made = subprocess.run([TOKENS, RECIPE], input=given.encode(), check=True, stdout=subprocess.PIPE).stdout
        lines = made.decode().split("\n")
        with open(kept, "w", encoding="utf-8") as out:
            out.writelines(f"{row['label']}\t{line}\n" for row, line in zip(rows, lines))
    return kept


def peer(work):
    for name in ["train", "test"]:
        tokens(work, name)
    for kind in FAMILIES:
        for seed in SEEDS:
            kept = work / f"peer-{kind}-{seed}.json"
            if not kept.exists():
                settings = run(work, f"ours-{kind}-{seed}")
                command = [TORCH, HERE / "peers/neural_train.py", work, kind, json.dumps(winner(work, kind)), str(seed)]
                kept.write_bytes(subprocess.run([*map(str, command)], check=True, stdout=subprocess.PIPE).stdout)
            found = json.loads(kept.read_text())
            print("PyTorch", kind, seed, found["accuracy"], f"{found['seconds']:.0f} s", flush=True)


def airline(work):
    """Three classes: the LSTM as it is by default, class weights, beside the same in PyTorch."""
    own = work / "airline"
    own.mkdir(exist_ok=True)
    rows = list(csv.DictReader(open(DATA / "airline/Tweets.csv", newline="", encoding="utf-8")))
    rows = sorted({(row["airline_sentiment"], " ".join(row["text"].split())) for row in rows})
    random.Random(0).shuffle(rows)
    parts = {"test": [], "train": []}
    for label in ["negative", "neutral", "positive"]:
        of = [row for row in rows if row[0] == label]
        parts["test"] += of[: len(of) // 5]
        parts["train"] += of[len(of) // 5 :]
    for name, part in parts.items():
        random.Random(1).shuffle(part)
        with open(own / f"{name}.csv", "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("label", "text"), *part])
        tokens(own, name)
    settings = ['neural.class_weight="balanced"', "neural.length=60", "neural.epochs=12", "neural.patience=2"]
    for seed in SEEDS:
        chosen = [part for setting in [*settings, f"recipe.preset={RECIPE}", f"seed={seed}"] for part in ("--set", setting)]
        found = run(
            own, f"ours-{seed}", "train", "--data", "train.csv", "--test", "test.csv", "--model", "lstm", *chosen,
            "--out", f"lstm-{seed}.st", "--no-report", "--no-record",
        )
        kept = own / f"peer-{seed}.json"
        if not kept.exists():
            command = [TORCH, HERE / "peers/neural_train.py", own, "lstm", json.dumps(settings), str(seed)]
            kept.write_bytes(subprocess.run([*map(str, command)], check=True, stdout=subprocess.PIPE).stdout)
        mine = [{"label": label, **scores} for label, scores in found["metrics"]["classes"].items()]
        for who, classes in [("ours", mine), ("PyTorch", json.loads(kept.read_text())["classes"])]:
            shown = "  ".join(f"{c['label']} {c['precision']:.3f} {c['recall']:.3f} {c['f1']:.3f}" for c in classes)
            print("airline", who, seed, shown, flush=True)


def interval(scores):
    """Half of the 95 % interval of the mean over seeds (Student's t, two degrees of freedom for three seeds)."""
    return {2: 12.71, 3: 4.30}.get(len(scores), 2.0) * statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else float("nan")


def table(work):
    """What docs/benchmarks.md says, from what is there."""
    print("\n| | accuracy, mean of seeds | ± over seeds | each | fit, s (median) | one text, µs (p50) | texts/s | MB |")
    print("|---|---|---|---|---|---|---|---|")

    def row(name, scores, seconds, model=None):
        answer = run(work, f"answers-{model}", "evaluate", "--model", f"{model}.st", "--data", "test.csv") if model else None
        told = (
            f"{answer['latency_us']['p50']:.0f} | {answer['texts_per_second']:,.0f} | {(work / f'{model}.st').stat().st_size / 1e6:.1f}"
            if answer
            else " | | "
        )
        each = " ".join(f"{score:.4f}" for score in scores)
        half = f"{interval(scores):.4f}" if len(scores) > 1 else ""
        print(f"| {name} | {statistics.mean(scores):.4f} | {half} | {each} | {statistics.median(seconds):.1f} | {told} |")

    for name in ["logistic-default", "logistic-classic"]:
        if (work / f"{name}.json").exists():
            found = run(work, name)
            row(name, [found["metrics"]["accuracy"]], [found["seconds"]["total"]], name)
    for kind in FAMILIES:
        for who in ["ours", "peer"]:
            found = [json.loads(p.read_text()) for s in SEEDS if (p := work / f"{who}-{kind}-{s}.json").exists()]
            if found:
                mine = who == "ours"
                scores = [f["metrics"]["accuracy"] if mine else f["accuracy"] for f in found]
                seconds = [f["seconds"]["fit"] if mine else f["seconds"] for f in found]
                row(kind if mine else f"{kind}, PyTorch", scores, seconds, f"{kind}-0" if mine else None)


def searched(work):
    """All that was tried, for docs/neural-search.md."""
    for kind in FAMILIES:
        candidates = sorted(run(work, f"search-{kind}")["candidates"], key=lambda c: c["rank"])
        names = list(candidates[0]["params"])
        rows = sorted({r["rows"] for c in candidates for r in c["rounds"]})
        print(f"\n## `{kind}`\n")
        shown = [name.removeprefix("neural.").replace("_", " ") for name in names]
        print(f"| | {' | '.join(shown)} | {' | '.join(f'{n:,} rows' for n in rows)} | seconds of the last fit |")
        print("|---" * (len(names) + len(rows) + 2) + "|")
        for c in candidates:
            scores = {r["rows"]: f"{r['mean']:.4f}" for r in c["rounds"]}
            of = " | ".join(str(c["params"][name]) for name in names)
            print(f"| {c['rank']} | {of} | {' | '.join(scores.get(n, '') for n in rows)} | {c['rounds'][-1]['fit_seconds']:.0f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", default="split,embed,logistic,search,ours,peer,airline,searched")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    args.work = args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    for step in args.only.split(","):
        if step == "split" and (args.work / "unlabelled.txt").exists():
            continue
        {"search": lambda w: search(w, args.quick)}.get(step, globals()[step])(args.work)
    table(args.work)


main()
