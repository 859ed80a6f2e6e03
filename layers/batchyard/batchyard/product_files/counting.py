"""How many things an import makes and changes."""

from typing import NamedTuple


class Operations(NamedTuple):
    """What an import does, counted.

    Attributes:
        products_created: How many products it makes.
        products_updated: How many products it changes, those included that stay as they are.
        variants_created: How many variants it makes.
        variants_updated: How many variants it changes, those included that stay as they are.
    """

    products_created: int = 0
    products_updated: int = 0
    variants_created: int = 0
    variants_updated: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)

    def plus(self, other: "Operations") -> "Operations":
        """Both together."""
        return Operations(*map(sum, zip(self, other, strict=True)))

    def to_answer(self) -> dict[str, int]:
        """They as `result.operations` has them."""
        return dict(zip(("PRODUCT_CREATE", "PRODUCT_UPDATE", "VARIANT_CREATE", "VARIANT_UPDATE"), self, strict=True))

    def told(self) -> str:
        """They in the words that clients know, down to the blanks."""
        return (
            f"There will be {self.products_created} products created ({self.products_updated}  updated).\n"
            f"             {self.variants_created} variants will be created and {self.variants_updated} updated"
        )
