"""`python -m tools.events`: write the sample events in `events/`, which AWS would hand to each function.

They are for `sam local invoke`. `events/<package>/<module>.json` is what a function is there for, and
`<module>.<case>.json` a further case. All of them speak of `tools/sample_world.py`, and `tools/samples/` defines them.
"""

import json
from pathlib import Path

from tools.aws_events import Event
from tools.samples import SAMPLES

FOLDER = Path(__file__).resolve().parents[1] / "events"


def text_of(event: Event) -> str:
    """An event as its file holds it."""
    return json.dumps(event, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Writes the files anew, and removes those that no sample has any more."""
    for file in FOLDER.rglob("*.json"):
        file.unlink()
    for name, sample in SAMPLES.items():
        file = FOLDER / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text_of(sample.event))
    print(f"{len(SAMPLES)} events in {FOLDER.name}/")


if __name__ == "__main__":
    main()
