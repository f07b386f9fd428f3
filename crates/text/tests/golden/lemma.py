"""Writes lemma.tsv: what NLTK's WordNetLemmatizer makes of every kind of word, as noun, verb,
adjective and adverb. With a file of words, one a line, as second argument: their lemmas to stdout.

    python /work/shared/bench/wordnet_for_nltk.py DIR
    NLTK_DATA=DIR python lemma.py /usr/share/wordnet > lemma.tsv
"""
import random
import sys
from pathlib import Path

from nltk.stem import WordNetLemmatizer

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}


def choose(wordnet: Path) -> list[str]:
    """Every kind of word that a rule or an exception touches, a seeded sample of each."""
    draw = random.Random(2)
    words = set("""s es ed er est ing men ies us was has does goes as is its this yes less boss bus
        gas bosses buses glasses classes lenses axes boxes quizzes churches wishes flies ties dies
        lies pies series species news physics mathematics women men children feet geese mice oxen
        specimen omen amen yemen gentlemen chairmen abdomen hating hated rating rated boring bored
        running stopped sung best better worse worst nicer nicest easier easiest later farther
        further harder hardest sooo loool lol url user emojismile don didn won t re ve ll 4s 80s
        1990s mp3s Dogs DOGS Mice U.S. école écoles naïves 日本 women's dog's a aa ss sses iess
        eds ings ers ests axis bases analyses crises theses data media criteria phenomena
        """.split())
    for suffix in PARTS:
        exceptions = [line.split()[0] for line in (wordnet / f"{suffix}.exc").open()]
        words.update(exceptions if len(exceptions) < 20 else draw.sample(exceptions, 450))
        lemmas = [line.split()[0] for line in (wordnet / f"index.{suffix}").open() if line[0] != " "]
        short = [lemma for lemma in lemmas if "_" not in lemma]
        for ending in ["", "s", "es", "ed", "ing", "er", "est", "d", "r", "st", "men"]:
            words.update(lemma + ending for lemma in draw.sample(short, 60))
        for old, new in [("y", "ies"), ("f", "ves"), ("fe", "ves"), ("e", "ing"), ("man", "men"), ("s", "ses")]:
            fitting = [lemma for lemma in short if lemma.endswith(old)]
            for lemma in draw.sample(fitting, min(60, len(fitting))):
                words.add(lemma[: len(lemma) - len(old)] + new)
        for ending in ["ss", "us", "is", "men", "ves", "ies", "ing", "ed", "er", "est"]:
            fitting = [lemma for lemma in short if lemma.endswith(ending)]
            words.update(draw.sample(fitting, min(40, len(fitting))))
    return sorted(words)


def main() -> None:
    words = Path(sys.argv[2]).read_text().split("\n") if len(sys.argv) > 2 else choose(Path(sys.argv[1]))
    lemmatize = WordNetLemmatizer().lemmatize
    for word in filter(None, words):
        print(word, *(lemmatize(word, pos) for pos in PARTS.values()), sep="\t")


main()
