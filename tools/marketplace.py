"""A shop and the sales channel it sells through, made up from a seed: what the demonstration loads.

The same seed always gives the same products, loads, answers of the channel and log lines, so whoever plays them can
check what comes back down to the last remote id. Refusals have causes that can be found in the data (a barcode with a
wrong check digit, a category that nobody mapped), as in a real integration, besides a few that are plain bad luck.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal, NamedTuple

Status = Literal["initialized", "commit", "sent_to_remote", "ongoing", "done", "fail"]
Reason = Literal["mapping", "remote", "channel_app"]

FULL_LOAD = 10_000
SMALLEST_LOAD, LARGEST_LOAD = 100, 300

_NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
_FIRST_PK = 1001
_CURRENCIES: Mapping[str, Decimal] = {
    "EUR": Decimal("1"),
    "GBP": Decimal("0.86"),
    "SEK": Decimal("11.2"),
    "PLN": Decimal("4.3"),
    "CZK": Decimal("24.8"),
}
# The channel has no Swiss marketplace: a price in francs finds no offer to belong to.
_UNMAPPED_CURRENCY, _UNMAPPED_RATE = "CHF", Decimal("0.95")
_UNMAPPED_CATEGORY = "Gift cards"
_UNMAPPED_WAREHOUSE = "returns"
_WAREHOUSES = ("hamburg", "poznań", "malmö")
_BRANDS = ("Kaldera", "Nordhavn", "Brød & Co", "Větrník", "Østlund", "Maréa", "Tilman", "Fjällräv", "Quint", "Hale")
_SIZES = ("XS", "S", "M", "L", "XL")
_SHOE_SIZES = ("38", "39", "40", "41", "42", "43", "44")
_COLOURS = (("BLK", "black"), ("NVY", "navy"), ("RED", "red"), ("OLV", "olive"), ("SND", "sand"), ("WHT", "white"))


@dataclass(frozen=True, slots=True)
class Category:
    name: str
    code: str
    nouns: tuple[str, ...]
    sizes: tuple[str, ...]
    cheapest: int
    dearest: int


_CATEGORIES = (
    Category("Jackets", "JKT", ("rain jacket", "down jacket", "softshell", "parka"), _SIZES, 59, 399),
    Category("Trousers", "TRS", ("trekking trousers", "cord trousers", "joggers"), _SIZES, 29, 149),
    Category("Shirts", "SHR", ("merino shirt", "flannel shirt", "linen shirt", "polo"), _SIZES, 15, 99),
    Category("Shoes", "SHO", ("hiking boots", "running shoes", "sandals", "clogs"), _SHOE_SIZES, 35, 259),
    Category("Backpacks", "BPK", ("daypack", "trekking pack", "hip bag"), ("12 l", "24 l", "48 l"), 25, 279),
    Category("Kitchen", "KIT", ("kettle", "pour-over set", "cast-iron pan", "mug"), ("one size",), 9, 189),
    Category("Lamps", "LMP", ("headlamp", "table lamp", "lantern"), ("one size",), 14, 129),
    Category("Sleeping bags", "SLP", ("sleeping bag", "liner", "quilt"), ("M", "L"), 45, 449),
)
_GIFT_CARDS = Category(_UNMAPPED_CATEGORY, "GFT", ("gift card",), ("25 €", "50 €", "100 €"), 25, 100)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the shop on its way to the channel; `version_date` says which version of the row is meant."""

    content_type: str
    pk: int
    version_date: str
    payload: Mapping[str, str | int]

    @property
    def entry(self) -> dict[str, str | int | None]:
        """The row as an entry of a batch request's `objects`."""
        return {"content_type": self.content_type, "pk": self.pk, "version_date": self.version_date}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the channel answered for one row: a remote id (some channels number their offers), or a reason."""

    record: Record
    remote_id: str | int | None
    failed_reason_type: Reason | None
    message: str

    @property
    def entry(self) -> dict[str, str | int | None]:
        return self.record.entry | {"remote_id": self.remote_id, "failed_reason_type": self.failed_reason_type}


class _Answer(NamedTuple):
    remote_id: str | int | None
    failed_reason_type: Reason | None
    message: str


@dataclass(frozen=True, slots=True)
class Load:
    """One batch request from its opening to `ends`, the status in which the run leaves it.

    `commits` are the lists in the order in which the shop commits them; a row that changed meanwhile is in a later list
    again with a newer version. `outcomes` is what the channel has answered by the end: for every row of a load that is
    done, the refusals alone while one is ongoing, nothing for the others.
    """

    number: int
    title: str
    content_type: str
    commits: tuple[tuple[Record, ...], ...]
    outcomes: tuple[Outcome, ...]
    ends: Status

    @property
    def remote_batch_id(self) -> str:
        return f"feed-{self.number:04d}-{self.content_type}"

    @property
    def rows(self) -> tuple[Record, ...]:
        """What all commits come to: each row once, in its newest version."""
        return tuple({(row.content_type, row.pk): row for rows in self.commits for row in rows}.values())

    @property
    def accepted(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.failed_reason_type is None)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.failed_reason_type is not None)

    def log(self, *, verbose: bool = False) -> str:
        """The connector's log of this load; `verbose` adds what was sent and answered for each row."""
        return "".join(f"{line}\n" for line in _log_lines(self, verbose))


