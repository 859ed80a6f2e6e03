"""Groups of rows become plans: what becomes of a product, beside what the catalogue holds now.

Before anything is written all groups are planned once, to be counted and for their errors; while it is written they are
planned again, since the catalogue may have changed. Both times in the same way: what is read is read through a unit of
work, so that what is written holds only if it still is so.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from batchyard import ulids
from batchyard.batch_jobs.imports.options import Options
from batchyard.batch_jobs.imports.reading import row_of
from batchyard.batch_jobs.rules import Job
from batchyard.batch_jobs.spool import Entry
from batchyard.catalogue import codec, currencies, reference, repository
from batchyard.catalogue.rules import Product
from batchyard.product_files import claims, planning
from batchyard.product_files.claims import Claim
from batchyard.product_files.counting import Operations
from batchyard.product_files.faults import RowError
from batchyard.product_files.gathering import gather
from batchyard.product_files.header import Header
from batchyard.product_files.parsing import Given, Known, Parser
from batchyard.product_files.planning import Making, Plan, Sought
from batchyard.store.items import Key
from batchyard.store.tables import BATCH_JOBS, CATALOGUE, PRODUCTS, Table
from batchyard.store.unit import Unit

IDS_A_ROW = 2
"""Integer IDs that a row may need: for its variant, and for its product as a parent."""


def parser(header: Header, options: Options) -> Parser:
    """What reads the rows of a file, with what products can refer to now.

    Raises:
        Unavailable: The store did not answer.
    """
    known = Known(
        currencies.digits,
        {region.name: region.currency for region in reference.regions()},
        frozenset(collection.handle for collection in reference.collections()),
        {channel.id: channel.name for channel in reference.sales_channels()},
    )
    return Parser(header, known, escape_formulas=options.escape_formulas, quantities=options.quantities)


class Wanted(NamedTuple):
    """The rows of one handle, read.

    Attributes:
        handle: Their handle; empty for a row without one.
        rows: What they give.
        lines: Their lines.
    """

    handle: str
    rows: list[Given]
    lines: list[int]

    @property
    def first(self) -> int:
        """The line of the first of them."""
        return self.lines[0]


def wanted(read: Parser, entries: Sequence[Entry]) -> Wanted:
    """The rows of one handle, of the entries that a spool has of them."""
    rows = gather(read, map(row_of, entries))
    return Wanted(rows[0].handle, rows, [int(entry.id) for entry in entries])


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the groups of one job.

    Args:
        options: How it imports.
        begun: When the writing began, in microseconds since the Unix epoch. What a row makes is of so many microseconds
            later as its line, so that the order of the file is that of the dates.
        first_id: The first of the integer IDs that are the job's, `IDS_A_ROW` a row; 0 before it has any.
        compared: What is to be done as the catalogue was when it was compared; nothing before.
    """

    job: Job
    options: Options
    begun: int
    first_id: int = 0
    compared: Operations = field(default_factory=Operations)

    def product_id(self, line: int) -> str:
        """The ID of the product that the row of a line makes: the same however often it is planned."""
        return f"prod_{ulids.of(self.job.created, f'{self.job.id} product {line}')}"

    def variant_id(self, line: int) -> str:
        """The ID of the variant that it makes."""
        return f"variant_{ulids.of(self.job.created, f'{self.job.id} variant {line}')}"

    def moment(self, group: Wanted) -> int:
        """When what a group makes or changes is made or changed, in microseconds since the Unix epoch."""
        return self.begun + group.first

    def makes_all_of(self, groups: Iterable[Wanted]) -> bool:
        """Whether all of these are new, unless somebody has made them since they were compared."""
        return not self.compared.products_updated and all(
            group.handle and self.sought(group).id is None for group in groups
        )

    def items_of(self, group: Wanted) -> int:
        """How many items are written of a group; of one that changes what is there, hardly ever more."""
        if self.compared.products_created or self.compared.variants_created:
            # Aggregate, handle, parent, what it was; SKU and entity a row.
            return 4 + 2 * len(group.rows)
        return 3 + len(group.rows)

    def expect_none(self, unit: Unit, groups: Iterable[Wanted], kept: Callable[[str], Key]) -> None:
        """Takes it that of some groups nothing is there, neither claims and entities nor what the job keeps of them.

        Args:
            kept: The key of what the job keeps of a product, by the product's ID.
        """
        for group in groups:
            unit.expect_none(
                [
                    (CATALOGUE, codec.handle_key(group.handle)),
                    *_in(CATALOGUE, _sku_keys(group)),
                    *_in(CATALOGUE, map(codec.entity_key, self._ids(group))),
                    (BATCH_JOBS, kept(self.product_id(group.first))),
                ]
            )

    def load(
        self,
        unit: Unit,
        groups: Sequence[Wanted],
        kept: Callable[[str], Key] | None = None,
        *,
        also: Iterable[tuple[Table, Key]] = (),
    ) -> None:
        """Reads at once what the plans of some groups will ask for.

        Args:
            kept: The key of what the job keeps of a product, by the product's ID, where that is asked for, too.
            also: What else is read with the first of it.

        Raises:
            Unavailable: The store did not answer.
        """
        handles = [codec.handle_key(group.handle) for group in groups if group.handle]
        made = [] if kept is None else [kept(self.product_id(group.first)) for group in groups]
        unit.load_all([*_in(CATALOGUE, handles), *_in(BATCH_JOBS, made), *also])
        ids = sorted(
            {sought.id for group in groups if (sought := self.sought(group)).id is not None} | _holders(unit, handles)
        )
        new = [group for group in groups if self._is_new(unit, group)]
        unit.load_all(
            [
                *_in(PRODUCTS, map(codec.product_key, ids)),
                *_in(BATCH_JOBS, [] if kept is None else map(kept, ids)),
                # What is new is looked for, too: one call for all groups, not one for each.
                *_in(CATALOGUE, [codec.entity_key(id) for group in new for id in self._ids(group)]),
                *_in(CATALOGUE, [key for group in new for key in _sku_keys(group)]),
            ]
        )
        entities: list[int] = []
        skus: list[Key] = []
        for group in groups:
            product = self.stored(unit, group)
            entities += self._ids(group) if product is None else product.entities
            skus += _sku_keys(group, product)
        unit.load(CATALOGUE, [*map(codec.entity_key, entities), *skus])
        others = sorted(_holders(unit, skus))
        unit.load_all([*_in(PRODUCTS, map(codec.product_key, others))])

    def sought(self, group: Wanted) -> Sought:
        """Which stored product a group is about."""
        return planning.sought(group.rows, match=self.options.match)

    def stored(self, unit: Unit, group: Wanted) -> Product | None:
        """The stored product that a group is about; None for a new one, and for one that is not there."""
        sought = self.sought(group)
        if sought.id is not None:
            return repository.get(unit, sought.id)
        return None if sought.handle is None else repository.find(unit, sought.handle)

    def plan(self, unit: Unit, group: Wanted) -> Plan:
        """What becomes of a product, with what others hold of what it claims among the errors."""
        stored = self.stored(unit, group)
        stock, bundles = {}, set()
        for id in () if stored is None else stored.entities:
            entity = repository.get_entity(unit, id)
            stock[id] = {} if entity is None else entity.quantities
            if entity is not None and entity.components:
                bundles.add(id)
        ids = iter(self._ids(group))
        making = Making(self.job.id, self.moment(group), self.product_id, self.variant_id, lambda: next(ids, 0))
        found = planning.plan(group.rows, stored, making, stock=stock, bundles=bundles, match=self.options.match)
        own = self.product_id(group.first) if stored is None else stored.id
        held = list(self._held(unit, found, own))
        if not held:
            return found
        errors = sorted([*found.errors, *held], key=lambda error: error.line or 0)
        return replace(found, product=None, quantities={}, errors=errors, operations=Operations(), notices=[])

    def _ids(self, group: Wanted) -> Iterator[int]:
        """The integer IDs that are a group's own."""
        for line in group.lines if self.first_id else ():
            yield from range(self.first_id + IDS_A_ROW * (line - 1), self.first_id + IDS_A_ROW * line)

    def _is_new(self, unit: Unit, group: Wanted) -> bool:
        """Whether a group is about no product, as far as its handle tells."""
        return self.sought(group).id is None and unit.get(CATALOGUE, codec.handle_key(group.handle)) is None

    def _held(self, unit: Unit, found: Plan, own: str) -> Iterator[RowError]:
        kept = _skus_of(found.before)
        for claim in found.claims:
            if claim.kind == claims.SKU and claim.value in kept:
                # It is the product's own, so no other one has it.
                continue
            holder = _holder(unit, claim)
            if holder is not None and holder.id != own:
                yield claims.is_held(claim, found.handle, holder.handle, is_new=found.before is None)


def _sku_keys(group: Wanted, product: Product | None = None) -> Iterator[Key]:
    """The keys of the claims to the SKUs that rows name, those apart that their product has."""
    kept = _skus_of(product)
    for row in group.rows:
        sku = row.variant.get("sku")
        if sku and sku not in kept:
            yield codec.sku_key(str(sku))


def _skus_of(product: Product | None) -> Collection[str]:
    return () if product is None else set(product.skus)


def _holders(unit: Unit, claimed: Iterable[Key]) -> set[str]:
    """The IDs of the products that claims are of."""
    return {str(claim["product"]) for key in claimed if (claim := unit.get(CATALOGUE, key)) is not None}


def _in(table: Table, keys: Iterable[Key]) -> Iterator[tuple[Table, Key]]:
    return ((table, key) for key in keys)


def _holder(unit: Unit, claim: Claim) -> Product | None:
    """The stored product that holds what another one claims."""
    if claim.kind == claims.HANDLE:
        return repository.find(unit, claim.value)
    if claim.kind == claims.SKU and (held := repository.sku_holder(unit, claim.value)) is not None:
        return repository.get(unit, held[0])
    return None
