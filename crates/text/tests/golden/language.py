"""Writes language.tsv: what `assets/language/features.py` and `latin.model` make of difficult texts:
the text (JSON), the probabilities of English, French and other, and the bucket of every feature.

    python language.py > language.tsv
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parent / "../../assets/language"
sys.path.insert(0, str(ASSETS))
from features import BITS, buckets  # noqa: E402

TEXTS = [
    "I love this!", "Livraison très en retard, je suis déçu…", "¿Dónde está mi pedido?",
    "SOOOOOO goooood", "C'est l'été, n’est-ce pas ?", "it's 'quoted' rock 'n' roll''",
    "@user_1 thanks! (@Bob) mail me@example.com now", "see https://example.com/a?b=c&d=e for more",
    "www.example.fr est en panne", "HTTP://X.Y up WWWhat", "fish &amp; chips &lt;3 R&D; AT&T &#8217; &nope no",
    "room 404 on 3rd floor a1b2c3 x123 4ever", "3la5ater ya sa7bi barcha 7lou", "snake_case and kebab-case",
    "e\u0301cole de\u0301compose\u0301e", "ÉCOLE ÀÇÉ Œuvre ŒIL İstanbul", "Straße, größer, ŻÓŁĆ, đường",
    "pneumonoultramicroscopicsilicovolcanoconiosis yes", "a", "I", "ok", "\u2068hidden\u2069 zero\u200bwidth",
    "emoji 😀 in 👨‍👩‍👧 between🎉words", "tab\tand\nnewline", "`backtick´s", "don\u2019t don't dont", "#hashTag #été2024",
]


def main() -> None:
    raw = (ASSETS / "latin.model").read_bytes()
    scale, *bias = struct.unpack_from("<9f", raw)
    weights = np.frombuffer(raw, np.int8, offset=36).reshape(1 << BITS, 8).astype(np.float64)
    for text in TEXTS:
        found = buckets(text)
        scores = weights[found].sum(0) * scale / len(found) ** 0.5 + bias
        odds = np.exp(scores - scores.max())
        en, fr, *other = odds / odds.sum()
        print(json.dumps(text), f"{en:.6f} {fr:.6f} {sum(other):.6f}", " ".join(map(str, found)), sep="\t")


main()
