"""Reduce words of names and addresses to the forms in which they are compared. Pure."""

from __future__ import annotations

import re
import unicodedata

#: Legal forms, written as they are left after dots are taken out.
LEGAL_FORMS = frozenset(
    """
    inc incorporated llc ltd limited corp corporation co company gmbh mbh ag kg ohg ug ek
    ev llp pllc lp pc pa plc pty pte srl spa sarl sas sasu sa sl slu bv nv ab oy oyj as aps
    kft doo sro haftungsbeschrankt gbr se
    """.split()
)
#: Words that carry nothing: in every second name, and left out as often.
_EMPTY_WORDS = frozenset(
    "the and of at in on a an by for und der die das am im de la le les du des el los"
    " las y e et & i".split()
)
#: What kind of business it is: shared by many, and left out as often as written.
GENERIC_WORDS = frozenset(
    """
    restaurant cafe bar grill pizza pizzeria bistro kitchen deli diner bakery coffee shop
    store market house center service group company agency studio salon spa club office
    clinic dental dentist medical law lawyer attorney associate partner plumbing plumber
    electric electrical heating cooling roofing cleaning landscaping construction
    contractor builder repair auto automotive garage hotel motel inn school academy
    church child care childcare learning early daycare day network solution system
    international american italian french chinese japanese mexican thai indian steakhouse
    seafood trattoria ristorante room lounge pub tavern brasserie
    """.split()
)
#: Spelling -> the word that is compared; only what is plain in a business's name.
_SHORT_FORMS = {
    **dict.fromkeys(("delicatessen", "delicatessens", "delis"), "deli"),
    **dict.fromkeys(("rest", "restaurants", "restaurante", "restr", "rst"), "restaurant"),
    **dict.fromkeys(("ctr", "cntr", "centre", "cent", "centers", "centres"), "center"),
    **dict.fromkeys(("svc", "svcs", "serv", "srv", "srvc", "services"), "service"),
    **dict.fromkeys(("bros", "bro", "brother"), "brothers"),
    **dict.fromkeys(("intl", "internat", "internatl"), "international"),
    **dict.fromkeys(("assoc", "assocs", "assn", "association", "associates"), "associate"),
    **dict.fromkeys(("mfg", "mfr"), "manufacturing"),
    **dict.fromkeys(("mgmt", "mgt"), "management"),
    **dict.fromkeys(("natl", "nat"), "national"),
    **dict.fromkeys(("dept",), "department"),
    **dict.fromkeys(("univ",), "university"),
    **dict.fromkeys(("hosp",), "hospital"),
    **dict.fromkeys(("acad",), "academy"),
    **dict.fromkeys(("elem",), "elementary"),
    **dict.fromkeys(("sch", "schl"), "school"),
    **dict.fromkeys(("comm", "cmty"), "community"),
    **dict.fromkeys(("dev",), "development"),
    **dict.fromkeys(("equip",), "equipment"),
    **dict.fromkeys(("constr", "const"), "construction"),
    **dict.fromkeys(("elec", "elect"), "electric"),
    **dict.fromkeys(("plbg", "plmbg", "plumb"), "plumbing"),
    **dict.fromkeys(("htg",), "heating"),
    **dict.fromkeys(("amer",), "american"),
    **dict.fromkeys(("bldg",), "building"),
    **dict.fromkeys(("st", "ste", "sainte"), "saint"),
    **dict.fromkeys(("mt", "mnt"), "mount"),
    **dict.fromkeys(("ft",), "fort"),
    **dict.fromkeys(("dr", "drs"), "doctor"),
    **dict.fromkeys(("hse",), "house"),
    **dict.fromkeys(("mkt",), "market"),
    **dict.fromkeys(("grp",), "group"),
    **dict.fromkeys(("tech", "technologies"), "technology"),
    **dict.fromkeys(("caffe", "kaffe", "kafe"), "cafe"),
    **dict.fromkeys(("grille", "grll"), "grill"),
    **dict.fromkeys(("steakhouses",), "steakhouse"),
    **dict.fromkeys(("n",), "and"),
}  # fmt: skip
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
}
_ORDINAL_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh"
        " twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth"
        " nineteenth twentieth".split(),
        1,
    )
}
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b")
#: "L.L.C.", "A.B.C. Plumbing": single letters with dots between are one word.
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_APOSTROPHES = re.compile("['`\u2018\u2019\u00b4\u02bc]")
#: How umlauts are written without dots; Müller, Mueller and Muller are one.
_DIGRAPH = re.compile(r"([aou])e(?=[a-z])")
_WORD = re.compile(r"[^\W_]+")


def plain(text: str) -> str:
    """Give text in lower case without accents; `ß` becomes `ss`, `&` becomes `and`."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded)
        folded = "".join(char for char in folded if not unicodedata.combining(char))
    return folded.replace("&", " and ").replace("+", " and ")


def split_words(text: str) -> list[str]:
    """Split plain text into words; an apostrophe joins, dots between letters too."""
    text = _APOSTROPHES.sub("", text)
    if "." in text:
        text = _DOTTED.sub(lambda found: found[0].replace(".", "") + " ", text)
    return _WORD.findall(text)


def ordinal(word: str) -> str:
    """Give `42` for `42nd`, `2` for `second`, and any other word as it is."""
    if word[0].isdigit():
        return _ORDINAL.sub(r"\1", word)
    return _ORDINAL_WORDS.get(word, word)


def number_word(word: str) -> str:
    """Give `4` for `four`, and any other word as it is."""
    return _NUMBER_WORDS.get(word, word)


def stem(word: str) -> str:
    """Give the form in which a word of a name is compared: short forms, no plural."""
    word = _SHORT_FORMS.get(word) or ordinal(_NUMBER_WORDS.get(word, word))
    if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
        word = f"{word[:-3]}y" if word.endswith("ies") and len(word) > 4 else word[:-1]
        word = _SHORT_FORMS.get(word, word)
    return _DIGRAPH.sub(r"\1", word) if "e" in word else word


def name_words(text: str) -> list[str]:
    """Give the words of a name that are compared, legal forms and empty words left out.

    A name made of such words only keeps them.
    """
    words = split_words(plain(text))
    kept = [word for word in words if word not in LEGAL_FORMS]
    # "The Co." is a name; so are "The" and "Limited" where nothing else is written.
    stems = [
        stemmed
        for word in kept or words
        if (stemmed := stem(word)) not in _EMPTY_WORDS and word not in _EMPTY_WORDS
    ]
    return stems or [stem(word) for word in words]


GENERIC_STEMS = frozenset(stem(word) for word in GENERIC_WORDS)
