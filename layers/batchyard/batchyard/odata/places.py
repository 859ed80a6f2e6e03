"""Where `$skip` alone goes on: behind a page that the caller got of the same question, as far as that was kept.

Clients read the number in the URL of the next page, or count `$skip` up by themselves, and leave the `$skiptoken` out.
What they skip would be looked at for each page again; so it is kept where their pages ended.

Why: docs/decisions.md#skip-alone-goes-on-from-a-kept-place
"""

import hashlib
import logging

from batchyard.errors import Unavailable
from batchyard.odata.lists import Page, Token
from batchyard.odata.planning import Plan
from batchyard.odata.query.options import Options
from batchyard.odata.query.printing import printed
from batchyard.store import positions

logger = logging.getLogger("batchyard")


class Places:
    """Where pages of a caller's question begin. A place that is lost costs time, and nothing else.

    Args:
        caller: Whose walk through the pages this is.
        name: The entity set.
        plan: How it is looked at.
        options: What is asked.
    """

    def __init__(self, caller: str, name: str, plan: Plan, options: Options) -> None:
        self._options = options
        # What is at hand, or put in order in memory, has no places.
        self._has_places = options.skiptoken is None and not plan.few and not plan.sorts
        # A place holds how many there are in all, where what a filter accepts was counted.
        counts = options.with_count and options.filter is not None
        condition = None if options.filter is None else printed(options.filter)
        order = [(printed(one.expression), one.descending) for one in options.orderby]
        asked = repr((caller, name, plan.name, plan.descending, condition, order, counts))
        self._question = hashlib.sha256(asked.encode()).hexdigest()

    def begun(self) -> Options:
        """The question from the nearest place on that is known, as if the client had sent its `$skiptoken`."""
        skip = self._options.skip
        if not self._has_places or not skip:
            return self._options
        try:
            found = positions.nearest(self._question, skip)
        except Unavailable:
            logger.warning("a place in a list was not read")
            return self._options
        if found is None:
            return self._options
        number, text = found
        token = Token.of(text)
        return self._options._replace(skiptoken=token._replace(skip=token.skip + skip - number).text())

    def keep(self, page: Page, most: int) -> None:
        """Keeps where a page ended.

        Args:
            most: How many entities it had room for.
        """
        if not self._has_places or page.next is None:
            return
        # Who never asks for a second page need not pay for one: behind a full first page, it is not far.
        if self._options.filter is None and not self._options.skip and len(page.rows) == most:
            return
        token = page.next if self._options.filter is not None else page.next._replace(total=None)
        try:
            positions.keep(self._question, (self._options.skip or 0) + len(page.rows), token.text())
        except Unavailable:
            logger.warning("a place in a list was not kept")
