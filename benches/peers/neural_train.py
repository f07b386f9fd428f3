"""PyTorch's side of the accuracy benchmark: the same network on the same tokens, vectors, settings and split.

`benches/neural_accuracy.py` calls it. Texts are padded to the longest of a batch and masked, LSTMs run over packed
sequences, Adam is the quicker of PyTorch's on a processor (fused); a tenth of the training texts, each class in its
share, says when to stop, and the best epoch's parameters are kept.

usage: python neural_train.py WORK KIND '["neural.dropout=0.3", …]' SEED     prints JSON
"""

import copy
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

DEFAULTS = {
    "lstm": dict(units=[64, 32], dense=[16], batch_size=32),
    "bilstm": dict(units=[64, 64], dense=[], batch_size=256),
    "cnn": dict(filters=[128, 128], kernel_size=5, dense=[64], batch_size=256),
}


def fasttext_vectors(path, words):
    """The vectors that fastText gives to `words`, out of its model file."""
    raw = open(path, "rb")
    _, _, width, _, _, _, _, _, _, _, buckets, min_n, max_n, _ = np.frombuffer(raw.read(56), "<i4").tolist()
    raw.read(8)
    size, known, _ = np.frombuffer(raw.read(12), "<i4").tolist()
    raw.read(16)
    rows = {}
    for i in range(size):
        word = b""
        while (byte := raw.read(1)) != b"\0":
            word += byte
        raw.read(9)
        rows[word.decode()] = i
    raw.read(1)
    height, _ = np.frombuffer(raw.read(16), "<i8").tolist()
    matrix = np.frombuffer(raw.read(height * width * 4), "<f4").reshape(height, width)

    def subwords(word):
        letters = [b"<", *(c.encode() for c in word), b">"]
        for start in range(len(letters)):
            hashed = 2166136261
            for n, letter in enumerate(letters[start : start + max_n], 1):
                for byte in letter:
                    hashed = ((hashed ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
                if n >= min_n and not (n == 1 and start in (0, len(letters) - 1)):
                    yield known + hashed % buckets

    return {w: matrix[[*([rows[w]] if w in rows else []), *subwords(w)]].mean(0) for w in words}


class Network(nn.Module):
    def __init__(self, kind, s, table, classes):
        super().__init__()
        self.kind, self.s = kind, s
        self.embedding = nn.Embedding.from_pretrained(table, freeze=s.get("update") == "frozen", padding_idx=0)
        width = table.shape[1]
        if kind == "cnn":
            sizes = [width, *s["filters"]]
            self.layers = nn.ModuleList(
                nn.Conv1d(i, n, s["kernel_size"], padding="same") for i, n in zip(sizes, s["filters"])
            )
            out = s["filters"][-1]
        else:
            ways = 2 if kind == "bilstm" else 1
            sizes = [width, *(n * ways for n in s["units"])]
            self.layers = nn.ModuleList(
                nn.LSTM(i, n, batch_first=True, bidirectional=ways == 2) for i, n in zip(sizes, s["units"])
            )
            out = sizes[-1]
        self.drop = nn.Dropout(s["dropout"])
        widths = [out, *s["dense"]]
        self.dense = nn.ModuleList(nn.Linear(i, n) for i, n in zip(widths, s["dense"]))
        self.last = nn.Linear(widths[-1], classes)

    def forward(self, ids, lengths):
        x = self.embedding(ids)
        there = (torch.arange(ids.shape[1])[None] < lengths[:, None])[..., None]
        if self.kind == "cnn":
            for conv in self.layers:
                x = torch.relu(conv((x * there).transpose(1, 2))).transpose(1, 2)
            x = x.masked_fill(~there, float("-inf")).amax(1)
        else:
            for i, lstm in enumerate(self.layers):
                out, (h, _) = lstm(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
                x, _ = pad_packed_sequence(out, batch_first=True)
                if i + 1 < len(self.layers):
                    x = self.drop(x)
            if self.s.get("pool", "last") == "max":
                x = x.masked_fill(~there, float("-inf")).amax(1)
            else:
                x = torch.cat(list(h), 1)
        x = self.drop(x)
        for dense in self.dense:
            x = torch.relu(dense(x))
        return self.last(x)


def near(texts, held):
    """Whether each text has the tokens of a held-out one, or shares four fifths of all their words with one."""
    same = {" ".join(text) for text in held}
    met = Counter(word for text in texts for word in set(text))
    sets, holders = [set(text) for text in held], {}
    for i, words in enumerate(sets):
        # Of two such sets, one of so many rare words of either stands in the other.
        fewest = len(words) - -(-len(words) * 4 // 5) + 1
        for word in sorted(words, key=lambda word: (met[word], word))[:fewest]:
            holders.setdefault(word, []).append(i)

    def is_near(text):
        words = set(text)
        some = {i for word in words for i in holders.get(word, ())}
        return any(5 * len(words & sets[i]) >= 4 * len(words | sets[i]) for i in some)

    return [" ".join(text) in same or is_near(text) for text in texts]


def table(path):
    rows = [line.rstrip("\n").split("\t", 1) for line in open(path, encoding="utf-8")]
    return [row[0] for row in rows], [row[1].split() for row in rows]


def main():
    work, kind, chosen, seed = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    s = dict(DEFAULTS[kind], dropout=0.3, learning_rate=0.001, min_count=2, length=60, embedding=128, epochs=12, patience=2)
    for setting in chosen:
        key, value = setting.split("=", 1)
        try:
            s[key.removeprefix("neural.")] = json.loads(value)
        except ValueError:
            s[key.removeprefix("neural.")] = value
    torch.set_num_threads(2)
    torch.manual_seed(seed)
    (labels, texts), (asked, held_texts) = table(work / "train.tokens"), table(work / "test.tokens")
    names = sorted(set(labels))
    # No text of the held-out part is learned from, nor one that is nearly the same, as ours has it.
    known = near(texts, held_texts)
    rows = [(l, t) for l, t, known in zip(labels, texts, known) if not known]
    counts = Counter(word for _, text in rows for word in text)
    words = [word for word, n in counts.most_common() if n >= s["min_count"]]
    ids = {word: i + 2 for i, word in enumerate(words)}
    given = (work / "vectors.bin").exists()
    vectors = fasttext_vectors(work / "vectors.bin", words) if given else {}
    width = len(vectors[words[0]]) if given else s["embedding"]
    start = torch.empty(len(words) + 2, width).uniform_(-0.05, 0.05)
    start[0] = 0
    for word, vector in vectors.items():
        start[ids[word]] = torch.from_numpy(vector.copy())

    def encode(texts):
        return [[ids.get(word, 1) for word in text][: s["length"]] or [1] for text in texts]

    def batch(of):
        lengths = torch.tensor([len(text) for text in of])
        padded = torch.zeros(len(of), int(lengths.max()), dtype=torch.long)
        for i, text in enumerate(of):
            padded[i, : len(text)] = torch.tensor(text)
        return padded, lengths

    x, y = encode([t for _, t in rows]), torch.tensor([names.index(l) for l, _ in rows])
    order = torch.randperm(len(x)).tolist()
    kept_out = []
    for c in range(len(names)):
        own = [i for i in order if y[i] == c]
        kept_out += own[: len(own) // 10]
    learned = sorted(set(order) - set(kept_out))
    network = Network(kind, s, start, len(names))
    adam = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=s["learning_rate"], fused=True)
    each = torch.bincount(y, minlength=len(names))
    balanced = s.get("class_weight") == "balanced"
    loss_of = nn.CrossEntropyLoss(weight=len(y) / (len(names) * each) if balanced else None)

    def logits(texts):
        network.eval()
        with torch.inference_mode():
            return torch.cat([network(*batch(texts[i : i + 256])) for i in range(0, len(texts), 256)])

    best, best_epoch, kept = float("inf"), 0, None
    began = time.perf_counter()
    for epoch in range(s["epochs"]):
        network.train()
        shuffled = [learned[i] for i in torch.randperm(len(learned)).tolist()]
        for at in range(0, len(shuffled), s["batch_size"]):
            some = shuffled[at : at + s["batch_size"]]
            adam.zero_grad(set_to_none=True)
            loss_of(network(*batch([x[i] for i in some])), y[some]).backward()
            adam.step()
        loss = float(loss_of(logits([x[i] for i in kept_out]), y[kept_out]))
        if loss < best:
            best, best_epoch, kept = loss, epoch, copy.deepcopy(network.state_dict())
        elif epoch - best_epoch >= s["patience"]:
            break
    seconds = time.perf_counter() - began
    network.load_state_dict(kept)
    truth = torch.tensor([names.index(l) for l in asked])
    answers = logits(encode(held_texts)).argmax(1)
    classes = []
    for c, name in enumerate(names):
        hit = float(((answers == c) & (truth == c)).sum())
        precision, recall = hit / max(1, int((answers == c).sum())), hit / max(1, int((truth == c).sum()))
        classes.append(dict(label=name, precision=precision, recall=recall, f1=2 * hit / max(1, int((answers == c).sum() + (truth == c).sum()))))
    found = {"accuracy": float((answers == truth).float().mean()), "classes": classes, "epochs": epoch + 1}
    print(json.dumps({**found, "seconds": seconds, "torch": torch.__version__}))


main()