@dataclass(frozen=True, slots=True)
class Marketplace:
    products: tuple[Record, ...]
    stocks: tuple[Record, ...]
    prices: tuple[Record, ...]
    loads: tuple[Load, ...]


def make(*, seed: int = 1, products: int = 4_000) -> Marketplace:
    """A shop with so many products, their stocks and prices, and the loads that bring all of it to the channel."""
    random = Random(seed)
    rows = tuple(_product(number, random) for number in range(products))
    stocks = tuple(_stock(number, row, random) for number, row in enumerate(rows))
    prices = tuple(_renumbered(price for row in rows for price in _prices(row, random)))
    return Marketplace(rows, stocks, prices, tuple(_loads(rows, stocks, prices, random)))


def check_digit(digits: str) -> int:
    """The thirteenth digit of an EAN that starts with these twelve."""
    return -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10


def _product(number: int, random: Random) -> Record:
    category = _GIFT_CARDS if _one_in(100, random) else random.choice(_CATEGORIES)
    code, colour = random.choice(_COLOURS)
    size = random.choice(category.sizes)
    brand = random.choice(_BRANDS)
    ean = f"40{random.randrange(10**10):010d}"
    last = check_digit(ean)
    if _one_in(80, random):
        last = (last + random.randrange(1, 10)) % 10
    return Record(
        content_type="product",
        pk=_FIRST_PK + number,
        version_date=_moment(random),
        payload={
            "sku": f"{category.code}-{_FIRST_PK + number}-{code}-{size.replace(' ', '')}",
            "ean": f"{ean}{last}",
            "name": f"{brand} {random.choice(category.nouns)}, {colour}, {size}",
            "brand": brand,
            "category": category.name,
            "net_price": f"{random.randrange(category.cheapest, category.dearest)}.{random.choice(('00', '50', '95'))}",
        },
    )


def _stock(number: int, product: Record, random: Random) -> Record:
    return Record(
        content_type="stock",
        # Two tables, two sequences: a stock and a product share a number without having anything to do with each other.
        pk=_FIRST_PK + number,
        version_date=_moment(random),
        payload={
            "sku": product.payload["sku"],
            "warehouse": _UNMAPPED_WAREHOUSE if _one_in(150, random) else random.choice(_WAREHOUSES),
            "quantity": 0 if _one_in(10, random) else random.randrange(1, 250),
        },
    )


