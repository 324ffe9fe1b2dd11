"""Read a page's microdata into the shape that its JSON-LD would have. Pure.

HTML standard, section 5.4: items, their types, properties by element, `itemref`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from lxml.html import HtmlElement

from leads.page_text import Steps, flow_text
from leads.pages import storable

#: Items read on one page, and items inside each other; real pages have some dozens.
_MAX_ITEMS, _MAX_DEPTH = 1_000, 20
#: Nodes walked for the properties of one page, and for the text of one of them. Tags
#: that nothing closes make each property hold all that follow.
_MAX_STEPS, _MAX_TEXT_STEPS = 100_000, 1_000
#: Which attribute says a property's value, by element.
_VALUE_ATTRIBUTES = {
    "meta": "content",
    "a": "href",
    "area": "href",
    "link": "href",
    "img": "src",
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "source": "src",
    "track": "src",
    "video": "src",
    "object": "data",
    "data": "value",
    "meter": "value",
    "time": "datetime",
}
_ADDRESSES = frozenset({"href", "src", "data"})


def read_microdata(page: HtmlElement, *, url: str = "") -> list[dict[str, Any]]:
    """Give the page's items that are no property of another one, in document order."""
    reader = _Reader(page, url)
    return [
        item
        for element in page.xpath("//*[@itemscope and not(@itemprop)]")[:_MAX_ITEMS]
        if (item := reader.item(element, 0))
    ]


class _Reader:
    """Reads the items of one page, never the same one inside itself."""

    def __init__(self, page: HtmlElement, url: str) -> None:
        self._page = page
        self._url = url
        self._left = _MAX_ITEMS
        self._steps = Steps(_MAX_STEPS)
        self._open: set[HtmlElement] = set()
        self._by_id: dict[str, HtmlElement] | None = None

    def item(self, element: HtmlElement, depth: int) -> dict[str, Any]:
        """Give an item as an object; empty when it says nothing or is out of bounds."""
        if element in self._open or depth > _MAX_DEPTH or self._left <= 0:
            return {}
        self._left -= 1
        self._open.add(element)
        values: dict[str, list[Any]] = {}
        for named in self._properties(element):
            value = self._value(named, depth)
            for name in named.get("itemprop", "").split():
                if value not in ("", None, {}):
                    values.setdefault(name.rpartition("/")[2] or name, []).append(value)
        self._open.discard(element)
        types = [storable(name) for name in (element.get("itemtype") or "").split()]
        item: dict[str, Any] = {}
        if types:
            item["@type"] = types[0] if len(types) == 1 else types
        if (element.get("itemid") or "").strip():
            item["@id"] = storable(element.get("itemid").strip())
        for name, found in values.items():
            item[name] = found[0] if len(found) == 1 else found
        return item

    def _properties(self, element: HtmlElement) -> Iterator[HtmlElement]:
        """Give the elements that are properties of this item and of none inside it."""
        roots = list(element)
        names = (element.get("itemref") or "").split()[:20]
        roots += [each for name in names if (each := self._element(name)) is not None]
        waiting = [root for root in reversed(roots) if isinstance(root.tag, str)]
        while waiting and self._steps.take():
            each = waiting.pop()
            if each.get("itemprop"):
                yield each
            if each.get("itemscope") is None:
                waiting += [c for c in reversed(each) if isinstance(c.tag, str)]

    def _element(self, name: str) -> HtmlElement | None:
        """Give the first element of this id."""
        if self._by_id is None:
            self._by_id = {}
            for element in self._page.xpath("//*[@id]"):
                self._by_id.setdefault(element.get("id"), element)
        return self._by_id.get(name)

    def _value(self, element: HtmlElement, depth: int) -> Any:
        if element.get("itemscope") is not None:
            return self.item(element, depth + 1)
        # Sites put `content` on any element, and mean it.
        if element.tag == "input" and element.get("content") is None:
            return _constraint(element)
        name = _VALUE_ATTRIBUTES.get(element.tag, "content")
        value = element.get("content") or element.get(name)
        if value is None:
            return self._text(element)
        value = storable(value).strip()
        if name in _ADDRESSES and value == (element.get(name) or "").strip():
            return self._address(value)
        return value

    def _text(self, element: HtmlElement) -> str:
        steps = Steps(min(_MAX_TEXT_STEPS, max(self._steps.left, 0)))
        before = steps.left
        text = storable(flow_text(element, steps=steps))
        self._steps.left -= before - max(steps.left, 0)
        return text

    def _address(self, value: str) -> str:
        try:
            return urljoin(self._url, value)
        except ValueError:
            return value


def _constraint(field: HtmlElement) -> str:
    """Give what a form's field says of an action's input, as its JSON-LD would.

    schema.org, "Potential Actions": `<input itemprop="query-input" name="q" required>`
    is `"query-input": "required name=q"`.
    """
    if not field.get("name"):
        return storable(field.get("value") or "").strip()
    told = ["required"] if field.get("required") is not None else []
    told.append(f"name={field.get('name')}")
    told += [
        f"{name}={value}"
        for name in ("maxlength", "pattern")
        if (value := field.get(name))
    ]
    return storable(" ".join(told))
