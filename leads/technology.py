"""Recognise what a website is built with by the traces in its source. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Characters of a page that are looked at; each sign is looked for in all of them.
_LOOKED_AT = 300_000
#: What gives a site's maker away, looked for in the page's source.
_TECHNOLOGY = {
    "WordPress": r"/wp-(?:content|includes)/|generator\W+content=.WordPress",
    "Elementor": r"elementor-(?:element|widget|frontend)",
    "Divi": r"et_pb_section|/themes/Divi/",
    "WooCommerce": r"woocommerce(?:-page|\.min|/assets)",
    "Wix": r"static\.wixstatic\.com|static\.parastorage\.com|generator\W+content=.Wix",
    "Squarespace": r"static1?\.squarespace\.com|assets\.squarespace\.com",
    "Shopify": r"cdn\.shopify\.com",
    "Weebly": r"editmysite\.com",
    "Webflow": r"data-wf-(?:page|site)|website-files\.com|assets\.webflow\.com",
    "Duda": r"irp\.cdn-website\.com|dudaone|multiscreensite\.com",
    "GoDaddy Website Builder": r"img1\.wsimg\.com",
    "Jimdo": r"jimdo(?:static|\.com)|generator\W+content=.Jimdo",
    "Strikingly": r"strikinglycdn\.com",
    "Google Sites": r"sites\.google\.com|gstatic\.com/atari",
    "HubSpot": r"hs-scripts\.com|hubspotusercontent|generator\W+content=.HubSpot",
    "Joomla": r"generator\W+content=.Joomla|/media/(?:jui|system)/js/",
    "Drupal": r"generator\W+content=.Drupal|drupal-settings-json|/sites/default/files",
    "TYPO3": r"generator\W+content=.TYPO3|/typo3(?:conf|temp)/",
    "Ghost": r"generator\W+content=.Ghost",
    "Magento": r"/static/version\d+/frontend|Mage\.Cookies",
    "PrestaShop": r"generator\W+content=.PrestaShop|/modules/ps_",
    "ASP.NET": r"__VIEWSTATE|/WebResource\.axd",
    "React or Next.js": r"__NEXT_DATA__|data-reactroot|/_next/static",
    "Vue or Nuxt": r"__NUXT__|data-v-[0-9a-f]{8}|data-server-rendered",
    "Angular": r"ng-version=",
    "Bootstrap": r"bootstrap(?:\.bundle)?(?:\.min)?\.(?:css|js)",
    "Tailwind": r"tailwind(?:css)?(?:\.min)?\.(?:css|js)",
    "jQuery": r"jquery[.-][\d.]*(?:min\.)?js",
    "Google Analytics": r"googletagmanager\.com|google-analytics\.com",
    "Cloudflare": r"/cdn-cgi/|cdnjs\.cloudflare|static\.cloudflareinsights",
}
#: The same for what nobody builds with any more.
_OUTDATED = {
    "FrontPage": r"generator\W+content=.Microsoft FrontPage",
    "Dreamweaver templates": r"MM_preloadImages|InstanceBeginEditable",
    "Flash": r"\.swf\b|x-shockwave-flash",
    "frames": r"<frameset\b",
    "font tags": r"<font\b",
    "jQuery 1": r"jquery[.-]1\.\d",
    "scrolling text": r"<(?:marquee|blink)\b",
    "Universal Analytics": r"['\"]UA-\d{4,10}-\d",
    "hit counter": r"statcounter\.com/counter|hitwebcounter|freecounterstat",
    "old WordPress": r"generator\W+content=.WordPress [1-4]\.",
    "old Joomla": r"generator\W+content=.Joomla! 1\.",
}


def _compiled(signs: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile(sign, re.IGNORECASE | re.DOTALL)
        for name, sign in signs.items()
    }


_SIGNS, _OLD_SIGNS = _compiled(_TECHNOLOGY), _compiled(_OUTDATED)


def found_technology(source: str) -> list[str]:
    """Name what a page is built with."""
    head = source[:_LOOKED_AT]
    return [name for name, sign in _SIGNS.items() if sign.search(head)]


def found_outdated(source: str) -> list[str]:
    """Name what a page is built with that nobody builds with any more."""
    head = source[:_LOOKED_AT]
    return [name for name, sign in _OLD_SIGNS.items() if sign.search(head)]
