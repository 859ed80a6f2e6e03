"""Products as routes answer them, for the OpenAPI document."""

from pydantic import BaseModel, ConfigDict, Field

from batchyard.http.fields import LONGEST_DATE_TIME

_MOMENT = Field(max_length=LONGEST_DATE_TIME, json_schema_extra={"format": "date-time"})


class _Output(BaseModel):
    model_config = ConfigDict(defer_build=True)


class _Dated(_Output):
    created_at: str = _MOMENT
    updated_at: str = _MOMENT
    deleted_at: None


class _Shaped(_Dated):
    weight: float | None
    length: float | None
    width: float | None
    height: float | None
    hs_code: str | None
    origin_country: str | None
    mid_code: str | None
    material: str | None
    metadata: None


class ProductPrice(_Dated):
    """What a variant costs."""

    id: str
    currency_code: str = Field(description="ISO 4217, in lower case")
    amount: int = Field(description="In the currency's minor unit")
    min_quantity: None
    max_quantity: None
    price_list_id: None
    variant_id: str
    region_id: str | None


class ProductOptionValue(_Dated):
    """What a variant has of an option."""

    id: str
    value: str
    option_id: str
    variant_id: str
    metadata: None


class ProductVariantAnswer(_Shaped):
    """A variant of a product."""

    id: str
    title: str | None
    product_id: str
    sku: str | None
    barcode: str | None
    ean: None
    upc: None
    variant_rank: int
    inventory_quantity: int = Field(description="Pieces in all distribution centres")
    allow_backorder: bool
    manage_inventory: bool
    prices: list[ProductPrice]
    options: list[ProductOptionValue]


class ProductOptionAnswer(_Dated):
    """What variants of a product differ in."""

    id: str
    title: str
    product_id: str
    metadata: None


class ProductValue(_Dated):
    """A tag or a type."""

    id: str
    value: str
    metadata: None


class ProductImage(_Dated):
    """An image of a product."""

    id: str
    url: str
    metadata: None


class ProductCollection(_Output):
    """What products are collected in."""

    id: str
    title: str
    handle: str
    metadata: None


class ProductSalesChannel(_Output):
    """Where a product is sold."""

    id: str
    name: str
    description: str | None
    is_disabled: bool


class ProductAnswer(_Shaped):
    """A product."""

    id: str
    title: str | None
    subtitle: str | None
    description: str | None
    thumbnail: str | None
    external_id: str | None
    handle: str
    is_giftcard: bool
    status: str
    discountable: bool
    collection_id: str | None
    collection: ProductCollection | None
    type_id: str | None
    type: ProductValue | None
    tags: list[ProductValue]
    images: list[ProductImage]
    options: list[ProductOptionAnswer]
    variants: list[ProductVariantAnswer]
    sales_channels: list[ProductSalesChannel]


class OneProduct(_Output):
    """A product."""

    product: ProductAnswer


class ProductList(_Output):
    """Some of the products that were asked for."""

    products: list[ProductAnswer]
    count: int = Field(description="How many there are in all")
    offset: int
    limit: int
