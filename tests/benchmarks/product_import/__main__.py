"""All of it."""

from __future__ import annotations

from tests.benchmarks.product_import.canceling import canceling
from tests.benchmarks.product_import.costs import of_the_store
from tests.benchmarks.product_import.reading import reading
from tests.benchmarks.product_import.through_the_engine import through_the_engine
from tests.benchmarks.report import Result, main


def run() -> list[Result]:
    return [through_the_engine(), reading(), of_the_store(), canceling()]


if __name__ == "__main__":
    main(run)
