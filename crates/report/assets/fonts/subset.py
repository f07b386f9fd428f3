#!/usr/bin/env python3
"""Cuts the fonts of this folder out of Debian's fonts-noto-core (version 20201225-1).

    python3 -m venv venv && venv/bin/pip install fonttools==4.* brotli
    apt-get install fonts-noto-core
    venv/bin/python subset.py

Writes NAME.ttf (read by the program to measure and rasterise, uncompressed, without hints) and NAME.woff2 (what a
page carries, so that a browser sets every label as wide as it was measured). The licence, OFL 1.1, is in OFL.txt.
"""

import pathlib
import subprocess
import sys

SOURCE = pathlib.Path("/usr/share/fonts/truetype/noto")
HERE = pathlib.Path(__file__).parent

LATIN = (
    "U+0020-007E,U+00A0-017F,U+0218-021B,U+0300-0304,U+0306-0308,U+030C,U+0327,U+0391-03A9,U+03B1-03C9,U+0401,"
    "U+0410-044F,U+0451,U+1E9E,U+2002-200F,U+2010-2027,U+202A-203A,U+2044,U+2060,U+2070-208E,U+20AC,U+2116,U+2122"
)
ARABIC = "U+0020,U+00A0,U+060C,U+061B-061C,U+061F-0671,U+067E,U+0686,U+0698,U+06A9,U+06AF,U+06C0-06C3,U+06CC,U+06D4-06D5,U+06F0-06F9,U+200C-200F"
SIGNS = "U+2190-2199,U+2206,U+2211-2212,U+221A,U+221E,U+2248,U+2260,U+2264-2265"
SYMBOLS = "U+2600-26FF,U+2701-27BF,U+2B50,U+FFFD"

FONTS = [
    ("NotoSans-Regular", LATIN),
    ("NotoSans-Bold", LATIN),
    ("NotoSansArabic-Regular", ARABIC),
    ("NotoSansMath-Regular", SIGNS),
    ("NotoSansSymbols2-Regular", SYMBOLS),
]

for name, characters in FONTS:
    for flavour in ("ttf", "woff2"):
        out = HERE / f"{name}.{flavour}"
        command = [
            sys.executable, "-m", "fontTools.subset", str(SOURCE / f"{name}.ttf"), f"--unicodes={characters}",
            f"--output-file={out}", "--no-hinting", "--desubroutinize", "--name-IDs=0,1,2,3,4,6,13,14",
            "--layout-features=ccmp,locl,mark,mkmk,kern,liga,calt,rlig,init,medi,fina,isol,curs,rclt",
            "--drop-tables+=DSIG,MATH,FFTM,meta",
        ]
        if flavour == "woff2":
            command.append("--flavor=woff2")
        subprocess.run(command, check=True)
        print(f"{out.stat().st_size:>8}  {out.name}")
