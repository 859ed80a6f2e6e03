"""Filters of all kinds with what they mean, said once more and as plainly as can be.

A meaning is a tuple: `("compare", "eq", ("path", "", ("ID",)), ("value", 3))`. It is made together with the text, or
read from it by another parser, and evaluated by the standard's sentences one by one.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st
from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from tests.support.odata_model import DAY, FLAG

type Meaning = tuple[Any, ...]
type Text = tuple[str, Meaning]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STRINGS = ["", "a", "A", "ab", "b", "it's", " a", "é", "𝄞b", "Sku eq 'a' or (", "13M"]
WHOLE = [-2, -1, 0, 1, 2, 3, 7, 2**31 - 1]
DECIMALS = ["-1.5", "-0.5", "0.0", "0.5", "1.0", "2.5", "1e2", "3.0"]
MOMENTS = ["1969-12-31T23:59:59.5Z", "1970-01-01", "2024-02-29T12:30:00", "2024-03-01T01:00:00+02:00"]
MEMBERS = list(FLAG.members)

# What the tuples mean.


def means(meaning: Meaning, row: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> Any:
    """What a meaning comes to for a row: null is None, members of enumerations are their numbers."""
    kind, *parts = meaning
    match kind:
        case "value":
            return parts[0]
        case "path":
            return _reached(item if parts[0] else row, parts[1])
        case "call":
            return _called(parts[0], [means(part, row, item) for part in parts[1]])
        case "compare":
            return _compared(parts[0], means(parts[1], row, item), means(parts[2], row, item))
        case "in":
            return any(_compared("eq", means(parts[0], row, item), means(one, row, item)) for one in parts[1])
        case "and":
            both = [means(part, row, item) for part in parts]
            return False if False in both else None if None in both else True
        case "or":
            both = [means(part, row, item) for part in parts]
            return True if True in both else None if None in both else False
        case "not":
            inner = means(parts[0], row, item)
            return None if inner is None else not inner
        case "any" | "all":
            entities = _reached(row, parts[0]) or []
            if parts[1] is None:
                return len(entities) > 0
            each = [means(parts[1], row, entity) is True for entity in entities]
            return True in each if kind == "any" else False not in each
    raise AssertionError(kind)


def _reached(row: Mapping[str, Any] | None, names: tuple[str, ...]) -> Any:
    found: Any = row
    for name in names:
        found = None if found is None else found.get(name)
    return FLAG.members[found] if names[-1] == "Flag" and found is not None else found


def _compared(operator: str, left: Any, right: Any) -> bool:
    equal = (left is None and right is None) if left is None or right is None else left == right
    known = left is not None and right is not None
    return {
        "eq": equal,
        "ne": not equal,
        "gt": known and left > right,
        "lt": known and left < right,
        "ge": equal or (known and left > right),
        "le": equal or (known and left < right),
    }[operator]


def _called(name: str, given: list[Any]) -> Any:
    if None in given:
        return None
    first = given[0]
    match name:
        case "startswith":
            return first[: len(given[1])] == given[1]
        case "endswith":
            return given[1] == "" or first[-len(given[1]) :] == given[1]
        case "contains":
            return any(first[at : at + len(given[1])] == given[1] for at in range(len(first) + 1))
        case "indexof":
            hits = [at for at in range(len(first) + 1) if first[at : at + len(given[1])] == given[1]]
            return hits[0] if hits else -1
        case "tolower" | "toupper" | "trim":
            return {"tolower": first.lower(), "toupper": first.upper(), "trim": first.strip()}[name]
        case "length":
            return sum(1 for _ in first)
        case "substring":
            begin = max(0, int(given[1]))
            end = begin + max(0, int(given[2])) if len(given) == 3 else len(first)
            return "".join(character for at, character in enumerate(first) if begin <= at < end)
        case "date":
            return (first // DAY) * DAY
        case "floor" | "ceiling":
            return {"floor": math.floor(first), "ceiling": math.ceil(first)}[name]
        case "round":
            return int(math.copysign(math.floor(abs(first) + 0.5), first))
    moment = EPOCH + timedelta(microseconds=first)
    return getattr(moment, name)


# Texts with their meanings.


@cache
def _in_some_case(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from([word, word.lower(), word.upper(), word.swapcase()])


@cache
def _path(variable: str, *names: str) -> st.SearchStrategy[Text]:
    spelled = st.tuples(*map(_in_some_case, [variable, *names] if variable else names)).map("/".join)
    return spelled.map(lambda text: (text, ("path", variable, names)))


@cache
def _paths(*names: str) -> st.SearchStrategy[Text]:
    """One of some properties: of the entity of the collection, where only that has them, else of the row."""
    return st.one_of([_path("v" if name in ("Name", "Value") else "", name) for name in names])


def quoted(value: str) -> str:
    """A string as OData writes it."""
    return "'" + value.replace("'", "''") + "'"


def _value(text: str, value: Any) -> Text:
    return text, ("value", value)


def micros(text: str) -> int:
    """Microseconds since the Unix epoch, as the standard library reads a moment."""
    moment = datetime.fromisoformat(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


_NULL = _in_some_case("null").map(lambda text: _value(text, None))


def _call(name: str, *arguments: st.SearchStrategy[Text]) -> st.SearchStrategy[Text]:
    def made(drawn: tuple[Any, ...]) -> Text:
        spelled, blank, *given = drawn
        texts, meanings = [text for text, _ in given], tuple(meaning for _, meaning in given)
        return f"{spelled}{blank}({f',{blank}'.join(texts)})", ("call", name, meanings)

    return st.tuples(_in_some_case(name), st.sampled_from(["", " "]), *arguments).map(made)


@cache
def _strings(in_lambda: bool, deep: int = 2) -> st.SearchStrategy[Text]:
    literal = st.sampled_from(STRINGS).map(lambda value: _value(quoted(value), value))
    plain = _paths("Sku", "Title", "Name") if in_lambda else _paths("Sku", "Title")
    kinds = [plain, plain, literal, literal, _NULL]
    if deep:
        inner = _strings(in_lambda, deep - 1)
        kinds += [_call(name, inner) for name in ("tolower", "toupper", "trim")]
        kinds += [_call("substring", inner, _whole(-1, 3)), _call("substring", inner, _whole(-1, 3), _whole(-1, 3))]
    return st.one_of(kinds)


@cache
def _whole(least: int, most: int) -> st.SearchStrategy[Text]:
    return st.integers(least, most).map(lambda value: _value(str(value), value))


@cache
def _numbers(in_lambda: bool, portable: bool, deep: int = 1) -> st.SearchStrategy[Text]:
    plain = _paths("ID", "Cost", "Length", "Weight", "TotalQuantity")
    whole = st.sampled_from(WHOLE).map(lambda value: _value(str(value), value))
    suffixed = st.tuples(st.sampled_from(DECIMALS), st.sampled_from(["", "M", "d"] if not portable else [""]))
    decimal = suffixed.map(lambda drawn: _value("".join(drawn), float(drawn[0])))
    kinds = [plain, plain, whole, whole, decimal, _NULL]
    if deep:
        inner = _numbers(in_lambda, portable, deep - 1)
        kinds += [_call(name, inner) for name in ("floor", "ceiling", "round")]
        kinds += [
            _call("length", _strings(in_lambda, 1)),
            _call("indexof", _strings(in_lambda, 0), _strings(in_lambda, 0)),
        ]
        parts = ("year", "month", "day", "hour", "minute", "second")
        kinds.append(st.one_of([_call(name, _moments(in_lambda, portable)) for name in parts]))
    return st.one_of(kinds)


@cache
def _moments(in_lambda: bool, portable: bool) -> st.SearchStrategy[Text]:
    plain = _paths("UpdateDateUtc")
    written = ["{}"] if portable else ["{}", "datetime'{}'", "DateTimeOffset'{}'"]
    literal = st.tuples(st.sampled_from(MOMENTS), st.sampled_from(written)).map(
        lambda drawn: _value(drawn[1].format(drawn[0]), micros(drawn[0]))
    )
    return st.one_of(plain, plain, literal, literal, _NULL, _call("date", st.one_of(plain, literal)))


@st.composite
def _members(draw: st.DrawFn, in_lambda: bool) -> Text:
    plain = _paths("Flag")
    name = draw(st.sampled_from(MEMBERS))
    number = FLAG.members[name]
    text = draw(st.sampled_from([quoted(name), quoted(name.upper()), quoted(str(number)), str(number)]))
    qualified = draw(st.sampled_from([f"Shop.Models.FlagType'{name}'", f"shop.models.flagtype'{number}'"]))
    # A name or a number alone has no enumeration to be compared in but that of the other side.
    return draw(st.one_of(plain, st.sampled_from([_value(text, number), _value(qualified, number)]), _NULL))


@cache
def _truths(in_lambda: bool) -> st.SearchStrategy[Text]:
    constant = st.sampled_from([("true", True), ("FALSE", False)]).map(lambda drawn: _value(*drawn))
    pair = (_strings(in_lambda, 1), _strings(in_lambda, 1))
    calls = [_call(name, *pair) for name in ("startswith", "endswith", "contains")]
    return st.one_of(_paths("IsParent"), constant, _NULL, *calls)


@st.composite
def _comparisons(draw: st.DrawFn, in_lambda: bool, portable: bool) -> Text:
    sides: list[st.SearchStrategy[Text]] = [
        _strings(in_lambda),
        _numbers(in_lambda, portable),
        _moments(in_lambda, portable),
        _truths(in_lambda),
    ]
    left = side = draw(st.sampled_from(sides))
    if not portable and draw(st.integers(0, 4)) == 0:
        left, side = _paths("Flag"), _members(in_lambda)
    (one, one_means), (other, other_means) = draw(left), draw(side)
    operator = draw(st.sampled_from(["eq", "eq", "ne", "gt", "ge", "lt", "le"]))
    spelled = operator if portable else draw(_in_some_case(operator))
    return f"{one} {spelled} {other}", ("compare", operator, one_means, other_means)


@st.composite
def _lists(draw: st.DrawFn, in_lambda: bool) -> Text:
    texts = st.sampled_from(STRINGS).map(lambda value: _value(quoted(value), value))
    numbers = st.sampled_from(WHOLE).map(lambda value: _value(str(value), value))
    side, values = draw(st.sampled_from([(_strings(in_lambda), texts), (_numbers(in_lambda, True), numbers)]))
    text, meaning = draw(side)
    # Another parser reads brackets around one value as brackets.
    chosen = draw(st.lists(values | _NULL, min_size=2, max_size=4))
    return f"{text} in ({','.join(one for one, _ in chosen)})", ("in", meaning, [one for _, one in chosen])


@st.composite
def _lambdas(draw: st.DrawFn, portable: bool) -> Text:
    collection = draw(st.sampled_from(["Labels", "Attributes"]))
    operator = draw(st.sampled_from(["any", "any", "all"]))
    spelled = collection if portable else draw(_in_some_case(collection))
    if operator == "any" and draw(st.integers(0, 5)) == 0:
        return f"{spelled}/any()", ("any", (collection,), None)
    text, meaning = draw(filters(portable=portable, in_lambda=True, deep=1))
    blank = "" if portable else draw(st.sampled_from(["", " "]))
    return f"{spelled}/{operator}{blank}({blank}v:{blank}{text}{blank})", (operator, (collection,), meaning)


@st.composite
def filters(draw: st.DrawFn, *, portable: bool = False, in_lambda: bool = False, deep: int = 3) -> Text:
    """Filters of the test's model, with what they mean.

    Args:
        draw: Hypothesis's.
        portable: They keep to what another parser reads, too: no enumerations, no types of old versions, one spelling.
        in_lambda: They stand in a lambda whose variable is `v`.
        deep: How deep they are, at most.
    """
    kind = draw(st.integers(0, 9)) if deep else 0
    if kind < 4:
        return draw(_comparisons(in_lambda, portable))
    if kind == 4:
        return draw(_lists(in_lambda))
    if kind == 5:
        return draw(_truths(in_lambda))
    if kind == 6 and not in_lambda:
        return draw(_lambdas(portable))
    inner = filters(portable=portable, in_lambda=in_lambda, deep=deep - 1)
    if kind in (6, 7):
        text, meaning = draw(inner)
        return f"not ({text})", ("not", meaning)
    operator = draw(st.sampled_from(["and", "or"]))
    parts = draw(st.lists(inner, min_size=2, max_size=3))
    spelled = operator if portable else draw(_in_some_case(operator))
    return f" {spelled} ".join(f"({text})" for text, _ in parts), (operator, *(meaning for _, meaning in parts))


def _sometimes_null[T](values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(values, values, values, st.none())


_TEXTS = st.sampled_from(STRINGS)
_FLOATS = st.sampled_from([float(one) for one in DECIMALS])

rows: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "ID": st.sampled_from(WHOLE),
        "Sku": _sometimes_null(_TEXTS),
        "Title": _sometimes_null(_TEXTS),
        "Flag": st.sampled_from(MEMBERS),
        "Cost": _sometimes_null(_FLOATS),
        "Length": st.none(),
        "Weight": _sometimes_null(_FLOATS),
        "TotalQuantity": _sometimes_null(st.sampled_from(WHOLE)),
        "IsParent": _sometimes_null(st.booleans()),
        "UpdateDateUtc": _sometimes_null(st.sampled_from([micros(one) for one in MOMENTS] + [0, 1, -1])),
        "Labels": st.lists(st.fixed_dictionaries({"ProductID": st.just(1), "Name": _TEXTS}), max_size=3),
        "Attributes": st.lists(
            st.fixed_dictionaries({"ProductID": st.just(1), "Name": _TEXTS, "Value": _sometimes_null(_TEXTS)}),
            max_size=3,
        ),
    }
)
"""Rows of the test's model, of so few values that filters often meet them."""

