"""`python -m tests.fuzz.queries --inputs 1000000`: OData's query options, fed with whatever reaches new code in them.

Whatever comes is read, or refused in the caller's words. What is read can be printed, read again, carried out over a
row and looked through for keys, and all of these agree.
"""

import atheris

from tests.fuzz.fuzzer import fuzz
from tests.support.odata_model import MODEL, PRODUCT, ROW

with atheris.instrument_imports():
    from batchyard.errors import NotSupported
    from batchyard.odata.query import constraints
    from batchyard.odata.query.errors import MalformedQuery
    from batchyard.odata.query.evaluation import predicate, value
    from batchyard.odata.query.options import Options, parse_options
    from batchyard.odata.query.printing import printed
    from tests.support.odata_model import parse_filter

OPTIONS = ["$filter", "$orderby", "$expand", "$select", "$top", "$filter", "$filter"]

_WORDS = """
( ) and or not eq ne gt in null true 'a' 'RedFlag' 1 -1 1.5 1e9 2024-02-29 T12:00:00Z /any( /all( l: l/Name $it/ asc
desc ID Sku Title Flag IsParent UpdateDateUtc Labels Attributes Children ChildProduct contains( tolower( length( floor(
year( substring( ($filter= ;$expand= $top= $select= Shop.Models.FlagType'1' datetime'2024-01-01'
"""
WORDS = [word.encode() for word in _WORDS.split()]

SEEDS = [
    b"0ID eq 1 or sku in ('a','b') and not (IsParent eq true)",
    b"0Labels/any(l: l/Name eq 'Sale' and l/ProductID eq ID) or Attributes/all(a: startswith(a/Value,'1'))",
    b"0UpdateDateUtc ge 2024-02-29T12:00:00.5+01:00 and year(UpdateDateUtc) lt 2025",
    b"0Flag eq Shop.Models.FlagType'1' or Flag in ('RedFlag',2) or Flag gt '0'",
    b"1Sku desc,length(Title),Flag",
    b"2Labels($filter=Name eq 'a';$select=Name;$top=1;$count=true),Children($expand=ChildProduct($select=Sku)),*",
    b"3Sku,Title,Labels",
    b"45",
]


def check(data: bytes) -> None:
    """Raises where a query does anything but what it should."""
    if not data:
        return
    name, text = OPTIONS[data[0] % 16 % len(OPTIONS)], data[1:].decode(errors="replace")
    try:
        options = parse_options([(name, text)], PRODUCT, MODEL)
    except MalformedQuery as error:
        if len(str(error)) > 300:
            raise AssertionError("a refusal that repeats too much") from error
        return
    except NotSupported:
        return
    _use(options)


def _use(options: Options) -> None:
    for order in options.orderby:
        value(order.expression)(ROW)
    condition = options.filter
    if condition is None:
        return
    text = printed(condition)
    again = parse_filter(text, PRODUCT, MODEL)
    if again != condition or printed(again) != text:
        raise AssertionError("printed it is read differently")
    if not predicate(condition)(ROW):
        return
    for name in ("ID", "Sku", "Flag", "IsParent"):
        values = constraints.values_of(condition, name)
        if values is not None and ROW[name] not in values:
            raise AssertionError("a row that fulfils it is left out")
    interval = constraints.interval_of(condition, "ID")
    if interval is not None and interval.empty:
        raise AssertionError("a row that fulfils it is left out")


if __name__ == "__main__":
    fuzz("the query options of OData", check, SEEDS, WORDS)
