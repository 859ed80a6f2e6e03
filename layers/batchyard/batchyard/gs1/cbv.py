"""Words of GS1's Core Business Vocabulary (CBV 2.0) for what happens to a serial."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """What a move of a serial is called in EPCIS.

    Attributes:
        action: Whether the identifier's life begins (`ADD`), goes on (`OBSERVE`) or ends (`DELETE`) with it.
        biz_step: What was done to the item.
        disposition: What the item is from then on.
    """

    action: str
    biz_step: str
    disposition: str
