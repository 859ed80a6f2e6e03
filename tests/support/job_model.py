"""What batch jobs may do to the catalogue: a model that watches every change of it, and says what it had to be.

A model sees the stores before and after each piece of work, and knows whose work it was. Of each product that a job
writes it keeps what was there before; so it knows what taking the job back has to make of it, whatever came between.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from batchyard.batch_jobs import repository as jobs
from batchyard.batch_jobs.rules import (
    CANCELED,
    COMPLETED,
    CONFIRMED,
    CREATED,
    DELETE,
    ENDED,
    EXPORT,
    FAILED,
    PRE_PROCESSED,
    PROCESSING,
    Job,
)
from batchyard.catalogue import codec
from batchyard.catalogue.rules import Entity, Price, Product
from batchyard.store import blobs
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_JOBS, CATALOGUE, PRODUCTS
from tests.support.streams import held

_ORDER = (CREATED, PRE_PROCESSED, CONFIRMED, PROCESSING, COMPLETED)
_BEFORE = "before "


@dataclass(frozen=True)
class State:
    """A product with its entities, by their IDs, apart from versions and moments."""

    product: Product | None = None
    entities: Mapping[int, Entity] = field(default_factory=dict)


NOTHING = State()


class Row(NamedTuple):
    """A row of a file.

    Attributes:
        product: A Product Id, or nothing.
        handle: A handle.
        title: A title.
        variant: A Variant Id, or nothing.
        sku: A SKU.
        quantity: Pieces; None for an empty cell.
        price: In cents; None for what is no price.
    """

    product: str
    handle: str
    title: str
    variant: str
    sku: str
    quantity: int | None
    price: int | None

    @property
    def cells(self) -> str:
        """It as a line of a file."""
        price = "1,50" if self.price is None else f"{self.price // 100}.{self.price % 100:02}"
        quantity = "" if self.quantity is None else self.quantity
        return ";".join(map(str, (*self[:5], quantity, price)))


HEADER = "Product Id;Product Handle;Product Title;Variant Id;Variant SKU;Variant Inventory Quantity;Price EUR"


@dataclass
class Asked:
    """What a job was asked for.

    Args:
        kind: Its type.
        dry_run: It waits for its confirmation.
        rows: Those of its file.
        match: Products are found by their handles.
        skip: Bad rows are left out.
        handles: Of the products that it removes.
        is_confirmed: Somebody said yes, or it needs nobody.
        has_closed: It is being taken back.
        is_undone: Somebody asked for that.
        exported: What its file has to hold, once that is known.
    """

    kind: str
    dry_run: bool
    rows: tuple[Row, ...] = ()
    match: bool = False
    skip: bool = False
    handles: frozenset[str] = frozenset()
    is_confirmed: bool = False
    has_closed: bool = False
    is_undone: bool = False
    exported: object = None

    def group(self, handle: str) -> list[Row]:
        """The rows of a handle."""
        return [row for row in self.rows if row.handle == handle]


@dataclass(frozen=True)
class Touch:
    """What a job made of a product."""

    before: State
    after: State


@dataclass
class Snapshot:
    """All that is stored, as far as it matters."""

    jobs: dict[str, Job] = field(default_factory=dict)
    befores: dict[tuple[str, str], Item] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    entities: dict[int, Entity] = field(default_factory=dict)

    @classmethod
    def taken(cls, read: Callable[[str], bytes]) -> "Snapshot":
        """What is stored now, which is whole: claims and entities are those that the products name.

        Args:
            read: Reads a blob.
        """
        found = cls()
        for row in held(BATCH_JOBS):
            if jobs.is_job(row):
                found.jobs[str(row["id"])] = jobs.decode(row)
            elif str(row["part"]).startswith(_BEFORE):
                kept = {name: row[name] for name in row.keys() - {"expires", "version"}}
                found.befores[str(row["id"]), str(row["part"]).removeprefix(_BEFORE)] = kept
        for row in held(PRODUCTS):
            one = codec.decode_product(row, read)
            found.products[one.id] = replace(one, version=0, updated=0)
        claims = {}
        for row in held(CATALOGUE):
            if row["part"] == "claim":
                claims[row["id"]] = {name: row[name] for name in row.keys() - {"at", "quiet", "version"}}
            elif row["part"] == "entity":
                entity = codec.decode_entity(row)
                # Nobody decides anything by who made an entity, or by who has counted nothing of it.
                by = entity.stocked_by if entity.quantities else ""
                own = replace(entity, version=0, created=0, updated=0, stocked=0, by="", stocked_by=by, named=None)
                found.entities[entity.id] = own
        assert claims == {id: claim for one in found.products.values() for id, claim in codec.claims(one).items()}
        assert {id: one.product for id, one in found.entities.items()} == {
            id: one.id for one in found.products.values() for id in one.entities
        }
        return found

    def state(self, id: str) -> State:
        """A product as it is."""
        return State(self.products.get(id), {one.id: one for one in self.entities.values() if one.product == id})

    def holds(self, claimed: Product) -> bool:
        """Whether other products have the handle or a SKU of a product."""
        others = [one for one in self.products.values() if one.id != claimed.id]
        skus = set(claimed.skus)
        return any(one.handle == claimed.handle or skus & set(one.skus) for one in others)

    def told(self) -> set[tuple[str, ...]]:
        """What an export of it tells."""
        return {
            (one.handle, str(one.fields["title"]), str(variant.sku), str(self.entities[variant.entity].quantity))
            for one in self.products.values()
            for variant in one.variants
        }


class Model:
    """What jobs have been asked for and what they did, and whether that was right."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.touched: dict[tuple[str, str], Touch] = {}
        self.stays: dict[str, set[str]] = {}
        self.after: set[tuple[str, str]] = set()
        """Pairs of jobs of which the second wrote a product behind the first."""
        self.handles: dict[str, set[str]] = {}
        self.is_clean = True
        """Nobody but jobs has changed anything, and none was taken back below another."""
        self._read = cache(blobs.read)
        self.now = Snapshot.taken(self._read)

    def see(self, who: str, products: Iterable[str] = ()) -> None:
        """Looks at what somebody did since the last look.

        Args:
            who: ID of the job that was worked on, or anybody else's name.
            products: IDs of the products that somebody else may have changed.
        """
        old, new = self.now, Snapshot.taken(self._read)
        self.now = new
        for one in new.products.values():
            self.handles.setdefault(one.id, set()).add(one.handle)
        ids = old.products.keys() | new.products.keys()
        ids |= {one.product for one in (*old.entities.values(), *new.entities.values())}
        changed = {id for id in ids if old.state(id) != new.state(id)}
        written, taken_back = new.befores.keys() - old.befores.keys(), old.befores.keys() - new.befores.keys()
        assert all(new.befores[key] == old.befores[key] for key in old.befores.keys() & new.befores.keys())
        assert {job for job, _ in written | taken_back} <= {who}
        if who in self.asked:
            assert {id for id, job in new.jobs.items() if job != old.jobs.get(id)} <= {who}
        if taken_back:
            assert not written
            assert changed <= {id for _, id in taken_back}
            world = replace(old, products=dict(old.products))
            for _, id in sorted(taken_back):
                self._must_be_taken_back(who, id, world, new)
                # Those behind it find it like this.
                world.products.pop(id, None)
                if id in new.products:
                    world.products[id] = new.products[id]
        elif who in self.asked:
            assert changed <= {id for _, id in written}
            for _, id in written:
                self._must_be_written(who, id, old, new)
            self._must_have_exported(who, new)
        else:
            assert changed <= set(products)
            self.is_clean &= not changed
        for id, job in new.jobs.items():
            if id in old.jobs and job != old.jobs[id]:
                self._must_be_a_move(old.jobs[id], job)

    # The life of jobs.

    def _must_be_a_move(self, old: Job, job: Job) -> None:
        asked = self.asked[job.id]
        assert old.entered.items() <= job.entered.items()
        assert (old.type, old.created, old.context, old.dry_run) == (job.type, job.created, job.context, job.dry_run)
        if old.status in ENDED:
            assert job.status == old.status
        elif job.status in {FAILED, CANCELED}:
            assert job.status in job.entered
        else:
            assert _ORDER.index(old.status) <= _ORDER.index(job.status)
        if CONFIRMED in job.entered:
            assert asked.is_confirmed
        before, result = old.result or {}, job.result or {}
        for name in ("progress", "advancement_count"):
            assert before.get(name, 0) <= result.get(name, 0)
            if old.has_ended:
                assert before.get(name, 0) == result.get(name, 0)
        assert 0 <= result.get("progress", 0) <= 1
        undone, undo = before.get("undo", {}), result.get("undo", {})
        assert undone.keys() <= undo.keys()
        assert undone.get("advancement_count", 0) <= undo.get("advancement_count", 0) <= undo.get("count", 0)
        if job.status == COMPLETED and old.status != COMPLETED:
            self._must_be_completed(job)
        if undo.get("status") == COMPLETED != undone.get("status"):
            self._must_be_told(job)

    def _must_be_completed(self, job: Job) -> None:
        asked, result = self.asked[job.id], job.result or {}
        assert set(_ORDER[1:]) <= job.entered.keys()
        assert result["progress"] == 1
        assert result["advancement_count"] == result["count"]
        if asked.kind != EXPORT:
            own = [touch for (id, _), touch in self.touched.items() if id == job.id]
            if asked.kind == DELETE:
                assert len(own) <= result["products"] == result["count"]
            else:
                found = {one.after.product.handle for one in own if one.after.product is not None}
                assert result["products"] == len(found) <= len(own)
                assert result["count"] == sum(1 + len(asked.group(handle)) for handle in found)
                assert asked.skip if "error_count" in result else found == {row.handle for row in asked.rows}

    def _must_be_told(self, job: Job) -> None:
        """What stays is told of when all is taken back."""
        result = job.result or {}
        assert {id for id, _ in self.touched.items() if id[0] == job.id} == set()
        told = [one["message"] for one in result.get("errors", ()) if one["code"] == "changed_since"]
        stays = self.stays.get(job.id, set())
        assert {id for id in self.handles if any(f"({id})" in message for message in told)} == stays
        assert result["undo"]["count"] == result["undo"]["advancement_count"]

    def _must_have_exported(self, who: str, new: Snapshot) -> None:
        asked, job = self.asked[who], new.jobs[who]
        if asked.kind == EXPORT and asked.exported is None and PRE_PROCESSED in job.entered:
            asked.exported = new.told()

    # What a job writes.

    def _must_be_written(self, who: str, id: str, old: Snapshot, new: Snapshot) -> None:
        asked, touch = self.asked[who], Touch(old.state(id), new.state(id))
        assert asked.is_confirmed
        assert not asked.has_closed
        job = old.jobs[who]
        assert job.status != COMPLETED
        assert job.state is not None
        assert (job.result or {}).get("undo", {"status": "pending"})["status"] == "pending"
        assert (who, id) not in self.touched
        self.after |= {(other, who) for other, product in self.touched if product == id}
        self.touched[who, id] = touch
        before, after = touch.before, touch.after
        if asked.kind == DELETE:
            assert after == NOTHING
            assert self.handles[id] & asked.handles
            return
        assert after.product is not None
        group = asked.group(after.product.handle)
        assert group
        assert all(row.price is not None for row in group)
        if before.product is None:
            assert not group[0].product
        elif group[0].product:
            assert group[0].product == id
        else:
            assert asked.match
            assert before.product.handle == after.product.handle
        known = before.product
        became = _view(after, known)
        assert became == _view_after(before, group, match=asked.match)
        is_changed = _view(before, known)[:3] != became[:3]
        assert after.product.by == (who if is_changed or known is None else known.by)
        if before.product is not None:
            assert (after.product.created, after.product.status) == (before.product.created, before.product.status)

    # What taking back makes of it.

    def _must_be_taken_back(self, who: str, id: str, old: Snapshot, new: Snapshot) -> None:
        asked, touch = self.asked[who], self.touched.pop((who, id))
        job = new.jobs[who]
        assert job.status in {FAILED, CANCELED} or asked.is_undone
        asked.has_closed = True
        expected, stays = self._taken_back(who, touch, old.state(id), old)
        if stays:
            self.stays.setdefault(who, set()).add(id)
        self.is_clean &= not stays and (old.state(id) != NOTHING or touch.after == NOTHING)
        _must_be_same(new.state(id), expected)

    def _taken_back(self, who: str, touch: Touch, present: State, world: Snapshot) -> tuple[State, bool]:
        """What a product becomes, and whether something of it stays."""
        former, product = touch.before.product, present.product
        if touch.after == NOTHING:
            if former is None or product is not None:
                return present, False
            return (present, True) if world.holds(former) else (touch.before, False)
        if product is None:
            return present, False
        entities = dict(present.entities)
        left = False
        for after, stock in self._set(touch):
            one = entities.get(after.id)
            if one is None or _stock(one) == stock:
                continue
            if _stock(one) == _stock(after):
                entities[one.id] = replace(one, quantities=stock[0], stocked_by=stock[1])
            else:
                left = True
        kept = () if former is None else former.entities
        is_own = product.by == who
        is_untouched = former is not None and product.by == former.by
        has_moved = any(
            (one.quantities and one.stocked_by != who) or one.stored
            for one in present.entities.values()
            if one.id not in kept
        )
        if not (is_own or is_untouched) or has_moved:
            return State(product, entities), True
        if former is None:
            return NOTHING, False
        if not is_own:
            return State(product, entities), left
        if world.holds(former):
            return State(product, entities), True
        own = {
            id: replace(
                one,
                quantities=entities[id].quantities,
                stocked_by=entities[id].stocked_by,
                stored=entities[id].stored,
            )
            for id, one in touch.before.entities.items()
        }
        return State(former, own), left

    @staticmethod
    def _set(touch: Touch) -> Iterator[tuple[Entity, tuple[Mapping[int, int], str]]]:
        """The entities whose stock a job set, as it left them, each with the stock that it had; not where it made them
        within a product that was there before."""
        for id, after in touch.after.entities.items():
            before = touch.before.entities.get(id)
            if before is None and touch.before.product is not None:
                continue
            if after.quantities != ({} if before is None else before.quantities):
                yield after, ({}, "") if before is None else _stock(before)


