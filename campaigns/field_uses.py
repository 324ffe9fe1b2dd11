"""Where a template uses which fields, read from its parsed Liquid. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from liquid import BoundTemplate, RenderContext
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from campaigns.sandbox import environment
from campaigns.templating import Source, compiled, parts

#: Whoever asks for a field in one of these knows that it may be blank.
_ASKING = (IfNode, UnlessNode, CaseNode, ConditionalBlockNode, MultiExpressionBlockNode)


def bare_fields(source: Source) -> set[str]:
    """Give the fields that leave a hole where they are blank.

    These are written outside of every condition that asks for them, and without the
    filter `default`. Raises InvalidInput.
    """
    static = RenderContext(BoundTemplate(environment(autoescape=False), []))
    return {
        path
        for part in parts(source)
        for path in _bare(compiled(source.name, part).nodes, frozenset(), static)
    }


def _bare(
    nodes: Iterable[Node], asked: frozenset[str], static: RenderContext
) -> Iterator[str]:
    for node in nodes:
        known = asked
        for expression in node.expressions():
            paths = frozenset(_paths(expression))
            if isinstance(node, _ASKING):
                known |= paths
            elif not _has_default(expression):
                yield from paths - known
        yield from _bare(node.children(static), known, static)


def _paths(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Path):
        yield str(expression)
    for child in expression.children():
        yield from _paths(child)


def _has_default(expression: Expression) -> bool:
    return isinstance(expression, FilteredExpression) and any(
        each.name == "default" for each in expression.filters or ()
    )
