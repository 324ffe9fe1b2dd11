"""Tell machines from people by their user agent: crawlers, scanners, image proxies. Pure."""

from __future__ import annotations

import re

from crawleruseragents import is_crawler

#: Characters of an agent that are looked at.
MAX_AGENT = 1_000

#: What opens mails and follows their links for people, and what programs send. A browser
#: in a phone's mail program names it, so "Mail" or "Outlook" alone are people.
_MACHINES = re.compile(
    r"googleimageproxy|ggpht\.com|yahoomailproxy|yahoo! ?slurp|yahooexternalcache|mail\.ru_bot|seznamemailproxy|imageproxy|image proxy|mailproxy|"
    r"proofpoint|mimecast|barracuda|ironport|fireeye|trendmicro|trend micro|symantec|messagelabs|fortimail|fortiguard|fortinet|sophos|forcepoint|websense|mcafee|"
    r"bluecoat|zscaler|cisco ?umbrella|checkpoint|check point|avanan|abnormal ?security|ironscales|\bvade ?(?:secure)?\b|spamassassin|rspamd|mailscanner|safelinks|"
    r"urlscan|virustotal|phishtank|netcraft|cloudmark|agari|area1|bitdefender|kaspersky|kms_scan|hornetsecurity|spamtitan|antispam|linkscan|link ?check|"
    r"microsoft office existence discovery|microsoft office protocol discovery|"
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|"
    r"\b(?:bot|crawl(?:er|ing)?|spider|scraper|scanner|fetcher|preview|prefetch|monitor(?:ing)?|validator|checker|archiver|indexer)\b|"
    r"\w(?:bot|crawler|spider|scraper)\b|bot[/;)@]|\+https?://|"
    r"^(?:curl|wget|libwww|lwp|python|java|go-http|okhttp|axios|node|php|perl|ruby|guzzle|apache|http|requests|aiohttp|httpx|urllib|postman|insomnia|dart|winhttp|"
    r"libcurl|faraday|rest-client|restsharp|undici|got|superagent|mechanize|cfnetwork|unirest|typhoeus)\b",
    re.IGNORECASE,
)
#: Phones and tablets whose names end like those of crawlers.
_PHONES = re.compile(r"cubot", re.IGNORECASE)
_NAME = re.compile(r"[a-z]{3}", re.IGNORECASE)


def is_bot(agent: str) -> bool:
    """Say whether a machine sent a request; one that names itself by nothing is one."""
    agent = _PHONES.sub("phone", agent.strip()[:MAX_AGENT])
    if not _NAME.search(agent):
        return True
    # Mozilla/5.0 and no more is what programs send that want to look like a browser.
    if re.fullmatch(r"mozilla/\d\.\d(?: \(compatible;?\))?", agent, re.IGNORECASE):
        return True
    return bool(_MACHINES.search(agent)) or is_crawler(agent)
