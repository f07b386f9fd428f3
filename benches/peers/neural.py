"""PyTorch's side of the neural benchmark: training steps and inference of the three networks, on the CPU.

Each figure is the median of the repetitions. Training is timed with each of PyTorch's Adams (plain,
`foreach`, `fused`) and the best is taken; ids are random, drawn from the whole vocabulary, so that no
side gains by skewed words. Inference runs in `torch.inference_mode`, eager and traced, the better taken.

usage: python benches/peers/neural.py [--threads 2] [--steps 30] [--infer-only] [--json]
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self, words, width, units, bidirectional, dropout, dense, classes):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        ways = 2 if bidirectional else 1
        sizes = [width] + [n * ways for n in units]
        if len(set(units)) == 1:  # one module runs its layers without leaving the kernel
            self.lstm = nn.ModuleList(
                [nn.LSTM(width, units[0], len(units), batch_first=True, bidirectional=bidirectional, dropout=dropout)]
            )
        else:
            self.lstm = nn.ModuleList(
                nn.LSTM(i, n, batch_first=True, bidirectional=bidirectional) for i, n in zip(sizes, units)
            )
        self.drop = nn.Dropout(dropout)
        widths = [sizes[-1], *dense]
        self.dense = nn.ModuleList(nn.Linear(i, n) for i, n in zip(widths, dense))
        self.last = nn.Linear(widths[-1], classes)
        self.ways = ways

    def forward(self, ids):
        x = self.embedding(ids)
        h = x
        for lstm in self.lstm:
            x, (h, _) = lstm(x)
            x = self.drop(x)
        x = self.drop(torch.cat(list(h[-self.ways :]), dim=1))
        for dense in self.dense:
            x = torch.relu(dense(x))
        return self.last(x)


class Cnn(nn.Module):
    def __init__(self, words, width, filters, size, dense, classes):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        widths = [width, *filters]
        self.conv = nn.ModuleList(nn.Conv1d(i, n, size) for i, n in zip(widths, filters))
        self.dense = nn.Linear(filters[-1], dense)
        self.last = nn.Linear(dense, classes)

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)
        for conv in self.conv:
            x = torch.relu(conv(x))
        return self.last(torch.relu(self.dense(x.amax(dim=2))))


# name: network, words, batch, length, classes; the shapes of issue 7
SHAPES = {
    "lstm": (lambda: Recurrent(10_000, 128, [64, 32], False, 0.3, [16], 3), 10_000, 32, 100, 3),
    "bilstm": (lambda: Recurrent(50_000, 100, [64, 64], True, 0.0, [], 2), 50_000, 256, 40, 2),
    "cnn": (lambda: Cnn(50_000, 100, [128, 128], 5, 64, 2), 50_000, 256, 40, 2),
}


def median_ms(work, warm, times):
    for _ in range(warm):
        work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def train(name, steps):
    make, words, batch, length, classes = SHAPES[name]
    best = {}
    for kind in ["plain", "foreach", "fused"]:
        torch.manual_seed(0)
        network = make()
        options = {} if kind == "plain" else {kind: True}
        adam = torch.optim.Adam(network.parameters(), lr=1e-3, **options)
        loss_of = nn.CrossEntropyLoss()
        batches = [
            (torch.randint(1, words, (batch, length)), torch.randint(0, classes, (batch,))) for _ in range(8)
        ]
        turn = iter(range(10**9))

        def step():
            ids, truth = batches[next(turn) % len(batches)]
            adam.zero_grad(set_to_none=True)
            loss_of(network(ids), truth).backward()
            adam.step()

        best[kind] = median_ms(step, 5, steps)
    kind = min(best, key=best.get)
    return {"ms": best[kind], "adam": kind, "all": best}


def infer(name, batch, times):
    make, words, _, length, _ = SHAPES[name]
    network = make().eval()
    ids = torch.randint(1, words, (batch, length))
    with torch.inference_mode():
        eager = median_ms(lambda: network(ids), 5, times)
        traced = torch.jit.freeze(torch.jit.trace(network, ids))
        for _ in range(5):
            traced(ids)
        compiled = median_ms(lambda: traced(ids), 5, times)
    return {"ms": min(eager, compiled), "eager": eager, "traced": compiled}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--only", default=",".join(SHAPES))
    parser.add_argument("--infer-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    figures = {"torch": torch.__version__, "threads": args.threads}
    for name in args.only.split(","):
        figures[name] = {
            **({} if args.infer_only else {"train": train(name, args.steps)}),
            "infer1": infer(name, 1, 5 * args.steps),
            "infer32": infer(name, 32, 2 * args.steps),
        }
    if args.json:
        print(json.dumps(figures))
        return
    for name in args.only.split(","):
        for what, figure in figures[name].items():
            print(f"{name:8} {what:8} {figure['ms']:9.3f} ms  {figure}")


main()
