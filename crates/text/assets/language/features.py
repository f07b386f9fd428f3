"""What the language model sees of a text: the same words, n-grams and buckets as
`src/language/latin.rs`. A golden table (`tests/golden/language.tsv`) holds both to it."""
from functools import lru_cache

BITS = 15
LONGEST_WORD = 20
LETTERS = 1000
BOUNDARY, APOSTROPHE, OTHER_LATIN = 38, 37, 127
ACCENTED = "àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßšžčćđłńśźżğışţțăąęőűřěůťďňľ"
CODES = {c: 1 + i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789")}
CODES |= {c: 39 + i for i, c in enumerate(ACCENTED)}
CODES |= {c: APOSTROPHE for c in "'’ʼ`´"}
U32 = 0xFFFFFFFF


def is_latin(c: str) -> bool:
    return ("a" <= c <= "z" or "A" <= c <= "Z" or "\u00c0" <= c <= "\u024f" and c not in "×÷"
            or "\u1e00" <= c <= "\u1eff")


def code(c: str) -> int:
    """The class of a character that can stand in a word, in 1..=127; 0 for any other."""
    return CODES.get(c.lower()[0], OTHER_LATIN) if is_latin(c) else CODES.get(c, 0)


def entity_end(text: str, i: int) -> int:
    """The end of the HTML entity that begins at `i`, or `i`."""
    for j in range(i + 1, min(i + 10, len(text))):
        if text[j] == ";" and j > i + 1:
            return j + 1
        if not (text[j].isascii() and text[j].isalnum() or text[j] == "#"):
            break
    return i


def words(text: str):
    """The codes of each word that says something about a language: no link, mention, entity,
    number or identifier; no letter more than twice in a row; at most `LONGEST_WORD` codes."""
    i, n, letters = 0, len(text), 0
    while i < n and letters < LETTERS:
        c = text[i]
        if c == "@":
            i += 1
            while i < n and text[i].isascii() and (text[i].isalnum() or text[i] == "_"):
                i += 1
        elif c == "&":
            i = max(entity_end(text, i), i + 1)
        elif code(c) in (0, APOSTROPHE):
            i += 1
        else:
            start, word, digits, alphabetic = i, [], 0, 0
            while i < n and (k := code(text[i])) or i < n and "\u0300" <= text[i] <= "\u036f":
                i += 1
                if k == 0:
                    continue
                digits += 27 <= k <= 36
                alphabetic += is_latin(text[i - 1])
                if len(word) < LONGEST_WORD and word[-2:] != [k, k]:
                    word.append(k)
            if text[start : start + 4].lower() in ("http", "www."):
                while i < n and not text[i].isspace():
                    i += 1
                continue
            letters += alphabetic
            while word and word[-1] == APOSTROPHE:
                word.pop()
            if alphabetic and digits <= 2:
                yield tuple(word)


def bucket(key: int) -> int:
    return (key * 0x9E3779B1 & U32) >> (32 - BITS)


@lru_cache(maxsize=500_000)
def word_buckets(word: tuple) -> tuple:
    """The buckets of all 2-, 3- and 4-grams of the word between boundaries, and of the word."""
    padded = (BOUNDARY, *word, BOUNDARY)
    window, whole, out = 0, 0x811C9DC5, []
    for i, k in enumerate(padded):
        window = (window << 8 | k) & U32
        whole = (whole ^ k) * 0x01000193 & U32
        out += [bucket(window & (1 << 8 * size) - 1) for size in (2, 3, 4) if i + 1 >= size]
    return (*out, bucket(whole))


def buckets(text: str) -> list[int]:
    return [b for word in words(text) for b in word_buckets(word)]
