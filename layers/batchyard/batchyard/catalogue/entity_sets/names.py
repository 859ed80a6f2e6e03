"""What OData calls the plain values of entities, products and variants."""

from collections.abc import Mapping

PROFILE_ID = 1
"""The one profile."""

OF_ENTITY: Mapping[str, str] = {
    "ASIN": "asin",
    "BlockComment": "block_comment",
    "BlockedDateUtc": "blocked_date_utc",
    "BlockedFromAdvertisingDateUtc": "blocked_from_advertising_date_utc",
    "BuyItNowPrice": "buy_it_now_price",
    "Condition": "condition",
    "Cost": "cost",
    "EAN": "ean",
    "EstimatedShippingCost": "estimated_shipping_cost",
    "FlagDescription": "flag_description",
    "Height": "height",
    "ISBN": "isbn",
    "InfiniteQuantity": "infinite_quantity",
    "IsAvailableInStore": "is_available_in_store",
    "IsBlocked": "is_blocked",
    "IsBlockedFromAdvertising": "is_blocked_from_advertising",
    "IsDisplayInStore": "is_display_in_store",
    "IsExternalQuantityBlocked": "is_external_quantity_blocked",
    "Length": "length",
    "MPN": "mpn",
    "Margin": "margin",
    "MaxPrice": "max_price",
    "MinPrice": "min_price",
    "MultipackQuantity": "multipack_quantity",
    "ReceivedDateUtc": "received_date_utc",
    "RelationshipName": "relationship_name",
    "ReservePrice": "reserve_price",
    "RetailPrice": "retail_price",
    "SecondChancePrice": "second_chance_price",
    "StartingPrice": "starting_price",
    "StoreDescription": "store_description",
    "StorePrice": "store_price",
    "StoreTitle": "store_title",
    "SupplierCode": "supplier_code",
    "SupplierName": "supplier_name",
    "SupplierPO": "supplier_po",
    "TaxProductCode": "tax_product_code",
    "UPC": "upc",
    "VaryBy": "vary_by",
    "WarehouseLocation": "warehouse_location",
    "Warranty": "warranty",
    "Weight": "weight",
    "Width": "width",
}
"""Properties that are fields of the entity itself (`rules.ENTITY_FIELDS`), enumerations apart."""

OF_PRODUCT: Mapping[str, str] = {
    "Brand": "brand",
    "Classification": "type",
    "Description": "description",
    "Manufacturer": "manufacturer",
    "ShortDescription": "short_description",
    "Subtitle": "subtitle",
}
"""Properties that a product has once, for itself and all of its children (`rules.PRODUCT_FIELDS`)."""

ENUMERATIONS: Mapping[str, str] = {"Flag": "flag", "BundleType": "bundle_type"}
"""Properties that are fields of the entity itself as numbers."""

OF_PARTS: Mapping[str, str] = {
    "attributes": "Attributes",
    "components": "BundleComponents",
    "handle": "Sku",
    "hs_code": "HarmonizedCode",
    "images": "Images",
    "labels": "Labels",
    "name": "Name",
    "options": "Attributes",
    "placements": "Images",
    "sku": "Sku",
    "title": "Title",
    "variants": "Children",
}
"""What the catalogue calls a part of a product that is wrong, and OData does."""