def _must_be_same(found: State, expected: State) -> None:
    assert found.entities.keys() == expected.entities.keys()
    for id, entity in expected.entities.items():
        assert found.entities[id] == entity
    assert found.product == expected.product


def _stock(entity: Entity) -> tuple[Mapping[int, int], str]:
    return entity.quantities, entity.stocked_by


def _view(state: State, known: Product | None) -> tuple[Any, ...]:
    """What rows can say of a product; variants that were not known before are without IDs."""
    product = state.product
    if product is None:
        return None, None, [], []
    ids = set() if known is None else {one.id for one in known.variants}
    variants = [(one.id if one.id in ids else None, one.sku, one.prices) for one in product.variants]
    stock = [dict(state.entities[one.entity].quantities) for one in product.variants]
    return product.handle, product.fields.get("title"), variants, stock


def _view_after(before: State, group: list[Row], *, match: bool) -> tuple[Any, ...]:
    """What rows of one handle make of a product."""
    _, _, variants, stock = _view(before, before.product)
    named = {row.variant for row in group}
    places = {id: place for place, (id, _, _) in enumerate(variants)}
    skus = {sku: place for place, (id, sku, _) in enumerate(variants) if id not in named} if match else {}
    for row in group:
        place = places[row.variant] if row.variant else skus.get(row.sku)
        prices = (Price("eur", row.price or 0),)
        if place is None:
            variants.append((None, row.sku, prices))
            stock.append({} if row.quantity is None else {0: row.quantity})
            continue
        variants[place] = (variants[place][0], row.sku, prices)
        pieces = stock[place]
        is_elsewhere = any(number for centre, number in pieces.items() if centre != 0)
        if row.quantity not in {None, pieces.get(0, 0)} and not is_elsewhere:
            stock[place] = {**pieces, 0: row.quantity}
    return group[0].handle, group[0].title, variants, stock
