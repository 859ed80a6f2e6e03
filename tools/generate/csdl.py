"""`$metadata`: a model as CSDL XML 4.0 (https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01)."""

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from batchyard.odata.model import Collection, ComplexType, EntityType, EnumType, Model, Property

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"


def document(model: Model) -> str:
    """The metadata document of a model."""
    # Prefixes are written by hand, as clients read the document by them.
    root = Element("edmx:Edmx", {"xmlns:edmx": _EDMX, "Version": "4.0"})
    services = SubElement(root, "edmx:DataServices")
    schema = SubElement(services, "Schema", {"xmlns": _EDM, "Namespace": model.namespace})
    for enum in model.enums:
        kind = SubElement(schema, "EnumType", Name=enum.name, UnderlyingType="Edm.Int32", IsFlags="false")
        for name, number in enum.members.items():
            SubElement(kind, "Member", Name=name, Value=str(number))
    for one in model.complex_types:
        _properties(SubElement(schema, "ComplexType", Name=one.name), model, one.properties.values())
    for one_type in model.types.values():
        _entity_type(schema, model, one_type)
    for action in model.actions.values():
        element = SubElement(schema, "Action", Name=action.name, IsBound="true")
        SubElement(element, "Parameter", Name="bindingParameter", Type=_name(model, action.type))
        SubElement(element, "Parameter", Name="Value", Type=_name(model, action.value))
    container = SubElement(schema, "EntityContainer", Name="Container")
    for found in model.sets.values():
        SubElement(container, "EntitySet", Name=found.name, EntityType=_name(model, found.type))
    text = tostring(root, encoding="unicode").replace(" />", "/>")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'


def _entity_type(schema: Element, model: Model, found: EntityType) -> None:
    element = SubElement(schema, "EntityType", Name=found.name)
    key = SubElement(element, "Key")
    for name in found.key:
        SubElement(key, "PropertyRef", Name=name)
    _properties(element, model, found.properties.values())
    for navigation in found.navigations.values():
        target = _name(model, model.target(navigation))
        shown = f"Collection({target})" if navigation.many else target
        SubElement(element, "NavigationProperty", Name=navigation.name, Type=shown)


def _properties(element: Element, model: Model, properties: Iterable[Property]) -> None:
    for one in properties:
        facets: Mapping[str, str] = {} if one.nullable else {"Nullable": "false"}
        SubElement(element, "Property", {"Name": one.name, "Type": _name(model, one.type), **facets})


def _name(model: Model, kind: str | EnumType | ComplexType | Collection) -> str:
    if isinstance(kind, str):
        return kind
    if isinstance(kind, Collection):
        return f"Collection({_name(model, kind.of)})"
    return f"{model.namespace}.{kind.name}"
