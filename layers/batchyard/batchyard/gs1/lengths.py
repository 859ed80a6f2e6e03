"""Lengths as SVG and PDF write them."""


def decimal(length: float) -> str:
    """A length with four decimals at most: neither format knows exponents everywhere."""
    return f"{length:.4f}".rstrip("0").rstrip(".")
