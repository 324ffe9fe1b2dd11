"""Turn an HTML mail into text in which quotes begin with `>` and signatures are gone.

So one set of rules (reply_texts.py) cuts both kinds.
"""

from __future__ import annotations

import re

import lxml.etree
import lxml.html

#: Characters of HTML that are read.
MAX_HTML = 500_000
#: Nesting of quotes that is shown; nobody reads deeper ones.
_MAX_QUOTES = 5
_RULE = "_" * 32
_SKIPPED = {"head", "style", "script", "title", "template", "noscript", "svg"}
_BLOCKS = set(
    "address article aside blockquote body center dd div dl dt fieldset figure footer "
    "form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section table tbody "
    "tfoot thead tr ul".split()
)
_SPACED = {"h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table"}
_QUOTES = re.compile(
    r"(?:^|[\s_])(?:gmail_quote|gmail_extra|yahoo_quoted|protonmail_quote|zmail_extra|"
    r"tutanota_quote|moz-forward-container|olk_src_body_section|"
    r"mail-editor-reference-message-container|hs_reply|freebirdformsquote|"
    r"airmail_ext_quote|edo-reply|bloop_original_html)\b",
    re.IGNORECASE,
)
_HEADS = re.compile(
    r"(?:^|[\s_])(?:divrplyfwdmsg|appendonsend|stopspelling)\b", re.IGNORECASE
)
_SIGNATURES = re.compile(
    r"(?:^|[\s_])(?:gmail_signature|moz-signature|protonmail_signature_block|"
    r"ms-outlook(?:-mobile|-ios|-android)?-signature|bloop_sign|edo-signature|"
    r"applemailsignature|airmail_signature|front-signature|sh-signature)\b",
    re.IGNORECASE,
)
#: As ids; as classes these words are used for much else.
_SIGNATURE_IDS = {"signature", "x_signature", "composer_signature"}
_TOP_BORDER = re.compile(
    r"border(?:-top)?\s*:\s*(?:none\s*;\s*border-top\s*:\s*)?solid", re.IGNORECASE
)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z!]", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def text_of_html(html: str, *, with_addresses: bool = False) -> str:
    """Return the text of a mail in HTML; "" for what is no HTML.

    `with_addresses` writes behind a name the address that its link hides.
    """
    html = _NOT_XML.sub("", html[:MAX_HTML])
    if not _TAG.search(html):  # a text that is called HTML
        return html
    try:
        parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True)
        root = lxml.html.document_fromstring(html.encode(), parser=parser)
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return ""
    return _Writer(with_addresses).write(root)


class _Writer:
    """Walks the tree once, without recursion."""

    def __init__(self, with_addresses: bool) -> None:
        self._with_addresses = with_addresses
        self._lines: list[str] = []
        self._line: list[str] = []
        self._depth = 0
        self._skipping = 0
        self._preformatted = 0
        #: Items so far of each open list.
        self._counts: list[int] = []

    def write(self, root: lxml.html.HtmlElement) -> str:
        for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            if event == "start":
                self._begin(element)
            else:
                self._finish(element)
        self._break()
        return "\n".join(self._lines).strip("\n")

    def _begin(self, element: lxml.html.HtmlElement) -> None:
        if self._skipping or _is_skipped(element):
            self._skipping += 1
            return
        if element.tag == "br":
            self._break(keep_empty=True)
        elif element.tag in _BLOCKS:
            self._break()
            if _separates(element):
                self._lines.append(_RULE)
            self._gap(element)
        self._preformatted += element.tag == "pre"
        if _is_quote(element):
            self._depth += 1
        if element.tag in ("ul", "ol"):
            self._counts.append(0)
        elif element.tag == "li":
            self._line.append(self._bullet(element))
        self._say(element.text)

    def _bullet(self, element: lxml.html.HtmlElement) -> str:
        """Return what stands before an item; programs write it so into their plain parts."""
        parent = element.getparent()
        if not self._counts or parent is None or parent.tag != "ol":
            return "- "
        self._counts[-1] += 1
        return f"{self._counts[-1]}. "

    def _finish(self, element: lxml.html.HtmlElement) -> None:
        if self._skipping:
            self._skipping -= 1
        else:
            if self._with_addresses and (hidden := _hidden_address(element)):
                self._line.append(f" <{hidden}>")
            if element.tag in _BLOCKS:
                self._break()
            elif element.tag in ("td", "th"):
                self._line.append(" ")
            self._preformatted -= element.tag == "pre"
            if element.tag in ("ul", "ol") and self._counts:
                self._counts.pop()
            if _is_quote(element):
                self._depth -= 1
            self._gap(element)
        if not self._skipping:
            self._say(element.tail)

    def _say(self, text: str | None) -> None:
        if not text:
            return
        lines = text.split("\n") if self._preformatted else [text]
        for number, line in enumerate(lines):
            if number:
                self._break(keep_empty=True)
            self._line.append(_SPACES.sub(" ", line))

    def _gap(self, element: lxml.html.HtmlElement) -> None:
        is_paragraph = (
            element.tag == "p" and "mso" not in element.get("class", "").lower()
        )
        if (is_paragraph or element.tag in _SPACED) and self._lines and self._lines[-1]:
            self._lines.append(self._prefix())

    def _prefix(self) -> str:
        depth = min(self._depth, _MAX_QUOTES)
        return ">" * depth + " " if depth else ""

    def _break(self, *, keep_empty: bool = False) -> None:
        text = _SPACES.sub(" ", "".join(self._line)).strip()
        had_any = bool(self._line)
        self._line.clear()
        if (
            text
            or keep_empty
            or (had_any and self._lines and self._lines[-1].strip("> "))
        ):
            self._lines.append(self._prefix() + text)


def _hidden_address(element: lxml.html.HtmlElement) -> str:
    """Return the address to which a link writes, "" where its text shows one."""
    target = str(element.get("href") or "")[:500] if element.tag == "a" else ""
    if not target.lower().startswith("mailto:") or "@" in (element.text or ""):
        return ""
    return target[len("mailto:") :].partition("?")[0].strip()


def _marks(element: lxml.html.HtmlElement) -> str:
    return f"{element.get('class', '')} {element.get('id', '')}"[:500]


def _is_quote(element: lxml.html.HtmlElement) -> bool:
    if element.tag == "blockquote":
        return True
    return element.tag in ("div", "span") and bool(_QUOTES.search(_marks(element)))


def _is_skipped(element: lxml.html.HtmlElement) -> bool:
    return (
        element.tag in _SKIPPED
        or _is_signature(element)
        or bool(_HIDDEN.search(element.get("style", "")[:500]))
    )


def _is_signature(element: lxml.html.HtmlElement) -> bool:
    if element.tag not in ("div", "span", "pre", "table"):
        return False
    if str(element.get("id", "")).lower() in _SIGNATURE_IDS:
        return True
    smart = element.get("data-smartmail", "")
    return smart == "gmail_signature" or bool(_SIGNATURES.search(_marks(element)))


def _separates(element: lxml.html.HtmlElement) -> bool:
    """Say whether a rule is drawn here, as Outlook does above what it quotes."""
    if element.tag == "hr" or _HEADS.search(_marks(element)):
        return True
    return element.tag == "div" and bool(
        _TOP_BORDER.search(element.get("style", "")[:500])
    )