def _prices(product: Record, random: Random) -> Iterator[Record]:
    currencies = dict(random.sample(list(_CURRENCIES.items()), k=random.randrange(2, 5)))
    if _one_in(30, random):
        currencies[_UNMAPPED_CURRENCY] = _UNMAPPED_RATE
    for currency, rate in currencies.items():
        amount = Decimal(str(product.payload["net_price"])) * rate
        if _one_in(120, random):
            amount = Decimal(0)
        yield Record(
            content_type="price",
            pk=0,
            version_date=_moment(random),
            payload={"sku": product.payload["sku"], "currency": currency, "amount": f"{amount:.2f}"},
        )


def _renumbered(records: Iterable[Record]) -> Iterator[Record]:
    for pk, record in enumerate(records, _FIRST_PK):
        yield Record(record.content_type, pk, record.version_date, record.payload)


def _one_in(chances: int, random: Random) -> bool:
    return random.randrange(chances) == 0


def _moment(random: Random) -> str:
    moment = _NOW - timedelta(seconds=random.randrange(86_400), microseconds=random.randrange(1_000_000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _loads(
    products: Sequence[Record], stocks: Sequence[Record], prices: Sequence[Record], random: Random
) -> Iterator[Load]:
    answers = _answers(products, stocks, prices, random)
    # A morning's work: the new arrivals (products with their stocks), the rest by kind, and the full price list.
    arrivals = min(LARGEST_LOAD // 2, len(products))
    lists: list[tuple[str, Sequence[Record]]] = []
    if arrivals:
        lists.append(("new arrivals", (*products[:arrivals], *stocks[:arrivals])))
    if prices:
        lists.append(("full price list", prices[:FULL_LOAD]))
    for title, rows in (
        ("products", products[arrivals:]),
        ("stocks", stocks[arrivals:]),
        ("prices", prices[FULL_LOAD:]),
    ):
        chunks = list(_chunks(rows, random))
        lists += [(f"{title} {place} of {len(chunks)}", chunk) for place, chunk in enumerate(chunks, 1)]

    ends = _ends(len(lists), random)
    for number, ((title, rows), end) in enumerate(zip(lists, ends, strict=True), 1):
        load = Load(number, title, rows[0].content_type, tuple(_commits(rows, random)), (), end)
        outcomes = tuple(Outcome(row, *answers[row.content_type, row.pk]) for row in load.rows)
        match end:
            case "done":
                yield replace(load, outcomes=outcomes)
            case "ongoing":
                yield replace(load, outcomes=tuple(outcome for outcome in outcomes if outcome.failed_reason_type))
            case "initialized":
                yield replace(load, commits=())
            case _:
                yield load


def _chunks(rows: Sequence[Record], random: Random) -> Iterator[Sequence[Record]]:
    """Cut into loads of an ordinary size, leaving enough for the last one to be ordinary, too."""
    start = 0
    while left := len(rows) - start:
        size = left if left <= LARGEST_LOAD else random.randint(SMALLEST_LOAD, min(LARGEST_LOAD, left - SMALLEST_LOAD))
        yield rows[start : start + size]
        start += size


def _ends(loads: int, random: Random) -> list[Status]:
    """Most loads are done; the channel turned down a few as a whole, and a few are still on their way."""
    ends: list[Status] = ["done"] * loads
    unusual: tuple[Status, ...] = (
        *(("fail",) * 3),
        *(("sent_to_remote",) * 2),
        *(("ongoing",) * 2),
        "commit",
        "initialized",
    )
    # The arrivals and the full price list always go all the way.
    ordinary = range(2, loads)
    chosen = random.sample(ordinary, k=min(len(unusual), len(ordinary) // 2))
    for place, end in zip(chosen, unusual, strict=False):
        ends[place] = end
    return ends


def _commits(rows: Sequence[Record], random: Random) -> Iterator[tuple[Record, ...]]:
    if len(rows) > LARGEST_LOAD:
        yield tuple(rows)
        return
    parts = random.randrange(2, 4)
    size = -(-len(rows) // parts)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        changed = random.sample(rows[:start], k=min(3, start))
        yield (*part, *(_newer(row) for row in changed))


def _newer(row: Record) -> Record:
    moment = datetime.fromisoformat(row.version_date) + timedelta(hours=2)
    return Record(row.content_type, row.pk, moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), row.payload)


def _answers(
    products: Sequence[Record], stocks: Sequence[Record], prices: Sequence[Record], random: Random
) -> dict[tuple[str, int], _Answer]:
    answers: dict[tuple[str, int], _Answer] = {}
    offers: dict[str | int, str] = {}
    for row in products:
        answer = _bad_luck(random) or _product_refusal(row)
        if answer is None:
            offer = "B0" + "".join(random.choices("0123456789ABCDEFGHJKLMNPQRSTVWXYZ", k=8))
            offers[row.payload["sku"]] = offer
            answer = _Answer(offer, None, f"listed as {offer}")
        answers[row.content_type, row.pk] = answer
    for row in (*stocks, *prices):
        answers[row.content_type, row.pk] = _bad_luck(random) or _answer(row, offers.get(row.payload["sku"]), random)
    return answers


def _bad_luck(random: Random) -> _Answer | None:
    if _one_in(150, random):
        return _Answer(None, "channel_app", "no answer from the channel within 30 s, given up after 3 attempts")
    return None


def _product_refusal(row: Record) -> _Answer | None:
    ean, category = str(row.payload["ean"]), row.payload["category"]
    if category == _UNMAPPED_CATEGORY:
        return _Answer(None, "mapping", f'category "{category}" is not mapped to one of the channel')
    if check_digit(ean[:-1]) != int(ean[-1]):
        return _Answer(None, "remote", f"EAN {ean}: wrong check digit")
    return None


def _answer(row: Record, offer: str | None, random: Random) -> _Answer:
    """To a stock or a price, which belong to the offer that the channel made of their product."""
    if row.payload.get("warehouse") == _UNMAPPED_WAREHOUSE:
        return _Answer(None, "mapping", f'warehouse "{_UNMAPPED_WAREHOUSE}" is not mapped to one of the channel')
    if row.payload.get("currency") == _UNMAPPED_CURRENCY:
        return _Answer(None, "mapping", f"no marketplace of the channel trades in {_UNMAPPED_CURRENCY}")
    if offer is None:
        return _Answer(None, "remote", f"no offer for SKU {row.payload['sku']}")
    if row.payload.get("amount") == "0.00":
        return _Answer(None, "remote", "a price must be greater than zero")
    # The channel numbers its stock lines and names its prices, and answers each as what it is.
    remote_id = random.randrange(10**9, 10**10) if row.content_type == "stock" else f"{offer}/{row.payload['currency']}"
    return _Answer(remote_id, None, f"stored as {remote_id}")


def _log_lines(load: Load, verbose: bool) -> Iterator[str]:
    clock = _NOW + timedelta(minutes=load.number)
    yield f"{clock:%H:%M:%S} INFO  {load.remote_batch_id}: {load.title}, {len(load.rows)} objects"
    for outcome in load.outcomes:
        row = outcome.record
        clock += timedelta(milliseconds=3)
        if verbose:
            yield f"{clock:%H:%M:%S} DEBUG > {json.dumps(row.entry | dict(row.payload), ensure_ascii=False)}"
            yield f"{clock:%H:%M:%S} DEBUG < {json.dumps(outcome.entry | {'message': outcome.message})}"
        if outcome.failed_reason_type is None:
            level, verb = "INFO ", "accepted"
        else:
            level, verb = "WARN ", f"refused ({outcome.failed_reason_type})"
        yield f"{clock:%H:%M:%S} {level} {row.content_type} {row.pk} {row.payload['sku']} {verb}: {outcome.message}"
    if load.ends == "fail":
        yield f"{clock:%H:%M:%S} ERROR {load.remote_batch_id}: the channel turned the feed down as a whole"
    else:
        yield (
            f"{clock:%H:%M:%S} INFO  {load.remote_batch_id}: {len(load.accepted)} accepted, {len(load.refused)} refused"
        )
