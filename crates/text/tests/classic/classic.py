"""The classic Sentiment140 recipe, as it goes round in notebooks, with NLTK's lemmatizer.

    wordnet_for_nltk.py DIR                       (shared/bench; NLTK's data from Debian's WordNet)
    NLTK_DATA=DIR python classic.py golden        writes golden.json from the inputs below
    NLTK_DATA=DIR python classic.py lines < IN    one JSON string a line in, one JSON list a line out
"""
import itertools, json, pathlib, random, re, sys

from nltk.stem import WordNetLemmatizer

lemmatizer = WordNetLemmatizer()
emojis = {':)': 'smile', ':-)': 'smile', ';d': 'wink', ':-E': 'vampire', ':(': 'sad', ':-(': 'sad', ':-<': 'sad', ':P': 'raspberry', ':O': 'surprised', ':-@': 'shocked', ':@': 'shocked', ':-$': 'confused', ':\\': 'annoyed', ':#': 'mute', ':X': 'mute', ':^)': 'smile', ':-&': 'confused', '$_$': 'greedy', '@@': 'eyeroll', ':-!': 'confused', ':-D': 'smile', ':-0': 'yell', 'O.o': 'confused', '<(-_-)>': 'robot', 'd[-_-]b': 'dj', ":'-)": 'sadsmile', ';)': 'wink', ';-)': 'wink', 'O:-)': 'angel', 'O*-)': 'angel', '(:-D': 'gossip', '=^.^=': 'cat'}


def clean(tweet):
    tweet = tweet.lower()
    tweet = re.sub(r"((http://)[^ ]*|(https://)[^ ]*|( www\.)[^ ]*)", ' URL', tweet)
    for e in emojis:
        tweet = tweet.replace(e, "EMOJI" + emojis[e])
    tweet = re.sub(r'@[^\s]+', ' USER', tweet)
    tweet = re.sub("[^a-zA-Z0-9]", " ", tweet)
    tweet = re.sub(r"(.)\1\1+", r"\1\1", tweet)
    return [lemmatizer.lemmatize(w) for w in tweet.split() if len(w) > 1]


WRITTEN = [
    "", " ", "a", "I", "ab", "@switchfoot http://twitpic.com/2y1zl - Awww, that's a bummer.  You shoulda got David Carr of Third Day to do it. ;D",
    "sooooo goooood!!!", "aaa bbb  ccc   ddd", "1000000 reasons", "xxxxXXXX", "www.first.com is not a link, www.second.com is",
    "http://", "https://", "http://a http://b", "xhttp://y z", "http://a\thttp://b", "http://a\nnext line", "HTTP://UPPER.CASE", "hhttps://x", "http:// x", "httphttp://x", "http:///https://a b",
    " www.", "  www.x  www.y", " www.http://x y", "http://www.x www.y", "a www.b\u00a0c d", "ttp://x", "://x", "http:/x", "https:x",
    ":-:)", ":-:-)", ":-;d", ":-:(", "::-))", ":):)", ":))", ";)d", ";d", ";D", ";-D", ":D", ":P", ":o", ":O", "O:-)", "o:-)", "O.o", "o.O", ":-D", ":X", ":x", ":-0", ":-!", ":-&amp;", ":-&", ":-$", ":$", "$_$", "$_$_$", "=^.^=", "(=^.^=)", "<(-_-)>", "d[-_-]b", "D[-_-]B", ":'-)", "O*-)", "(:-D", ":-@", ":@", ":@@", "@@", "@@@", "@@@@ x", ":-@@", ":\\", "c:\\temp", ":#", ":#tag", ":^)", ":-<", ":-<3",
    "@", "@ ", "@ x", "@\t", "a@b.c d", "@a@b", "@user: hi", "@user\u00a0glued", "@x\u3000y", "@x\u1680y", "@x\x1cy", "@x\x1fy", "@x\x85y", "@x\u200by z", "@x\ufeffy z", "@\u00e9 z", "@x\u2028y", "@x\x0by", "@x\x00y z",
    "\u0130stanbul \u0130\u0130\u0130", "\u212aelvin \u212a\u212a\u212a", "\u017fs \u1e9e Stra\u00dfe", "\u039f\u03a3 \u03a3", "caf\u00e9s na\u00efve", "e\u0301t\u00e9s", "\ufb01sh", "\uff21\uff22\uff23", "\u01c5x", "ÀÉÎ children",
    "\U0001f600 \U0001f44d\U0001f3fd ok", "\u2764\ufe0f", "1\ufe0f\u20e3", "مرحبا بالعالم", "日本語 ok", "\u202eabc\u202c", "\u0301\u0301\u0301", "a\u0301b",
    "mice geese children men women firemen mens boss bosses wolves knives ladies flies dishes churches boxes quizzes gas bus news glasses is was has does us as yes this series species data people feet teeth oxen",
    "xmen xmen's shoes' dogs' DOGS Dogs dOGS", "going went better best ran lives leaves", "a1s 1s 22s s2s ss sss ssss", "EMOJIsmile URL USER url user emoji", "USERs URLs", "under_score under__score", "don't can't won't I'm it's", "&quot;quoted&quot; &amp; &lt;3", "a\nb\r\nc\td\x0be\x0cf", "aa\naa", "a a a aa aaa", "zzz zz z", "\x00\x01\x02ab", "ab\x7fcd", "#hashtag #HashTag ##", "$$$ %%% ^^^", "a" * 50, "ha" * 40, "no " * 40, "(.)\\1\\1+", "\\", "'", "''", "O'Neil's o'clock",
    "men's fishermen walkmen human humen amen omen specimen abdomen yes-men", "buses busses gasses asses passes", "axes axis oxes matrices vertices indexes indices phenomena criteria", "ves sves wolves's ies dies ties xies", "ches shes zes xes ses", "lemmas stigmata stomata corpora genera", "http://x.y/:) z", "mail@:) z", ":)@x", "@x:)", "@:)", "x:)y", "x;dy", "and;don't", "2;d", ";-)", ";-)d",
]


def inputs():
    pieces = [":", ")", "(", ";", "-", "d", "D", "@", "$", "_", "E", "O", "o", ".", "^", "=", "<", ">", "[", "]", "b", "\\", "#", "X", "'", "*", "0", "!", "&", "P", "a", "aaa", "s", "mice", "dogs", "http://", "https://", " www.", "www.", " ", "  ", "\t", "\n", "\u00a0", "\u0130", "\u212a", "\u00e9", "\U0001f600", "URL", "\x1c", "3"]
    rng = random.Random(20)
    made = ("".join(rng.choices(pieces, k=rng.randint(1, 14))) for _ in itertools.count())
    return WRITTEN + list(itertools.islice(made, 600))


if __name__ == "__main__":
    if sys.argv[1:] == ["golden"]:
        rows = [[text, clean(text)] for text in inputs()]
        out = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
        pathlib.Path(__file__).with_name("golden.json").write_text(out)
    elif sys.argv[1:] == ["lines"]:
        for line in sys.stdin:
            print(json.dumps(clean(json.loads(line))))
    else:
        sys.exit(__doc__)
