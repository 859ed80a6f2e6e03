"""Atheris, with what each of the fuzzers here tells it."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris


def fuzz(name: str, check: Callable[[bytes], None], seeds: list[bytes], words: list[bytes]) -> None:
    """Runs a fuzzer as its command line asks for, until an input makes `check` raise, which is kept in `.local`.

    Args:
        name: What is fuzzed, for the help.
        check: Takes an input; raises where something is wrong.
        seeds: Inputs to begin with.
        words: What inputs are often made of.
    """
    parser = argparse.ArgumentParser(description=f"Fuzz {name}.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many inputs (%(default)s)")
    parser.add_argument("--longest", type=int, default=2048, help="bytes of the longest (%(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / str(number)).write_bytes(seed)
        dictionary.write_text("\n".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in words))
        options = [
            f"-runs={given.inputs}",
            f"-max_len={given.longest}",
            f"-dict={dictionary}",
            "-artifact_prefix=.local/fuzz-",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], check)
        atheris.Fuzz()
