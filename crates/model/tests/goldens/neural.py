"""PyTorch's numbers for small networks: loss, gradients, and parameters after four steps.

Writes neural.safetensors beside this file: for each network its parameters, a batch, the loss, every
gradient, and the parameters after four steps of an optimiser with clipping, all in float64.
Made with torch 2.15.0 (CPU).  usage: python neural.py
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.set_default_dtype(torch.float64)
WORDS, WIDTH, CLASSES = 12, 6, 3
LENGTHS = [5, 3, 1, 7, 2, 7]


class Recurrent(nn.Module):
    def __init__(self, units, bidirectional):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        ways = 2 if bidirectional else 1
        sizes = [WIDTH] + [n * ways for n in units]
        self.lstm = nn.ModuleList(
            nn.LSTM(i, n, batch_first=True, bidirectional=bidirectional) for i, n in zip(sizes, units)
        )
        self.dense = nn.ModuleList([nn.Linear(sizes[-1], 4), nn.Linear(4, CLASSES)])

    def forward(self, ids, lengths):
        x = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        for lstm in self.lstm:
            x, (h, _) = lstm(x)
        h = torch.cat(list(h), dim=1)
        return self.dense[1](torch.relu(self.dense[0](h)))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.conv = nn.ModuleList([nn.Conv1d(WIDTH, 5, 3), nn.Conv1d(5, 4, 3)])
        self.dense = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, CLASSES)])

    def forward(self, ids, lengths):
        best = []
        for row, length in zip(ids, lengths):
            x = nn.functional.pad(self.embedding(row[:length]).T[None], (2, 2))
            x = self.conv[1](torch.relu(self.conv[0](x)))
            best.append(torch.relu(x).amax(dim=2)[0])
        return self.dense[1](torch.relu(self.dense[0](torch.stack(best))))


def golden(name, network, optimiser, out):
    ids = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.int64)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = torch.randint(1, WORDS - 1, (length,))  # the last word is never met
    truth = torch.randint(0, CLASSES, (len(LENGTHS),))
    loss_of = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1)
    out[f"{name}/ids"] = ids
    out[f"{name}/truth"] = truth
    for key, value in network.state_dict().items():
        out[f"{name}/start/{key}"] = value.clone()
    step = optimiser(network.parameters())
    for i in range(4):
        step.zero_grad()
        loss = loss_of(network(ids, torch.tensor(LENGTHS)), truth)
        loss.backward()
        if i == 0:
            out[f"{name}/loss"] = loss.detach()[None]
            for key, value in network.named_parameters():
                out[f"{name}/gradient/{key}"] = value.grad.clone()
        nn.utils.clip_grad_norm_(network.parameters(), 0.4)
        step.step()
    for key, value in network.state_dict().items():
        out[f"{name}/end/{key}"] = value.clone()


def save(path, tensors):
    header, body = {}, b""
    for name, tensor in sorted(tensors.items()):
        integer = tensor.dtype == torch.int64
        array = tensor.to(torch.int32 if integer else torch.float64).contiguous().numpy()
        start, body = len(body), body + array.tobytes()
        header[name] = {
            "dtype": "U32" if integer else "F64",
            "shape": list(array.shape),
            "data_offsets": [start, len(body)],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


torch.manual_seed(0)
tensors = {}
golden("lstm", Recurrent([5, 4], False), lambda p: torch.optim.Adam(p, lr=0.01), tensors)
golden("bilstm", Recurrent([5, 4], True), lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), tensors)
golden("cnn", Cnn(), lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1), tensors)
save(Path(__file__).with_suffix(".safetensors"), tensors)
