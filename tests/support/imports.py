"""Imports of product files without a store: the whole way from bytes to a catalogue in memory, as a job goes it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchyard.catalogue.rules import Product
from batchyard.product_files import claims, planning
from batchyard.product_files.claims import Claim
from batchyard.product_files.columns import Shape
from batchyard.product_files.counting import Operations
from batchyard.product_files.error_rows import ErrorRows
from batchyard.product_files.faults import RowError, Unreadable
from batchyard.product_files.gathering import gather
from batchyard.product_files.header import Header, no_rows, read_header
from batchyard.product_files.parsing import Given, Known, Parser
from batchyard.product_files.planning import Making, Plan
from batchyard.product_files.reading import Row
from batchyard.product_files.rows import Layout, Names, shape_of

DIGITS = {"eur": 2, "usd": 2, "jpy": 0, "kwd": 3, "clf": 4}


def steps(data: bytes, header: Header, size: int) -> Iterator[Row]:
    """The rows of a file, read in steps of some bytes; of more where a row needs more."""
    position, length = header.beginning, size
    while True:
        end = position.byte + length
        reader = header.reader([data[position.byte : end]], position, is_last=end >= len(data))
        yield from reader
        if end >= len(data):
            return
        length = size if reader.position.byte > position.byte else 2 * length
        position = reader.position


@dataclass
class Outcome:
    """What became of an import."""

    status: str
    errors: list[RowError]
    operations: Operations
    notices: int = 0
    error_file: str = ""


@dataclass
class Catalogue:
    """A catalogue in memory."""

    products: dict[str, Product] = field(default_factory=dict)
    stock: dict[int, dict[int, int]] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=lambda: {"North America": "usd", "A[1]; B": "eur"})
    collections: frozenset[str] = frozenset({"shoes", "hats; caps"})
    sales_channels: Mapping[str, str] = field(default_factory=lambda: {"sc_1": "Web", "sc_2": "Shop, big"})
    moment: int = 1
    entities: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def known(self) -> Known:
        return Known(DIGITS.get, self.regions, self.collections, self.sales_channels)

    def by_handle(self, handle: str) -> Product:
        [found] = [product for product in self.products.values() if product.handle == handle]
        return found

    def variant_id(self, sku: str) -> str:
        [found] = [one.id for product in self.products.values() for one in product.variants if one.sku == sku]
        return found

    def export(self, **options: bool) -> bytes:
        """All products as a file."""
        layout = Layout(**options)
        names = Names(
            {handle: f"Title of {handle}" for handle in self.collections},
            {id: (name, "About it") for id, name in self.sales_channels.items()},
            DIGITS.__getitem__,
        )
        stock = {entity: sum(centres.values()) for entity, centres in self.stock.items()}
        records = [layout.record(product, stock, names) for product in self.products.values()]
        shape = Shape()
        for record in records:
            shape = shape.merged(shape_of(record))
        return (layout.header(shape) + "".join(layout.rows(record, shape) for record in records)).encode()

    def load(self, data: bytes, context: Mapping[str, Any] | None = None, *, size: int = 1 << 24) -> Outcome:
        """Imports a file."""
        context = context or {}
        try:
            header = read_header([data[:size], data[size:]], context, lambda: self.regions)
            rows = list(steps(data, header, size))
            if not rows:
                raise Unreadable([no_rows()])
        except Unreadable as unreadable:
            errors = list(unreadable.errors)
            return Outcome("failed", errors, Operations(), 0, ErrorRows(None).header() + ErrorRows(None).whole(errors))
        plans = self.plans(header, rows, context)
        errors = sorted((error for plan in plans for error in plan.errors), key=lambda error: error.line or 0)
        duplicates = self._duplicates(plans)
        errors += duplicates
        bad = {plan.handle for plan in plans if plan.errors} | {handle for handle, _ in self._held}
        told: dict[int, list[RowError]] = {}
        for error in errors:
            told.setdefault(error.line or 0, []).append(error)
        writer = ErrorRows(header)
        parser = Parser(header, self.known, escape_formulas=bool(context.get("escape_formulas")))
        left_out = [row for row in rows if parser.handle(row) in bad or row.line in told]
        error_file = writer.header() + "".join(writer.row(row, told.get(row.line, ())) for row in left_out)
        if errors and context.get("on_error") != "skip":
            return Outcome("failed", errors, Operations(), 0, error_file)
        good = [plan for plan in plans if plan.handle not in bad]
        operations = Operations()
        for plan in good:
            self._write(plan)
            operations = operations.plus(plan.operations)
        self.moment += 1
        return Outcome("completed", errors, operations, sum(len(plan.notices) for plan in good), error_file)

    def plans(self, header: Header, rows: list[Row], context: Mapping[str, Any]) -> list[Plan]:
        parser = Parser(
            header,
            self.known,
            escape_formulas=context.get("escape_formulas") is True,
            quantities=context.get("quantities") != "ignore",
        )
        groups: dict[object, list[Row]] = {}
        for row in rows:
            groups.setdefault(parser.handle(row) or row.line, []).append(row)
        match = context.get("match") == "handle"
        plans = []
        for group in groups.values():
            plans.append(self.plan(gather(parser, group), match=match))
        return plans

    def plan(self, given: list[Given], *, match: bool = False) -> Plan:
        sought = planning.sought(given, match=match)
        stored = self.products.get(sought.id or "")
        if sought.handle is not None:
            stored = next((one for one in self.products.values() if one.handle == sought.handle), None)
        making = Making(
            by="batch_1",
            now=self.moment,
            product_id=lambda line: f"prod_{self.moment}_{line}",
            variant_id=lambda line: f"variant_{self.moment}_{line}",
            entity=lambda: next(self.entities),
        )
        return planning.plan(given, stored, making, stock=self.stock, match=match)

    def _duplicates(self, plans: list[Plan]) -> list[RowError]:
        self._held: list[tuple[str, RowError]] = []
        first: dict[tuple[str, str], tuple[Claim, str]] = {}
        for plan in plans:
            for claim in plan.claims:
                earlier, handle = first.setdefault((claim.kind, claim.value), (claim, plan.handle))
                if handle != plan.handle:
                    error = claims.comes_twice(claim, plan.handle, earlier, handle)
                    self._held.append((plan.handle, error))
                    continue
                own = plan.before.id if plan.before is not None else ""
                for product in self.products.values():
                    holds = (
                        product.handle == claim.value if claim.kind == claims.HANDLE else claim.value in product.skus
                    )
                    if claim.kind != claims.PRODUCT and holds and product.id != own:
                        error = claims.is_held(claim, plan.handle, product.handle, is_new=plan.before is None)
                        self._held.append((plan.handle, error))
        return [error for _, error in self._held]

    def _write(self, plan: Plan) -> None:
        assert plan.product is not None
        self.products[plan.product.id] = plan.product
        for entity, pieces in plan.quantities.items():
            self.stock.setdefault(entity, {})[0] = pieces
