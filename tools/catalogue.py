"""Catalogues as shops have them, made up: the same for the same seed. For tests, benchmarks and the demonstration."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from batchyard import ulids
from batchyard.catalogue import reference, repository, rules
from batchyard.catalogue.rules import Price, Product, Scalar, Variant
from batchyard.errors import Conflict
from batchyard.store.unit import transact

BEGAN = 1_735_689_600_000_000
"""When the first product was made: 2025-01-01, in microseconds since the Unix epoch."""

REGIONS: Mapping[str, str] = {"North America": "usd", "Schweiz": "chf", "日本": "jpy", "Kuwait": "kwd"}
COLLECTIONS: Mapping[str, str] = {
    "winter": "Winter wear",
    "outdoor": "Outdoor",
    "sale": "Sale, last pieces",
    "new": "Új",
}
CENTRES: Mapping[int, str] = {7: "East", 8: "West"}

_MAKERS = ("Aster", "Böhm & Söhne", "Côté Sud", "Ōkami", "Nørre", "Łódź Works", "Ирбис", "Zwei;Drei")
_KINDS = ("boots", "jacket", "rucksack", "tent", "lamp", "kettle", "sleeping bag", "socks", "gloves", "map")
_MATERIALS = ("leather", "wool", "recycled nylon", "steel", "beech", 'cotton "organic"')
_COLOURS = ("black", "forest green", "bleu nuit", "赤", "weiß", "sand")
_SIZES = ("XS", "S", "M", "L", "XL", "2XL", "3XL")
_FITS = ("regular", "long")
_TAGS = ("new", "big, tall", "gift", "vegan", "B-Ware", "été", "👍")
_SENTENCES = (
    "Made to last; repaired for free.",
    'Tested below 0 °C, "warm enough" for most.',
    "Pflegeleicht und robust.\nMaschinenwäsche bei 30 °C.",
    "Léger, compact, sans PFC.",
    "軽くて丈夫。",
)
_SALES_CHANNELS = ("Web shop", "Fairs & markets")
_EACH_TRANSACTION = 12
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Made:
    """A product, and what is there of it.

    Args:
        product: The product, with all of its IDs.
        stock: Pieces by entity and distribution centre.
    """

    product: Product
    stock: Mapping[int, Mapping[int, int]]


def made_up(
    count: int,
    seed: int = 1,
    *,
    variants: int | None = None,
    first_id: int = 1,
    sales_channels: tuple[str, ...] = (),
) -> Iterator[Made]:
    """Products of a catalogue, the oldest first.

    Args:
        count: How many.
        seed: Which catalogue: others share no ID, handle or SKU, as long as they share no integer IDs.
        variants: How many variants each has; None for one to a few dozen, mostly few.
        first_id: The first of the neighbouring integer IDs that they get.
        sales_channels: The IDs of the sales channels that there are.
    """
    chance = random.Random(seed)
    next_id = iter(range(first_id, 2**31)).__next__
    for number in range(count):
        yield _made(chance, f"{seed}/{number}", number, variants, next_id, sales_channels)


def fill(count: int, seed: int = 1, *, variants: int | None = None) -> list[Made]:
    """Puts a catalogue, and what it refers to, into the tables that the environment names."""
    channels = _refer()
    size = sum(len(one.product.entities) for one in made_up(count, seed, variants=variants))
    first = repository.reserve_ids(size) if size else 1
    made = list(made_up(count, seed, variants=variants, first_id=first, sales_channels=channels))
    some: list[Made] = []
    for one in made:
        if some and sum(repository.items_of(other.product) for other in (*some, one)) > repository.MOST_AT_ONCE:
            _put(some)
            some = []
        some.append(one)
        if len(some) == _EACH_TRANSACTION:
            _put(some)
            some = []
    _put(some)
    return made


def provide(count: int) -> list[Made]:
    """A catalogue that is in the tables as it was made: one that is there already, else another, which is put there."""
    seeds = itertools.count(1)
    return next(found for found in (_found(count, seed) for seed in seeds) if found is not None)


def _found(count: int, seed: int) -> list[Made] | None:
    """A catalogue as it is there, or put there where nothing of it is; None where somebody has changed it."""
    channels = _refer()
    ids = [one.product.id for one in made_up(count, seed, sales_channels=channels)]
    stored = [
        product for some in itertools.batched(ids, _AT_ONCE, strict=False) for product in repository.read_products(some)
    ]
    if not stored:
        return fill(count, seed)
    made = list(made_up(count, seed, first_id=stored[0].entities[0], sales_channels=channels))
    if len(stored) != count or not all(map(rules.is_same, stored, (one.product for one in made))):
        return None
    wanted = {id: pieces for one in made for id, pieces in one.stock.items()}
    entities = itertools.batched([id for product in stored for id in product.entities], _AT_ONCE, strict=False)
    found = {id: entity.quantities for some in entities for id, entity in repository.read_entities(some).items()}
    return made if wanted == {id: pieces for id, pieces in found.items() if pieces} else None


def _put(some: list[Made]) -> None:
    transact(lambda unit: [repository.put(unit, one.product, None, one.stock) for one in some])


def _refer() -> tuple[str, ...]:
    """Makes what the products refer to, where it is not there yet; the IDs of the sales channels."""
    steps = [
        *((reference.create_region, pair) for pair in REGIONS.items()),
        *((reference.create_collection, pair) for pair in COLLECTIONS.items()),
        *((reference.create_centre, pair) for pair in CENTRES.items()),
        *((reference.create_sales_channel, (name,)) for name in _SALES_CHANNELS),
    ]
    for create, arguments in steps:
        try:
            create(*arguments)  # type: ignore[operator]
        except Conflict:
            continue
    return tuple(channel.id for channel in reference.sales_channels() if channel.name in _SALES_CHANNELS)


def _made(
    chance: random.Random,
    name: str,
    number: int,
    variants: int | None,
    next_id: Callable[[], int],
    sales_channels: tuple[str, ...],
) -> Made:
    moment = BEGAN + number * 37_000_000 + chance.randrange(1_000_000)
    kind, maker, colour = chance.choice(_KINDS), chance.choice(_MAKERS), chance.choice(_COLOURS)
    wanted = variants if variants is not None else chance.choices((1, 2, 4, 7, 14, 28), (40, 25, 15, 10, 7, 3))[0]
    options, values = _options(wanted)
    slug = f"{kind.replace(' ', '-')}-{name.replace('/', '-')}"
    product = Product(
        id=f"prod_{ulids.of(moment, name)}",
        handle=slug,
        status=chance.choices(rules.STATUSES, (10, 5, 80, 5))[0],
        created=moment,
        updated=moment,
        by=f"catalogue-{name}",
        fields=_fields(chance, f"{maker} {kind} {colour}", kind, maker),
        tags=tuple(chance.sample(_TAGS, chance.randrange(4))),
        images=tuple(f"https://images.example/{slug}/{place}.jpg?w=1200" for place in range(chance.randrange(6))),
        options=options,
        sales_channels=tuple(chance.sample(sales_channels, chance.randint(0, len(sales_channels)))),
        variants=tuple(_variant(chance, moment, f"{name}/{place}", values[place], kind) for place in range(wanted)),
    )
    product = rules.numbered(product, next_id)
    stock = {variant.entity: _pieces(chance) for variant in product.variants}
    return Made(product, {id: pieces for id, pieces in stock.items() if pieces})


def _options(count: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The options of so many variants, and the values of each."""
    if count <= 1:
        return (), [()] * count
    if count <= len(_SIZES):
        return ("Size",), [(size,) for size in _SIZES[:count]]
    sizes = [*_SIZES, *(f"Size {number}" for number in range(len(_SIZES), count))]
    grid: list[tuple[str, ...]] = [(size, colour, fit) for size in sizes for colour in _COLOURS for fit in _FITS]
    return ("Size", "Colour", "Fit"), grid[:count]


