"""The columns of a product file, as the exports and imports of Medusa v1 name them."""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """A column that every file has.

    Attributes:
        title: What stands above it.
        field: Which of the plain fields of a product, or of a variant, it holds; or what else (`rows`).
    """

    title: str
    field: str


PRODUCT_COLUMNS = (
    Column("Product Id", "id"),
    Column("Product Handle", "handle"),
    Column("Product Title", "title"),
    Column("Product Subtitle", "subtitle"),
    Column("Product Description", "description"),
    Column("Product Status", "status"),
    Column("Product Thumbnail", "thumbnail"),
    Column("Product Weight", "weight"),
    Column("Product Length", "length"),
    Column("Product Width", "width"),
    Column("Product Height", "height"),
    Column("Product HS Code", "hs_code"),
    Column("Product Origin Country", "origin_country"),
    Column("Product MID Code", "mid_code"),
    Column("Product Material", "material"),
    Column("Product Collection Title", "collection_title"),
    Column("Product Collection Handle", "collection"),
    Column("Product Type", "type"),
    Column("Product Tags", "tags"),
    Column("Product Discountable", "discountable"),
    Column("Product External Id", "external_id"),
    Column("Product Profile Name", "profile_name"),
    Column("Product Profile Type", "profile_type"),
)
"""The columns of what all rows of a product have in common."""

VARIANT_COLUMNS = (
    Column("Variant Id", "id"),
    Column("Variant Title", "title"),
    Column("Variant SKU", "sku"),
    Column("Variant Barcode", "barcode"),
    Column("Variant Inventory Quantity", "inventory_quantity"),
    Column("Variant Allow Backorder", "allow_backorder"),
    Column("Variant Manage Inventory", "manage_inventory"),
    Column("Variant Weight", "weight"),
    Column("Variant Length", "length"),
    Column("Variant Width", "width"),
    Column("Variant Height", "height"),
    Column("Variant HS Code", "hs_code"),
    Column("Variant Origin Country", "origin_country"),
    Column("Variant MID Code", "mid_code"),
    Column("Variant Material", "material"),
)
"""The columns of a row's variant."""

PROFILE = ("Default Shipping Profile", "default")
"""Name and type of the one profile."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of which columns a file has as many as its products need.

    Args:
        prices: Currencies in lower case, and regions or none, in the order of their columns.
        options: How many options.
        images: How many images.
        sales_channels: How many sales channels.
    """

    prices: tuple[tuple[str, str | None], ...] = ()
    options: int = 0
    images: int = 0
    sales_channels: int = 0

    def merged(self, other: "Shape") -> "Shape":
        """The columns that both need."""
        prices = {*self.prices, *other.prices}
        return Shape(
            # Most products have no others than those before.
            self.prices if len(prices) == len(self.prices) else tuple(sorted(prices, key=_price_order)),
            max(self.options, other.options),
            max(self.images, other.images),
            max(self.sales_channels, other.sales_channels),
        )

    @property
    def titles(self) -> list[str]:
        """What stands above its columns."""
        found = [_price_title(currency, region) for currency, region in self.prices]
        for number in range(1, self.options + 1):
            found += [f"Option {number} Name", f"Option {number} Value"]
        found += [f"Image {number} Url" for number in range(1, self.images + 1)]
        for number in range(1, self.sales_channels + 1):
            found += [f"Sales Channel {number} {what}" for what in ("Id", "Name", "Description")]
        return found


def titles(shape: Shape) -> list[str]:
    """The header of a file."""
    return [column.title for column in (*PRODUCT_COLUMNS, *VARIANT_COLUMNS)] + shape.titles


def _price_title(currency: str, region: str | None) -> str:
    return f"Price {currency.upper()}" if region is None else f"Price {region} [{currency.upper()}]"


def _price_order(price: tuple[str, str | None]) -> tuple[bool, str, str]:
    currency, region = price
    return (region is not None, region or "", currency)
