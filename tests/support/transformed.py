"""What SAM makes of template.yaml, as CloudFormation gets to see it; by SAM's own packages, which are not ours."""

import json
import subprocess
from functools import cache
from typing import Any

from tools.generate import ROOT

_SAM = ROOT / ".local" / "tools" / "sam" / "bin" / "python"
# Where the packages are does not change what is made of them.
_TRANSFORM = """
import json, os, sys
os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
template = yaml_parse(sys.stdin.read())
template["Globals"]["Function"]["CodeUri"] = "s3://packages/functions"
for resource in template["Resources"].values():
    if "ContentUri" in resource["Properties"]:
        resource["Properties"]["ContentUri"] = "s3://packages/layer"
defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
print(json.dumps(Translator({}, Parser()).translate(template, parameter_values=defaults)))
"""


def resources() -> dict[str, dict[str, Any]]:
    """The resources by their logical IDs."""
    return dict(template()["Resources"])


@cache
def template() -> dict[str, Any]:
    """All of it."""
    made = subprocess.run(
        [_SAM, "-c", _TRANSFORM],
        input=(ROOT / "template.yaml").read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, f"`make setup` installs SAM; it says of the template:\n{made.stderr}"
    return dict(json.loads(made.stdout))


def of(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by their logical IDs."""
    return {name: one["Properties"] for name, one in resources().items() if one["Type"] == kind}