def _fields(chance: random.Random, title: str, kind: str, maker: str) -> dict[str, Scalar]:
    fields: dict[str, Scalar] = {"title": title, "discountable": chance.random() < 0.9, "type": kind.title()}
    if chance.random() < 0.8:
        fields["description"] = " ".join(chance.choices(_SENTENCES, k=chance.randint(1, 12)))
    if chance.random() < 0.5:
        fields |= {"subtitle": f"{kind} by {maker}", "brand": maker, "thumbnail": f"https://images.example/{kind}.jpg"}
    if chance.random() < 0.6:
        fields |= {"weight": chance.randint(50, 9000), "length": 30, "width": 20.5, "height": chance.randint(1, 90)}
    if chance.random() < 0.4:
        fields |= {"hs_code": "6403 91", "origin_country": chance.choice(("it", "pt", "jp", "vn"))}
        fields["material"] = chance.choice(_MATERIALS)
    if chance.random() < 0.5:
        fields["collection"] = chance.choice(list(COLLECTIONS))
    if chance.random() < 0.2:
        fields["external_id"] = f"00{chance.randrange(10**6):06}"
    return fields


def _variant(chance: random.Random, moment: int, name: str, values: tuple[str, ...], kind: str) -> Variant:
    fields: dict[str, Scalar] = {
        "title": " / ".join(values) or "Default",
        "allow_backorder": chance.random() < 0.1,
        "manage_inventory": chance.random() < 0.95,
    }
    if chance.random() < 0.95:
        fields["sku"] = f"{kind[:3].upper()}-{name.replace('/', '-')}"
    if chance.random() < 0.7:
        fields["barcode"] = f"{chance.randrange(10**12):012}0"
    if chance.random() < 0.3:
        fields["weight"] = chance.randint(50, 9000)
    amount = chance.randrange(199, 49_900)
    prices = [Price("eur", amount)]
    if chance.random() < 0.4:
        prices.append(Price("gbp", amount * 86 // 100))
    for region, currency in REGIONS.items():
        if chance.random() < 0.3:
            prices.append(Price(currency, amount * 11 // 10, region))
    prices.sort(key=lambda price: (price.currency, price.region or ""))
    return Variant(f"variant_{ulids.of(moment, name)}", 0, fields, tuple(prices), values)


def _pieces(chance: random.Random) -> dict[int, int]:
    """Mostly in the first distribution centre alone, as a file of products sets it."""
    if chance.random() < 0.1:
        return {}
    pieces = {0: chance.randrange(500)}
    if chance.random() < 0.15:
        pieces |= {centre: chance.randrange(1, 50) for centre in CENTRES}
    return pieces
