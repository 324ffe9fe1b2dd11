"""Recognise where a signature begins. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: The longest signature that is believed where its mark is used for much else.
_MAX_LINES = 9
_MAX_WIDTH = 90

#: RFC 3676's mark, also without its space, and what people make of it.
_MARK = re.compile(r"^\s{0,3}(?:-- ?|__|—|––)\s*$")
_LOOSE_MARK = re.compile(
    r"^\s{0,3}(?:-{3,}|_{3,}|={3,}|\+{2,}|\*{3,}|[—–]{2,}|~{2,}|#{3,}|-{2,}\s?-{2,})\s*$"
)
_DEVICE = re.compile(
    r"^\W{0,4}(?:"
    r"sent (?:from|via|using|with|on|by)\s|sent (?:from )?an? |get \[?(?:outlook|bluemail|spark|\S+) for (?:ios|android|\S+)|download (?:outlook|\S+) for|"
    r"(?:von|aus) (?:meine\w* |unterwegs|mobil|\S+ ){1,6}(?:gesendet|gesandt|verschickt)|(?:diese nachricht wurde )?(?:gesendet|gesandt) (?:von|mit|über|aus) |"
    r"(?:holen sie sich )?outlook für |(?:envoy[ée]|exp[ée]di[ée]) (?:de(?:puis)?|[àa] partir|via|avec|du) |t[ée]l[ée]charge[rz] outlook|obtenez outlook|obtenir outlook|provenance : |"
    r"enviado (?:desde|de|do|por|a partir|pelo|con|através) |obtener outlook|obter o outlook|enviad[oa] via |"
    r"inviato (?:da|dal|con|tramite) |ottieni outlook|scarica outlook|"
    r"(?:verzonden|verstuurd|verstuurt) (?:vanaf|met|van|via|vanuit) |outlook (?:voor|downloaden)|"
    r"sendt (?:fra|via|med) |skickat (?:från|via|med) |skickades från |hent outlook|hämta outlook|f[åa] outlook|"
    r"l[äa]hetetty |hanki outlook|wys[łl]ane? (?:z|przy) |pobierz (?:aplikację )?outlook|odesl[áa]no (?:z|pomoc)|posl[áa]no z|k[üu]ldve |iphone-?om|trimis (?:de )?|отправлено (?:с|из) |пересла|надіслано |"
    r"iphone(?:'umdan|umdan|dan)? (?:gönderildi|から送信)|\S+ ?(?:から送信|tarafımdan gönderildi)|从我的|从 ?\S+ ?(?:发送|发自)|发自我?的?|發自|寄自|나의 .{1,20}(?:에서|로) ?(?:보냄|보낸)|"
    r"(?:this (?:message|e-?mail) was )?sent from my |connected by|sent using"
    r").{0,110}$",
    re.IGNORECASE,
)
#: "Sent from my phone. Please excuse typos." is one of these, though two sentences.
_EXCUSE = re.compile(
    r"excuse|typo|brevity|pardon|entschuldig|disculp|scus[ai]", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"[.,!?;] |[.!?]$| (?:is|are|was|were|will|you|we|much|because) "
)
_CLOSING = re.compile(
    r"^\s{0,4}(?:(?:with |many |mit |avec |best |kind(?:est)? |warm(?:est)? |very )?(?:(?:best|kind(?:est)?|warm(?:est)?|thanks? and|thanks &) )?regards|best wishes|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|"
    r"(?:mit )?(?:freundlichen?|besten?|vielen?|herzlichen?|lieben?|schönen?|sonnigen?) gr[üu](?:ß|ss)en?|mfg|(?:bien |très )?cordialement|(?:bien )?[àa] vous|salutations(?: \w+)?|meilleures salutations|(?:un )?(?:saludos?|cordial saludo)(?: \w+)?|atentamente|atenciosamente|"
    r"cordiali saluti|distinti saluti|met vriendelijke groet(?:en)?|mvg|(?:med )?vänliga hälsningar|(?:med )?venlig(?:e)? hilsen|mvh|ystävällisin terveisin|(?:z )?poważaniem|pozdrawiam|s pozdravem|с уважением|saygılarımla)\s*[,.!！，]{0,2}\s*$",
    re.IGNORECASE,
)


def is_device_line(line: str) -> bool:
    """Say whether a line is what a phone adds, such as "Sent from my iPhone"."""
    line = line.strip()
    if len(line) > 160 or not _DEVICE.match(line):
        return False
    if _EXCUSE.search(line):
        return True
    # A link may follow the words: Get Outlook for iOS<https://…>
    words = re.sub(r"[<(\[]?https?://\S+", "", line).strip().rstrip(".")
    return len(words.split()) <= 9 and not _SENTENCE.search(words)


def signature_at(lines: Sequence[str], number: int) -> bool:
    """Say whether the rest from here on is a signature."""
    line = lines[number]
    if len(line) > 120:
        return False
    if _MARK.match(line):
        return True
    if _LOOSE_MARK.match(line):
        return _looks_like_signature(lines[number + 1 :])
    if _CLOSING.match(line):
        rest = _said(lines[number + 1 : number + 30])
        # A name below it belongs to the answer; a name with a position or a number does not.
        return len(rest) >= 2 and _looks_like_signature(lines[number + 1 :])
    return False


def _said(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _looks_like_signature(lines: Sequence[str]) -> bool:
    rest = _said(lines[:60])
    if len(rest) > _MAX_LINES or any(_LOOSE_MARK.match(line) for line in rest):
        return False
    return not any(
        len(line) > _MAX_WIDTH
        or (len(line.split()) > 6 and line.endswith((".", "?", "!")))
        for line in rest
    )
