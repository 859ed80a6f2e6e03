"""A small entity data model to ask queries of, with a row of it."""

from batchyard.odata.model import (
    BOOLEAN,
    DATE_TIME,
    DECIMAL,
    DOUBLE,
    INT32,
    INT64,
    STRING,
    Collection,
    EntitySet,
    EntityType,
    EnumType,
    Model,
    Navigation,
    Property,
)
from batchyard.odata.query import tokens
from batchyard.odata.query.parser import ExpressionParser
from batchyard.odata.query.syntax import Expression
from batchyard.odata.query.tokens import Scanner

FLAG = EnumType("FlagType", {"NoFlag": 0, "RedFlag": 1, "QuestionMark": 2, "BlueFlag": 7})
PRODUCT = EntityType(
    "Product",
    ("ID",),
    (
        Property("ID", INT32, nullable=False),
        Property("Sku", STRING),
        Property("Title", STRING),
        Property("Flag", FLAG, nullable=False),
        Property("Cost", DECIMAL),
        Property("Length", DECIMAL),
        Property("Weight", DOUBLE),
        Property("TotalQuantity", INT64),
        Property("IsParent", BOOLEAN),
        Property("UpdateDateUtc", DATE_TIME),
        Property("Tags", Collection(STRING)),
    ),
    (Navigation("Labels", "Label"), Navigation("Attributes", "Attribute"), Navigation("Children", "Child")),
)
LABEL = EntityType(
    "Label",
    ("ProductID", "Name"),
    (Property("ProductID", INT32, nullable=False), Property("Name", STRING, nullable=False)),
    (Navigation("Product", "Product", many=False),),
)
ATTRIBUTE = EntityType(
    "Attribute",
    ("ProductID", "Name"),
    (Property("ProductID", INT32), Property("Name", STRING), Property("Value", STRING)),
)
CHILD = EntityType(
    "Child",
    ("ParentProductID", "ChildProductID"),
    (Property("ParentProductID", INT32), Property("ChildProductID", INT32)),
    (Navigation("ChildProduct", "Product", many=False),),
)
MODEL = Model(
    "Shop.Models",
    (FLAG,),
    (),
    (
        EntitySet("Products", PRODUCT),
        EntitySet("Labels", LABEL),
        EntitySet("Attributes", ATTRIBUTE),
        EntitySet("Children", CHILD),
    ),
    (),
)

DAY = 86_400_000_000
ROW = {
    "ID": 3,
    "Sku": "O'NEIL",
    "Title": " it's ",
    "Flag": "RedFlag",
    "Cost": 2.5,
    "Length": None,
    "Weight": -0.5,
    "TotalQuantity": 0,
    "IsParent": False,
    # 2024-02-29T13:14:15.5Z
    "UpdateDateUtc": 19_782 * DAY + 47_655_500_000,
    "Labels": [{"ProductID": 3, "Name": "Sale"}, {"ProductID": 3, "Name": "New"}],
    "Attributes": [{"ProductID": 3, "Name": "Size", "Value": "13M"}, {"ProductID": 3, "Name": "Hue", "Value": None}],
    "Children": [],
}


def parse_filter(text: str, entity_type: EntityType, model: Model) -> Expression:
    """The condition that a `$filter` states.

    Args:
        text: The option's value, percent-decoded.
        entity_type: What it filters.
        model: Where the type is.

    Raises:
        MalformedQuery: It cannot be read, or names what the model has not.
    """
    scanner = Scanner("$filter", text)
    condition = ExpressionParser(scanner, entity_type, model).condition()
    if scanner.kind != tokens.END:
        raise scanner.unexpected("an operator or the end")
    return condition
