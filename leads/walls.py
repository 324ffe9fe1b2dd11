"""Tell a page from what stands in its place: walls, challenges, shells, parked names. Pure.

Many of them come with status 200 and would read as a site with nothing on it.
"""

from __future__ import annotations

import re

#: Characters of visible text from which a page is more than a wall.
_WALL_TEXT = 2_500
#: Characters of source beyond which no wall is looked for.
LONGEST_WALL = 400_000
#: Titles that only walls have.
_WALL_TITLES = re.compile(
    r"^\s*(?:just a moment|attention required!|access (?:to this page has been )?denied"
    r"|access denied|please wait\W|one moment, please|checking your browser|ddos.guard"
    r"|security check\b|are you (?:a )?(?:human|robot)|robot (?:or human|check)"
    r"|human verification|verify(?:ing)? (?:you are|that you are|you're) (?:a )?human"
    r"|pardon our interruption|request (?:blocked|rejected|unsuccessful)|you have been blocked"
    r"|blocked\s*$|captcha\b|bot verification|401 |403 |forbidden\s*$|error 40[13]\b"
    r"|429 |too many requests|sucuri website firewall|radware|unusual traffic|vercel security checkpoint"
    r"|mak(?:e|ing) sure you(?:'|\u2019)re not a bot"
    r"|error: the request could not be satisfied)",
    re.IGNORECASE,
)
#: Sentences and marks that walls have in their few words or in their source.
_WALL_WORDS = re.compile(
    r"checking (?:if the site connection is secure|your browser before)"
    r"|enable javascript and cookies to continue|complete the security check to access"
    r"|verify(?:ing)? (?:you are|that you are|you're) (?:a )?human|press (?:&|and) hold"
    r"|sorry, you have been blocked|(?:ip|access|request) (?:address )?(?:has been|was|is)"
    r" (?:temporarily )?(?:blocked|denied)"
    r"|automated (?:access|queries|requests|traffic)|unusual traffic from your"
    r"|you don't have permission to access .{1,200} on this server"
    r"|not available in your (?:region|country|location)"
    r"|incapsula incident id|pardon our interruption|are you a (?:human|robot)\?"
    r"|access to (?:this|the) (?:web ?)?(?:site|page) has been (?:limited|restricted|denied)"
    r"|your access to this (?:site|service) has been limited",
    re.IGNORECASE | re.DOTALL,
)
#: What walls say in other languages than English: that access is denied, or that the
#: reader has to show to be human. Only short pages are asked.
_FOREIGN_WALL = re.compile(
    r"zugriff (?:verweigert|gesperrt)|acc[eè]s (?:refus|interdit)|acceso denegado"
    r"|accesso negato|acesso negado|toegang geweigerd|odmowa dostępu|åtkomst nekad"
    r"|erişim engellendi|доступ (?:запрещ|огранич)|アクセスが(?:拒否|制限)|访问被(?:拒绝|阻止)"
    r"|存取遭拒|액세스가 거부"
    r"|(?:kein|nicht ein) roboter|dass sie ein mensch|que vous êtes (?:bien )?(?:un )?humain"
    r"|pas un robot|(?:confirm|verif|comprueb|demuestr)\w*[^.]{0,30} human[oa]"
    r"|no (?:eres|es|soy) un robot|non sei un robot|(?:conferm|verific)\w*[^.]{0,30} uman[oa]"
    r"|n[aã]o é um rob[oôó]|geen robot|nie jesteś robotem|inte en robot|robot olmad"
    r"|не робот|ロボットではない|不是机器人|不是機器人|로봇이 아닙",
    re.IGNORECASE,
)
_FOREIGN_TEXT = 600
#: A place for a test that people have to pass. Contact forms have one too, so the page
#: has to say as well what it is for.
_TEST_PLACE = re.compile(
    r"class=[\"']?[^\"'>]{0,100}\b(?:h-captcha|g-recaptcha|cf-turnstile|frc-captcha)\b"
    r"|arkoselabs\.com/",
    re.IGNORECASE,
)
_TEST_WORDS = re.compile(
    r"\b(?:verify|confirm|prove|check|make sure|know)(?:ing)?\b[^.]{0,40}"
    r"\b(?:human|robot|bot|real person)\b|\bnot a (?:ro)?bot\b|\banti-?bot\b",
    re.IGNORECASE,
)
_WALL_MARKS = re.compile(
    r"_cf_chl_opt|cf-challenge|cf_chl_|/cdn-cgi/challenge-platform/h/[bg]/orchestrate"
    r"|window\.KPSDK|/\.well-known/sgcaptcha|captcha-delivery\.com|px-captcha|_Incapsula_Resource|awswaf\.com/.{0,200}challenge"
    r"|challenge-container|ddos-guard|geo\.captcha|sec-if-cpt-container",
    re.IGNORECASE,
)
#: Nothing was painted: an empty place for a script's own page.
_SHELL = re.compile(
    r"<(?:div|main|app-root)[^>]{0,300}\bid=[\"']?(?:root|app|__next|__nuxt|gatsby-focus-wrapper"
    r"|main-app|site-root)[\"']?[^>]{0,300}>\s*</|<app-root[^>]{0,300}>\s*</app-root>",
    re.IGNORECASE,
)
_SHELL_TEXT = 200
_PARKED = re.compile(
    r"(?:this )?domain (?:name )?(?:is|may be) for sale|buy this domain"
    r"|domain (?:is )?parked|parked (?:free|domain)|this (?:web ?)?page is parked"
    r"|sedoparking|parkingcrew|future home of something quite cool"
    r"|account (?:has been )?suspended|website coming soon|default web page"
    r"|apache2 (?:ubuntu|debian) default page|welcome to nginx!|it works!$"
    r"|index of /\s",
    re.IGNORECASE,
)
_PARKED_TEXT = 1_500


def find_wall(source: str, *, title: str, text: str) -> str:
    """Say which wall stands in place of the page, empty for a page."""
    if len(text) > _WALL_TEXT or len(source) > LONGEST_WALL:
        return ""
    words = _WALL_WORDS.search(text)
    if _WALL_TITLES.match(title):
        return f"A block page came in place of the page: {_short(title)!r}."
    if words:
        return f"A block page came in place of the page: {_short(words[0])!r}."
    if len(text) < _FOREIGN_TEXT and (
        foreign := _FOREIGN_WALL.search(f"{title}\n{text}")
    ):
        return f"A block page came in place of the page: {_short(foreign[0])!r}."
    if (
        len(text) < _FOREIGN_TEXT
        and _TEST_PLACE.search(source)
        and (words := _TEST_WORDS.search(text))
    ):
        return f"A test for robots came in place of the page: {_short(words[0])!r}."
    if len(text) < _WALL_TEXT / 2 and (mark := _WALL_MARKS.search(source)):
        return f"A test for robots came in place of the page ({_short(mark[0])})."
    return ""


def is_shell(source: str, *, text: str) -> bool:
    """Say whether the page is empty until a browser runs its scripts."""
    if len(text) >= _SHELL_TEXT:
        return False
    return bool(_SHELL.search(source)) or (
        "<script" in source.lower() and len(text) < 20 and len(source) > 500
    )


def is_parked(*, title: str, text: str) -> bool:
    """Say whether a host's own page stands where the site was or will be."""
    if len(text) > _PARKED_TEXT:
        return False
    return bool(_PARKED.search(f"{title} {text}"))


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:80]
