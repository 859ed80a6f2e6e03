"""CloudFormation's YAML as data and back: `!GetAtt A.Arn` is `{"GetAtt": "A.Arn"}` here."""

import json
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            return {suffix: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {suffix: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {suffix: loader.construct_mapping(node, deep=True)}
        case _:
            raise TypeError(f"{node} is no YAML of a template")


_Loader.add_multi_constructor("!", _intrinsic)


def parsed(text: str) -> Any:
    """A template, or a part of one."""
    return yaml.load(text, Loader=_Loader)


def reference(value: dict[str, str]) -> str:
    """An intrinsic function with one argument, as it is written in a block."""
    [(function, argument)] = value.items()
    return f"!{function} {argument}"


def target(value: dict[str, str]) -> str:
    """The logical ID in a `!Ref` or `!GetAtt`."""
    return str(value.get("Ref") or value["GetAtt"]).partition(".")[0]


def as_list(value: Any) -> list[Any]:
    """What may be given as one thing or as a list of them."""
    return value if isinstance(value, list) else [value]


def quoted(text: str) -> str:
    """A text as a scalar that YAML takes for nothing else: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
