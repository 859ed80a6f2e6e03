"""The catalogue's entity data model: every type, entity set and action, in the order of `$metadata`.

Names, types and lengths are those that existing clients know.
"""

from collections.abc import Iterator

from batchyard.catalogue.rules import LONGEST_TEXT
from batchyard.odata.model import (
    BOOLEAN,
    DATE_TIME,
    DECIMAL,
    DOUBLE,
    INT32,
    INT64,
    STRING,
    Action,
    Collection,
    ComplexType,
    EntitySet,
    EntityType,
    EnumType,
    Model,
    Navigation,
    Property,
)

LONGEST_SKU, LONGEST_TITLE = 50, 120
LONGEST_ATTRIBUTE_NAME, LONGEST_ATTRIBUTE_VALUE = 32, 32_000
LONGEST_PLACEMENT, LONGEST_URL, LONGEST_LABEL = 50, 255, 50


def _numbered(*names: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


FLAG = EnumType(
    "FlagType",
    _numbered(
        "NoFlag",
        "RedFlag",
        "QuestionMark",
        "NotAvailable",
        "Price",
        "YellowFlag",
        "GreenFlag",
        "BlueFlag",
        "NotSpecified",
        "ItemCopied",
        "ExclamationPoint",
    ),
)
BUNDLE = EnumType("BundleType", _numbered("None", "BundleComponent", "BundleItem", "AssemblyBundleItem"))
PRODUCT_TYPE = EnumType("InventoryItemType", _numbered("Item", "Child", "Bundle", "Parent"))
ALIAS = EnumType("AliasType", _numbered("None", "Reference", "Alias"))
CENTRE = EnumType("DistributionCenterType", _numbered("Warehouse", "ExternallyManaged", "DropShip", "RetailStore"))
QUANTITY_UPDATE = EnumType(
    "QuantityUpdateType", _numbered("Absolute", "Relative", "Available", "InStock", "UnShipped", "Unconfirmed")
)

CENTRE_UPDATE = ComplexType("DCxQtyUpdate", (Property("DistributionCenterID", INT32), Property("Quantity", INT32)))
QUANTITY_REQUEST = ComplexType(
    "QuantityUpdateRequest",
    (
        Property("CompleteDCList", BOOLEAN),
        Property("UpdateType", QUANTITY_UPDATE),
        Property("Updates", Collection(CENTRE_UPDATE)),
    ),
)
ATTRIBUTE_UPDATE = ComplexType(
    "AttributeUpdate",
    (
        Property("Name", STRING, longest=LONGEST_ATTRIBUTE_NAME),
        Property("Value", STRING, longest=LONGEST_ATTRIBUTE_VALUE),
    ),
)
ATTRIBUTES_REQUEST = ComplexType("AttributesUpdateRequest", (Property("Attributes", Collection(ATTRIBUTE_UPDATE)),))
CHILDREN_REQUEST = ComplexType(
    "ChildrenRemoveRequest", (Property("ChildProductIDList", Collection(INT32), nullable=False),)
)


def _texts(*names: str) -> Iterator[Property]:
    return (Property(name, STRING, longest=LONGEST_TEXT) for name in names)


def _all(kind: str, *names: str, nullable: bool = True, computed: bool = False) -> Iterator[Property]:
    return (Property(name, kind, nullable=nullable, computed=computed) for name in names)


def _key(*properties: tuple[str, str]) -> Iterator[Property]:
    return (Property(name, kind, nullable=False) for name, kind in properties)


_PROFILE = Property("ProfileID", INT32, nullable=False, computed=True)

PRODUCT = EntityType(
    "Product",
    ("ID",),
    (
        Property("ID", INT32, nullable=False, computed=True),
        _PROFILE,
        *_all(DATE_TIME, "CreateDateUtc", "UpdateDateUtc", "QuantityUpdateDateUtc", computed=True),
        *_all(
            BOOLEAN,
            "IsAvailableInStore",
            "IsBlocked",
            "IsBlockedFromAdvertising",
            "IsExternalQuantityBlocked",
            "InfiniteQuantity",
        ),
        *_texts("BlockComment"),
        *_all(DATE_TIME, "BlockedDateUtc", "BlockedFromAdvertisingDateUtc", "ReceivedDateUtc"),
        *_all(DATE_TIME, "LastSaleDateUtc", computed=True),
        *_texts("ASIN", "Brand", "Condition", "Description", "EAN", "FlagDescription"),
        Property("Flag", FLAG, nullable=False),
        *_texts("HarmonizedCode", "ISBN", "Manufacturer", "MPN", "ShortDescription"),
        Property("Sku", STRING, longest=LONGEST_SKU),
        *_texts("Subtitle", "TaxProductCode"),
        Property("Title", STRING, longest=LONGEST_TITLE),
        *_texts("UPC", "WarehouseLocation", "Warranty"),
        Property("MultipackQuantity", INT32),
        *_all(DECIMAL, "Height", "Length", "Width"),
        Property("Weight", DOUBLE),
        *_all(
            DECIMAL,
            "Cost",
            "Margin",
            "RetailPrice",
            "StartingPrice",
            "ReservePrice",
            "BuyItNowPrice",
            "StorePrice",
            "SecondChancePrice",
            "MinPrice",
            "MaxPrice",
            "EstimatedShippingCost",
        ),
        *_texts("SupplierName", "SupplierCode", "SupplierPO", "Classification"),
        Property("IsDisplayInStore", BOOLEAN),
        *_texts("StoreTitle", "StoreDescription"),
        Property("BundleType", BUNDLE, nullable=False),
        Property("ProductType", PRODUCT_TYPE, nullable=False, computed=True),
        Property("TotalAvailableQuantity", INT32, computed=True),
        *_all(
            INT64,
            "OpenAllocatedQuantity",
            "OpenAllocatedQuantityPooled",
            "PendingCheckoutQuantity",
            "PendingCheckoutQuantityPooled",
            "PendingPaymentQuantity",
            "PendingPaymentQuantityPooled",
            "PendingShipmentQuantity",
            "PendingShipmentQuantityPooled",
            nullable=False,
            computed=True,
        ),
        *_all(INT64, "TotalQuantity", "TotalQuantityPooled", computed=True),
        *_all(
            INT32,
            "QuantitySoldLast7Days",
            "QuantitySoldLast14Days",
            "QuantitySoldLast30Days",
            "QuantitySoldLast60Days",
            "QuantitySoldLast90Days",
            computed=True,
        ),
        Property("IsParent", BOOLEAN),
        Property("IsInRelationship", BOOLEAN, computed=True),
        Property("CopyToChildren", BOOLEAN),
        *_all(STRING, "CopyToAliases", computed=True),
        Property("ParentProductID", INT32),
        *_all(STRING, "ParentSku", computed=True),
        Property("RelationshipName", STRING, longest=50),
        *_texts("VaryBy"),
        Property("AliasType", ALIAS, nullable=False, computed=True),
        *_all(STRING, "ReferenceSku", computed=True),
        *_all(INT32, "ReferenceProductID", computed=True),
    ),
    (
        Navigation("Attributes", "AttributeValue"),
        Navigation("DCQuantities", "DCQuantity"),
        Navigation("Images", "Image"),
        Navigation("Labels", "ProductLabel"),
        Navigation("BundleComponents", "ProductBundleComponent"),
        Navigation("Children", "ChildRelationship"),
        Navigation("AliasRelationships", "AliasRelationship"),
    ),
)

_OF_PRODUCT = (Navigation("Product", "Product", many=False),)

ATTRIBUTE_VALUE = EntityType(
    "AttributeValue",
    ("ProductID", "Name"),
    (
        *_key(("ProductID", INT32)),
        _PROFILE,
        Property("Name", STRING, nullable=False, longest=LONGEST_ATTRIBUTE_NAME),
        Property("Value", STRING, longest=LONGEST_ATTRIBUTE_VALUE),
    ),
    _OF_PRODUCT,
)
IMAGE = EntityType(
    "Image",
    ("ProductID", "PlacementName"),
    (
        *_key(("ProductID", INT32)),
        _PROFILE,
        Property("PlacementName", STRING, nullable=False, longest=LONGEST_PLACEMENT),
        Property("Abbreviation", STRING, computed=True),
        Property("Url", STRING, longest=LONGEST_URL),
    ),
    _OF_PRODUCT,
)
DC_QUANTITY = EntityType(
    "DCQuantity",
    ("ProductID", "DistributionCenterID"),
    (
        *_key(("ProductID", INT32)),
        _PROFILE,
        *_key(("DistributionCenterID", INT32), ("AvailableQuantity", INT32)),
    ),
    _OF_PRODUCT,
)
LABEL = EntityType(
    "ProductLabel",
    ("ProductID", "Name"),
    (*_key(("ProductID", INT32)), _PROFILE, Property("Name", STRING, nullable=False, longest=LONGEST_LABEL)),
    _OF_PRODUCT,
)
COMPONENT = EntityType(
    "ProductBundleComponent",
    ("ProductID", "ComponentID"),
    (
        *_key(("ProductID", INT32), ("ComponentID", INT32)),
        _PROFILE,
        Property("ComponentSku", STRING, longest=LONGEST_SKU),
        *_key(("Quantity", INT32)),
    ),
    _OF_PRODUCT,
)
CHILD = EntityType(
    "ChildRelationship",
    ("ParentProductID", "ChildProductID"),
    (*_key(("ParentProductID", INT32)), _PROFILE, *_key(("ChildProductID", INT32))),
    (Navigation("ChildProduct", "Product", many=False),),
)
ALIAS_RELATIONSHIP = EntityType(
    "AliasRelationship",
    ("AliasProductID", "ReferenceProductID", "ProfileID"),
    (
        *_key(("AliasProductID", INT32), ("ReferenceProductID", INT32)),
        _PROFILE,
        Property("AliasProductSku", STRING),
    ),
    _OF_PRODUCT,
)
PROFILE = EntityType(
    "Profile",
    ("ID",),
    (
        *_key(("ID", INT32)),
        *_all(STRING, "AccountName", "CompanyName", "CurrencyCode", "TimeZoneRegion", "TimeZoneDescription"),
        *_key(("DefaultDistributionCenterID", INT32)),
    ),
)
DISTRIBUTION_CENTRE = EntityType(
    "DistributionCenter",
    ("ID",),
    (
        *_key(("ID", INT32)),
        _PROFILE,
        *_all(STRING, "Name", "Code"),
        Property("Type", CENTRE),
        *_all(BOOLEAN, "IsExternallyManaged", "IsDeleted", nullable=False),
    ),
)

UPDATE_QUANTITY = Action("UpdateQuantity", PRODUCT, QUANTITY_REQUEST)
UPDATE_ATTRIBUTES = Action("UpdateAttributes", PRODUCT, ATTRIBUTES_REQUEST)
REMOVE_CHILDREN = Action("RemoveChildren", PRODUCT, CHILDREN_REQUEST)

MODEL = Model(
    "ChannelAdvisor.RestApi.V1.Models",
    (FLAG, BUNDLE, PRODUCT_TYPE, ALIAS, CENTRE, QUANTITY_UPDATE),
    (CENTRE_UPDATE, QUANTITY_REQUEST, ATTRIBUTE_UPDATE, ATTRIBUTES_REQUEST, CHILDREN_REQUEST),
    (
        EntitySet("Products", PRODUCT),
        EntitySet("AttributeValues", ATTRIBUTE_VALUE),
        EntitySet("Images", IMAGE),
        EntitySet("DCQuantities", DC_QUANTITY),
        EntitySet("ProductLabels", LABEL),
        EntitySet("ProductBundleComponents", COMPONENT),
        EntitySet("Children", CHILD),
        EntitySet("AliasRelationships", ALIAS_RELATIONSHIP),
        EntitySet("Profiles", PROFILE),
        EntitySet("DistributionCenters", DISTRIBUTION_CENTRE),
    ),
    (UPDATE_QUANTITY, UPDATE_ATTRIBUTES, REMOVE_CHILDREN),
)