# What another parser reads.


def read_by_another(text: str) -> Meaning:
    """What a portable filter means by the parser of `odata-query`."""
    return _of(ODataParser().parse(ODataLexer().tokenize(text)))


_OPERATORS = {ast.Eq: "eq", ast.NotEq: "ne", ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le"}


def _of(node: Any) -> Meaning:
    match node:
        case ast.Null():
            return ("value", None)
        case ast.Date() | ast.DateTime():
            return ("value", micros(node.val))
        case ast.Integer() | ast.Float() | ast.Boolean() | ast.String():
            return ("value", node.py_val)
        case ast.Identifier():
            return ("path", "", (node.name,))
        case ast.Attribute():
            owner: Any = node.owner
            return ("path", owner.name, (node.attr,))
        case ast.Call():
            return ("call", node.func.name.lower(), tuple(map(_of, node.args)))
        case ast.Compare(ast.In(), left, right):
            values: Any = right
            return ("in", _of(left), [_of(one) for one in values.val])
        case ast.Compare():
            return ("compare", _OPERATORS[type(node.comparator)], _of(node.left), _of(node.right))
        case ast.BoolOp():
            return ("and" if isinstance(node.op, ast.And) else "or", _of(node.left), _of(node.right))
        case ast.UnaryOp(ast.Not(), operand):
            return ("not", _of(operand))
        case ast.UnaryOp(ast.USub(), operand):
            return ("value", -_of(operand)[1])
        case ast.CollectionLambda():
            owner = node.owner
            predicate = None if node.lambda_ is None else _of(node.lambda_.expression)
            return ("any" if isinstance(node.operator, ast.Any) else "all", (owner.name,), predicate)
    raise AssertionError(node)
