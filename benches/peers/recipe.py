"""The classic Sentiment140 cleaning recipe: as it is usually written, and as fast as it goes in Python.

usage: recipe.py CSV     (compares the two on every row; NLTK_DATA as for classic.py)

`clean_plainly` is the recipe to the letter. `clean` gives the same answer and is what the peer is measured
with: a step is skipped where a substring test shows that it can change nothing, and everything that
concerns one word (repeats, length, lemma) is looked up in a table of words met before.
"""
import os
import re
import sys

import nltk
from nltk.stem import WordNetLemmatizer

EMOJIS = {':)': 'smile', ':-)': 'smile', ';d': 'wink', ':-E': 'vampire', ':(': 'sad', ':-(': 'sad',
          ':-<': 'sad', ':P': 'raspberry', ':O': 'surprised', ':-@': 'shocked', ':@': 'shocked',
          ':-$': 'confused', ':\\': 'annoyed', ':#': 'mute', ':X': 'mute', ':^)': 'smile',
          ':-&': 'confused', '$_$': 'greedy', '@@': 'eyeroll', ':-!': 'confused', ':-D': 'smile',
          ':-0': 'yell', 'O.o': 'confused', '<(-_-)>': 'robot', 'd[-_-]b': 'dj', ":'-)": 'sadsmile',
          ';)': 'wink', ';-)': 'wink', 'O:-)': 'angel', 'O*-)': 'angel', '(:-D': 'gossip', '=^.^=': 'cat'}

lemmatizer = WordNetLemmatizer()


def load_wordnet(folder=None):
    """Reads WordNet now rather than in the first tweet; `folder` (default: $NLTK_DATA) holds corpora/wordnet."""
    if folder:
        nltk.data.path.insert(0, folder)
    try:
        lemmatizer.lemmatize("words")
    except LookupError:
        sys.exit("no WordNet: lay it out by ../shared/bench/wordnet_for_nltk.py DIR and give DIR as NLTK_DATA")


def clean_plainly(tweet):
    """Tokens of one tweet, by the recipe to the letter."""
    tweet = tweet.lower()
    tweet = re.sub(r"((http://)[^ ]*|(https://)[^ ]*|( www\.)[^ ]*)", ' URL', tweet)
    for e in EMOJIS:
        tweet = tweet.replace(e, "EMOJI" + EMOJIS[e])
    tweet = re.sub(r'@[^\s]+', ' USER', tweet)
    tweet = re.sub("[^a-zA-Z0-9]", " ", tweet)
    tweet = re.sub(r"(.)\1\1+", r"\1\1", tweet)
    return [lemmatizer.lemmatize(w) for w in tweet.split() if len(w) > 1]


URL = re.compile(r"https?://[^ ]*| www\.[^ ]*")
USER = re.compile(r"@\S+")
WORD = re.compile(r"[a-zA-Z0-9]+")
REPEATS = re.compile(r"(.)\1\1+")
REPLACEMENTS = [(e, "EMOJI" + name) for e, name in EMOJIS.items()]
ONLY_WORDS = str.maketrans({chr(c): " " for c in range(128) if not chr(c).isalnum()})


class Words(dict):
    """Word as it stands in the text -> its lemma, or "" where the recipe drops it."""

    def __missing__(self, word):
        lemma = ""
        if len(word) > 1:
            lemma = lemmatizer.lemmatize(REPEATS.sub(r"\1\1", word))
        self[word] = lemma
        return lemma


WORDS = Words()


def clean(tweet):
    """Tokens of one tweet joined by spaces: the answer of `clean_plainly`."""
    tweet = tweet.lower()
    if "http" in tweet or "www." in tweet:
        tweet = URL.sub(" URL", tweet)
    # In lower-cased text an emoticon needs one of these; those with capitals can only arise from an
    # "EMOJI" put in before them, which needs one too.
    if ":" in tweet or ";" in tweet or "_" in tweet or "@@" in tweet or "^" in tweet:
        for emoticon, name in REPLACEMENTS:
            tweet = tweet.replace(emoticon, name)
    if "@" in tweet:
        tweet = USER.sub(" USER", tweet)
    words = tweet.translate(ONLY_WORDS).split() if tweet.isascii() else WORD.findall(tweet)
    known = WORDS
    return " ".join([lemma for word in words if (lemma := known[word])])


def words_and_pairs(cleaned):
    """Word 1- and 2-grams of what `clean` returns: TfidfVectorizer(ngram_range=(1, 2)) in fewer steps."""
    words = cleaned.split(" ")
    if words == [""]:
        return []
    return words + [f"{a} {b}" for a, b in zip(words, words[1:])]


def main():
    """Compares the quick ways with the plain ones on every text of a Sentiment140-shaped CSV."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    import classic

    load_wordnet(os.environ.get("NLTK_DATA"))
    _, texts = classic.read(sys.argv[1])
    for row, text in enumerate(texts):
        want, got = clean_plainly(text), clean(text)
        if " ".join(want) != got:
            sys.exit(f"row {row}: {text!r}\n  to the letter {want}\n  quick         {got}")
    print(f"{len(texts)} rows: the same tokens")

    cleaned = [clean(text) for text in texts]
    plain = TfidfVectorizer(ngram_range=(1, 2), lowercase=False, token_pattern=r"\S+")
    quick = TfidfVectorizer(analyzer=words_and_pairs)
    same = (plain.fit_transform(cleaned) != quick.fit_transform(cleaned)).nnz == 0
    if not same or plain.vocabulary_ != quick.vocabulary_:
        sys.exit("words_and_pairs: other features than ngram_range=(1, 2)")
    print(f"{len(quick.vocabulary_)} features: the same vocabulary and values")


if __name__ == "__main__":
    main()
