"""The box that templates run in: few tags and filters, each held to time and size.

Nothing in a template reaches Python objects, files or other templates. Time is the
thread's own CPU time, so that a busy machine refuses no good mail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext, StrictUndefined
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank, RangeLiteral, StringLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import ResourceLimitError
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG, Token

from campaigns.slots import MOST_SLOTS, SLOT_CHARS, without_slots, written
from campaigns.spintax import choose

MAX_OUTPUT_BYTES = 200_000
#: CPU seconds for all texts of one mail together.
MAX_SECONDS = 0.5
#: Turns of one loop, and of loops in loops multiplied.
MAX_TURNS = 1000
#: What one filter may be given: characters, or items of a list.
_MAX_CHARS = 100_000
_MAX_ITEMS = 1000
_MAX_NUMBER = 10**15
#: `raw` is the lexer's own; the last three are what the library calls texts and fields.
_TAGS = """
    assign break capture case comment continue doc echo for if unless #
    content output illegal
""".split()
_FILTERS = """
    abs append at_least at_most capitalize ceil date default divided_by downcase escape
    first floor join last lstrip minus modulo newline_to_br plus prepend remove
    remove_first replace replace_first round rstrip size slice split squish strip
    strip_newlines times truncate truncatewords upcase url_encode
""".split()

_deadline: ContextVar[float] = ContextVar("template_deadline")
_seed: ContextVar[bytes] = ContextVar("template_seed")


class TooMuch(ResourceLimitError):
    """Raised when a template asks for too much, or its time is over."""


class TooSlow(TooMuch):
    """Raised when a template's time is over."""


@contextmanager
def limits(seed: bytes, seconds: float = MAX_SECONDS) -> Iterator[None]:
    """Give the texts of one mail their time, and the seed that decides spintax."""
    deadline = _deadline.set(time.thread_time() + seconds)
    seeded = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(seeded)
        _deadline.reset(deadline)


@lru_cache(maxsize=2)
def environment(autoescape: bool) -> Environment:
    """Give the box; with `autoescape` values are escaped for HTML."""
    made = _Environment(
        undefined=StrictUndefined, autoescape=autoescape, strict_filters=True
    )
    for name in set(made.tags) - set(_TAGS):
        del made.tags[name]
    made.add_tag(_SpinTag)
    made.add_tag(_OutputTag)
    # Among those left out: `safe`, which would let a lead's name through unescaped.
    made.filters = {name: _Guarded(made.filters[name]) for name in _FILTERS}
    return made


def settle(template: BoundTemplate) -> bool:
    """Make blank mean nothing, too; False when a range could be endless.

    Nothing (nil) isn't blank to the library, so `{% if lead.city != blank %}` would
    hold for a lead without a city; '' is made to mean the same. A range has to be
    written in numbers that lie less than MAX_TURNS apart, since a reversed one is built
    in memory before anything could stop it.
    """
    for expression in _expressions(template.nodes):
        if isinstance(expression, (EqExpression, NeExpression)):
            expression.left = _blank_or(expression.left)
            expression.right = _blank_or(expression.right)
        elif isinstance(expression, RangeLiteral) and _is_too_long(expression):
            return False
    return True


class _Blank(Blank):
    """Liquid's `blank`, of which nothing is one."""

    def __eq__(self, other: object) -> bool:
        return other is None or super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def _blank_or(expression: Expression) -> Expression:
    is_blank = isinstance(expression, Blank) or (
        isinstance(expression, StringLiteral) and not expression.value.strip()
    )
    return _Blank(expression.token) if is_blank else expression


def _is_too_long(expression: RangeLiteral) -> bool:
    try:
        first, last = int(str(expression.start)), int(str(expression.stop))
    except ValueError:
        return True
    return last - first >= MAX_TURNS


def _expressions(nodes: Iterable[Node]) -> Iterator[Expression]:
    static = RenderContext(BoundTemplate(environment(autoescape=False), []))
    waiting: list[Node] = list(nodes)
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children(static))
        found = list(node.expressions())
        while found:
            expression = found.pop()
            found.extend(expression.children())
            yield expression


def _check_time() -> None:
    if time.thread_time() > _deadline.get():
        raise TooSlow(f"more than {MAX_SECONDS:g} seconds", token=None)


class _Context(RenderContext):
    """Looks at the clock at each turn of a loop and at each assignment."""

    __slots__ = ()

    def assign(self, key: str, val: Any) -> None:
        _check_time()
        if isinstance(val, str):  # A captured text: filters take what stands there.
            val = type(val)(without_slots(val))
        super().assign(key, val)

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Any:
        _check_time()
        forloop.it = _timed(forloop.it)
        with super().loop(namespace, forloop) as context:
            yield context


def _timed(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        _check_time()
        yield item


class _Template(BoundTemplate):
    context_class = _Context


class _Environment(Environment):
    template_class = _Template
    loop_iteration_limit = MAX_TURNS
    local_namespace_limit = 100_000
    output_stream_limit = MAX_OUTPUT_BYTES + MOST_SLOTS * SLOT_CHARS
    context_depth_limit = 10
    block_nesting_limit = 10


class _Guarded:
    """A filter that looks at the clock and at the size of its work first."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        wraps(function)(self)
        # The library asks for these attributes of a filter.
        for mark in ("with_context", "with_environment"):
            if hasattr(function, mark):
                setattr(self, mark, getattr(function, mark))

    def __call__(self, left: object, *args: object, **kwargs: object) -> object:
        _check_time()
        work = 1
        for operand in (left, *args):
            work *= _size_of(operand)
        if work > _MAX_CHARS:
            raise TooMuch("a text or list is too long", token=None)
        return self._function(left, *args, **kwargs)


def _size_of(operand: object) -> int:
    if isinstance(operand, (int, float)):
        if abs(operand) > _MAX_NUMBER:
            raise TooMuch("a number is too large", token=None)
        return 1
    if isinstance(operand, str):
        return max(len(operand), 1)
    if isinstance(operand, (list, tuple, range)):
        if len(operand) > _MAX_ITEMS:
            raise TooMuch("a list is too long", token=None)
        return max(len(operand), 1)
    return 1


class _OutputNode(OutputNode):
    """A value: written out, or into a slot while those are open."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        return buffer.write(written(to_liquid_string(value, context.autoescape)))


class _OutputTag(Output):
    node_class = _OutputNode


class _SpinNode(Node):
    """Spintax: the option that the seed chooses."""

    __slots__ = ("key", "options")

    def __init__(self, token: Token, key: str, options: list[BlockNode]) -> None:
        super().__init__(token)
        self.key = key
        self.options = options
        # The library leaves out blocks of blanks alone; here a blank is an option.
        for node in (self, *options):
            node.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        chosen = choose(self.key, _seed.get(), len(self.options))
        return self.options[chosen].render(context, buffer)

    def children(self, *_: object, **__: object) -> Iterable[Node]:
        return self.options


class _SpinTag(Tag):
    """What `spintax.rewrite` makes of braces: `{% spin key %}a{% or %}b{% endspin %}`."""

    name = "spin"
    end = "endspin"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        key = stream.eat(TOKEN_EXPRESSION).value.strip()
        parse_block = get_parser(self.env).parse_block
        options = [parse_block(stream, ("or", "endspin"))]
        while stream.current.is_tag("or"):
            next(stream)
            options.append(parse_block(stream, ("or", "endspin")))
        stream.expect(TOKEN_TAG, value="endspin")
        return _SpinNode(token, key, options)
