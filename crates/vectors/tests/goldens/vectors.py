"""What gensim and fastText read of the files in shared/data/word-vectors: `vectors.json`, which `../files.rs` asks for.

usage: python vectors.py ../../../../../shared/data/word-vectors > vectors.json      (needs gensim and fasttext)
"""

import json
import sys
from pathlib import Path

import fasttext
import numpy as np
from gensim.models import KeyedVectors
from gensim.models.fasttext import load_facebook_vectors

folder = Path(sys.argv[1])
found = {}


def keep(name, dimension, words, vector):
    """Three numbers of each word say enough: the first, the last, and the sum."""
    rows = {}
    for word in words:
        row = np.asarray(vector(word), dtype=np.float64)
        assert len(row) == dimension
        rows[word] = [float(row[0]), float(row[-1]), float(row.sum())]
    found[name] = {"dimension": dimension, "words": rows}


def keyed(name, words=None, **options):
    # gensim stops at what is no UTF-8 unless it is told to go on.
    vectors = KeyedVectors.load_word2vec_format(folder / name, unicode_errors="replace", **options)
    # Words that became the same when they were mended are none of gensim's.
    own = [word for word in vectors.index_to_key if word is not None]
    names = words or [own[i] for i in (0, 1, len(own) // 2, -1)]
    keep(name, vectors.vector_size, names, vectors.get_vector)
    found[name]["file_words"] = len(vectors.index_to_key)


keyed("glove.6B.50d.top.txt", binary=False, no_header=True)
keyed("test_glove.txt", binary=False, no_header=True)
keyed("similarity.nodims", binary=False, no_header=True)
keyed("similarity.txt", binary=False)
keyed("similarity.bin", binary=True)
keyed("euclidean_vectors.bin", binary=True)
keyed("high_precision.kv.txt", binary=False)
keyed("high_precision.kv.bin", binary=True)
keyed("lee_fasttext.vec", binary=False)
keyed("pang_lee_polarity_fasttext.vec", binary=False)
keyed("utf8-incomplete.txt", ["meren", "rivieren"], binary=False, no_header=True)
keyed("utf8-incomplete.bin", ["meren", "rivieren"], binary=True)
# The second and third words are none of the model's: subwords alone.
for name in ["lee_fasttext_new.bin", "fasttext.bin"]:
    vectors = load_facebook_vectors(str(folder / name))
    model = fasttext.load_model(str(folder / name))
    words = [vectors.index_to_key[5], "sentimeter", "überraschung"]
    keep(name, vectors.vector_size, words, vectors.get_vector)
    found[name]["file_words"] = len(vectors)
    for word in words:
        assert np.allclose(vectors.get_vector(word), model.get_word_vector(word), atol=1e-6), word
json.dump(found, sys.stdout, indent=1, ensure_ascii=False, sort_keys=True)
print()
