"""Requests to entity sets, from the API Gateway event to the answer.

What a set does is its family's (`Service`); here is what OData says about all of them: where URLs lead, which methods
there are, query options, pages, entity tags, and the JSON of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Names
from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from batchyard.echoes import echo
from batchyard.errors import (
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    NotSupported,
    UnsupportedMediaType,
)
from batchyard.http import bodies
from batchyard.http.answers import must_fit, size_in_lambda
from batchyard.http.bounds import read_json
from batchyard.http.caller import caller
from batchyard.http.preconditions import Preconditions
from batchyard.http.urls import base_url, header, parameters
from batchyard.jsontext import dumps
from batchyard.odata import lists, payload, planning
from batchyard.odata.model import ComplexType, EntitySet, Model
from batchyard.odata.multipart import media_type_of
from batchyard.odata.negotiation import (
    has_numbers_as_texts,
    preferred_page,
    prefers,
    wants_numbers_as_texts,
)
from batchyard.odata.places import Places
from batchyard.odata.query import options as query
from batchyard.odata.query.options import Options
from batchyard.odata.representation import Shape, plain
from batchyard.odata.sets import Change, Create, Key, Readable, Remove, Row, Writable, Write
from batchyard.odata.targets import Document, Kind, Target, resolve
from batchyard.odata.urls import Segment
from batchyard.store.measuring import measuring

LARGEST_PAGE = 5_000_000
"""Bytes of a page, as Lambda counts them."""

LONGEST_QUERY = 64 * 1024
"""Bytes of a query in a body."""

EXPLANATION = "@batchyard.explain"
"""The annotation that tells how a list was found: the plan's name, calls of the store, and units that they consumed."""

JSON = "application/json; odata.metadata=minimal; odata.streaming=true"
VERSION: Mapping[str, str] = {"OData-Version": "4.0"}

_READS = ("GET", "HEAD")


class Answer(NamedTuple):
    """What a client gets.

    Attributes:
        status: The HTTP status.
        headers: The headers.
        body: The body.
    """

    status: int
    headers: Mapping[str, str]
    body: str = ""


class Tag(NamedTuple):
    """Which state of an entity an answer shows.

    Attributes:
        whole: Changes with everything that the entity shows.
        own: Changes with what `If-Match` is about; it is the whole one up to the point in it (`Preconditions`).
    """

    whole: str
    own: str


class Service(NamedTuple):
    """What there is, and who reads it.

    Attributes:
        model: The entity data model.
        metadata: It as CSDL.
        readable: How an entity set is read, by its name.
        tag: The tag of an entity; None for one that has none.
        writable: How an entity set is written, by its name.
    """

    model: Model
    metadata: str
    readable: Callable[[str], Readable]
    tag: Callable[[Row], Tag | None]
    writable: Callable[[str], Writable]


type Pairs = Sequence[tuple[str, str]]


def respond(
    event: Mapping[str, Any],
    segments: Sequence[Segment],
    service: Service,
    time_is_up: Callable[[], bool],
    *,
    may_explain: bool = False,
) -> Answer:
    """The answer to a request.

    Args:
        event: Its API Gateway event.
        segments: Its path below the service's root.
        service: What there is.
        time_is_up: Whether a list may look at no more.
        may_explain: Whoever asks may be told how a list was found, and what that cost (`Prefer: explain`).

    Raises:
        BatchyardError: It is refused.
    """
    exchange = _Exchange(event, service, time_is_up, explains=may_explain and prefers(event, "explain"))
    return exchange.answer(resolve(segments, service.model))


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, event: Mapping[str, Any], service: Service, time_is_up: Callable[[], bool], *, explains: bool
    ) -> None:
        self._event = event
        self._service = service
        self._time_is_up = time_is_up
        self._explains = explains
        self._root = f"{base_url(event)}/v1/"
        # The query's names and values. One that has neither is left behind by clients that put pieces together.
        several = parameters(event).items()
        self._pairs: Pairs = [(name, value) for name, values in several for value in values if name or value]
        given = (value for name, value in self._pairs if name.lower() in {"$format", "format"})
        self._texts = wants_numbers_as_texts(event, next(given, None))
        self._json_type = JSON + ("; IEEE754Compatible=true" if self._texts else "")

    def answer(self, target: Target | Document) -> Answer:
        """What a request to a target is answered."""
        if isinstance(target, Document):
            self._must_be(_READS)
            return self._service_document() if target is Document.SERVICE else self._metadata()
        served = self._served(target)
        self._must_be(served)
        return served[self._event["httpMethod"]](target)

    def _must_be(self, methods: Iterable[str]) -> None:
        method = self._event["httpMethod"]
        if method not in methods:
            raise MethodNotAllowed(method, list(methods))

    def _served(self, target: Target) -> Mapping[str, Callable[[Target], Answer]]:
        """What answers each method of a target."""
        reading = {
            Kind.ENTITIES: self._entities,
            Kind.COUNT: self._count,
            Kind.ENTITY: self._entity,
            Kind.RELATED: self._related,
            Kind.PROPERTY: self._property,
            Kind.VALUE: self._property,
        }
        served: dict[str, Callable[[Target], Answer]] = {}
        if target.kind in reading:
            served = dict.fromkeys(_READS, reading[target.kind])
        writable = self._service.writable(target.entity_set.name)
        match target.kind:
            case Kind.QUERY:
                served["POST"] = self._query
            case Kind.ACTION:
                served["POST"] = self._act
            case Kind.ENTITIES if target.navigation is None and writable.create is not None:
                served["POST"] = partial(self._create, writable.create, writable.nested)
            case Kind.ENTITY:
                if writable.change is not None:
                    served |= dict.fromkeys(("PATCH", "PUT"), partial(self._change, writable.change))
                if writable.remove is not None:
                    served["DELETE"] = partial(self._remove, writable.remove)
            case _:
                pass
        return served

    # What tells of the service itself.

    def _service_document(self) -> Answer:
        query.must_have_no_options(self._pairs)
        sets = [{"name": name, "kind": "EntitySet", "url": name} for name in self._service.model.sets]
        return _json({"@odata.context": f"{self._root}$metadata", "value": sets})

    def _metadata(self) -> Answer:
        query.must_have_no_options(self._pairs, query.XML)
        return Answer(HTTPStatus.OK, {"Content-Type": "application/xml", **VERSION}, self._service.metadata)

    # Several entities.

    def _entities(self, target: Target) -> Answer:
        return self._several(target, self._pairs)

    def _query(self, target: Target) -> Answer:
        media_type = media_type_of(header(self._event, "Content-Type") or "text/plain")
        if media_type != "text/plain":
            raise UnsupportedMediaType(media_type)
        text = bodies.text(self._event).strip().removeprefix("?")
        if len(text) > LONGEST_QUERY:
            raise Malformed(f"The query has {len(text)} characters, of {LONGEST_QUERY} that it can have.")
        return self._several(target, [*self._pairs, *parse_qsl(text, keep_blank_values=True)])

    def _several(self, target: Target, pairs: Pairs) -> Answer:
        found = self._shown(target)
        options = query.parse_options(pairs, found.type, self._service.model)
        shape = Shape(self._service.model, found.type, options, texts=self._texts)
        texts: list[str] = []
        size = 0

        def fits(row: Row) -> bool:
            nonlocal size
            text = shape.text(row)
            size += size_in_lambda(text) + 1
            if texts and size > LARGEST_PAGE:
                return False
            texts.append(text)
            return True

        largest, applied = self._page(found)
        most = largest if options.top is None else min(largest, options.top)
        told: dict[str, Any] = {"@odata.context": f"{self._root}$metadata#{found.name}{shape.selected}"}
        with measuring() if self._explains else nullcontext() as measured:
            if target.navigation is not None:
                name = f"{target.navigation.name} of one {target.entity_set.type.name}"
                page = lists.page_of_list(self._row(target)[target.navigation.name], options, most, fits)
            else:
                readable = self._service.readable(found.name)
                plan = planning.plan(readable, options)
                name = plan.name
                places = Places(caller().token, found.name, plan, options)
                page = lists.page(readable, plan, places.begun(), most, fits, self._time_is_up)
                places.keep(page, most)
        if measured is not None:
            told[EXPLANATION] = {"plan": name, "calls": measured.calls, "units": measured.units}
        counted = {} if page.total is None else {"@odata.count": shape.count(page.total)}
        link = self._next(target, pairs, options, page)
        end = {} if link is None else {"@odata.nextLink": link}
        body = f'{dumps(told | counted)[:-1]},"value":[{",".join(texts)}]'
        headers = {
            "Content-Type": self._json_type,
            **VERSION,
            **({"Preference-Applied": ", ".join(applied)} if applied else {}),
        }
        return Answer(HTTPStatus.OK, headers, must_fit(f"{body}{_tail(end)}"))

    def _page(self, found: EntitySet) -> tuple[int, Sequence[str]]:
        """How many entities a page of a set holds at most, and what the client prefers that comes about."""
        applied = ["explain"] if self._explains else []
        preferred = preferred_page(self._event)
        if preferred is None or preferred[1] > found.page:
            return found.page, applied
        return preferred[1], [*applied, preferred[0]]

    def _count(self, target: Target) -> Answer:
        found = self._shown(target)
        options = query.parse_options(self._pairs, found.type, self._service.model)
        if target.navigation is not None:
            rows = self._row(target)[target.navigation.name]
            number: int | None = len(lists.of_list(rows, options).rows)
        else:
            readable = self._service.readable(found.name)
            number = lists.counted(readable, planning.plan(readable, options), options, self._time_is_up)
        if number is None:
            raise NotSupported("There are too many to be counted by this filter.")
        return Answer(HTTPStatus.OK, {"Content-Type": "text/plain", **VERSION}, str(number))

    def _shown(self, target: Target) -> EntitySet:
        """The entity set of what is shown."""
        if target.navigation is None:
            return target.entity_set
        return self._service.model.set_of(self._service.model.target(target.navigation))

    def _next(self, target: Target, pairs: Pairs, options: Options, page: lists.Page) -> str | None:
        """The URL of the next page: all that was asked, a number for those who read one, and where the page begins."""
        if page.next is None:
            return None
        rest = None if options.top is None else options.top - len(page.rows)
        if rest is not None and rest <= 0:
            return None
        skipped = (options.skip or 0) + len(page.rows)
        kept = [(name, value) for name, value in pairs if name.lower().lstrip("$") not in _REPLACED]
        kept += [] if rest is None else [("$top", str(rest))]
        kept += [("$skip", str(skipped)), ("$skiptoken", page.next.text())]
        query_string = "&".join(f"{quote(name, safe='$')}={quote(value, safe=_OF_QUERIES)}" for name, value in kept)
        path = target.entity_set.name
        if target.navigation is not None:
            path += f"{_key_text(target.entity_set, target.key)}/{target.navigation.name}"
        return f"{self._root}{path}?{query_string}"

    # One entity.

    def _entity(self, target: Target) -> Answer:
        shape = self._shape(target.entity_set)
        return self._one(target.entity_set, shape, self._row(target))

    def _related(self, target: Target) -> Answer:
        assert target.navigation is not None  # noqa: S101 (for the type checker: it is this kind of target)
        found = self._shown(target)
        shape = self._shape(found)
        row = self._row(target)[target.navigation.name]
        if row is None:
            raise NotFound
        return self._one(found, shape, row)

    def _shape(self, found: EntitySet) -> Shape:
        """What the query wants to see of one entity."""
        options = query.parse_options(self._pairs, found.type, self._service.model, of_one=True)
        return Shape(self._service.model, found.type, options, texts=self._texts)

    def _one(self, found: EntitySet, shape: Shape, row: Row) -> Answer:
        tag = self._service.tag(row)
        headers = {"Content-Type": self._json_type, **VERSION}
        if tag is not None:
            headers["ETag"] = tag.whole
        context = f"{self._root}$metadata#{found.name}{shape.selected}/$entity"
        return Answer(HTTPStatus.OK, headers, must_fit(shape.text(row, **{"@odata.context": context})))

    def _property(self, target: Target) -> Answer:
        assert target.member is not None  # noqa: S101 (for the type checker: it is this kind of target)
        query.must_have_no_options(self._pairs, query.JSON if target.kind is Kind.PROPERTY else _AS_TEXT)
        texts = self._texts and target.kind is Kind.PROPERTY
        value = plain(target.member, self._row(target)[target.member.name], texts=texts)
        found = target.entity_set
        if value is None:
            return _DONE
        if target.kind is Kind.VALUE:
            text = value if isinstance(value, str) else dumps(value)
            return Answer(HTTPStatus.OK, {"Content-Type": "text/plain;charset=utf-8", **VERSION}, must_fit(text))
        entity = self._url(found, target.key).removeprefix(self._root)
        context = f"{self._root}$metadata#{entity}/{target.member.name}"
        return _json({"@odata.context": context, "value": value}, self._json_type)

    # Writes.

    def _create(self, create: Create, nested: frozenset[str], target: Target) -> Answer:
        found = target.entity_set
        # Before anything is made: who is told of an error sends it again.
        shape = self._shape(found)
        given = self._read(self._body(), found.type, nested)
        row = create(given, self._write())
        location = self._url(found, tuple(row[name] for name in found.type.key))
        shown = self._one(found, shape, row)
        return shown._replace(status=HTTPStatus.CREATED, headers={**shown.headers, "Location": location})

    def _change(self, change: Change, target: Target) -> Answer:
        found = target.entity_set
        given = self._read(self._body(), found.type)
        change(target.key, _without_key(given, found, target.key), self._write())
        # It may have been made, which a 204 does not tell (OData 4.01, 8.3.4).
        return _DONE._replace(headers={**VERSION, "OData-EntityId": self._url(found, target.key)})

    def _url(self, found: EntitySet, key: Key) -> str:
        """Where an entity is found; what is no ASCII, which headers do not hold, is percent-encoded."""
        return self._root + quote(f"{found.name}{_key_text(found, key)}", safe=_OF_PATHS)

    def _remove(self, remove: Remove, target: Target) -> Answer:
        remove(target.key, self._write())
        return _DONE

    def _act(self, target: Target) -> Answer:
        assert target.action is not None  # noqa: S101 (for the type checker: it is this kind of target)
        body = self._body()
        if not isinstance(body, Mapping) or not isinstance(body.get("Value"), Mapping):
            raise Malformed(f'The body of {target.action.name} is {{"Value": {{…}}}}.')
        for name in body:
            if name != "Value" and "@" not in name:
                raise Invalid({echo(name): [f'{target.action.name} has no parameter "{echo(name)}".']})
        given = self._read(body["Value"], target.action.value)
        act = self._service.writable(target.entity_set.name).actions[target.action.name]
        act(target.key, given, self._write())
        return _DONE

    def _read(self, body: Any, shape: ComplexType, nested: Names[str] = ()) -> payload.Values:
        texts = has_numbers_as_texts(self._event)
        return payload.read(body, shape, self._service.model, nested, texts=texts)

    def _write(self) -> Write:
        by = str(self._event["requestContext"].get("requestId") or "request")
        return Write(by, Preconditions.of(self._event))

    def _body(self) -> Any:
        """The body as JSON says it; without one, an object that says nothing."""
        text = bodies.text(self._event)
        if not text.strip():
            return {}
        media_type = media_type_of(header(self._event, "Content-Type") or "application/json")
        if media_type != "application/json":
            raise UnsupportedMediaType(media_type)
        return read_json(text, once=True)

    def _row(self, target: Target) -> Row:
        """The entity of a target's key.

        Raises:
            NotFound: There is none.
        """
        return row_of(self._service.readable(target.entity_set.name), target.key)


def row_of(readable: Readable, key: Key) -> Row:
    """The entity of a key.

    Raises:
        NotFound: There is none.
    """
    names = readable.set.type.key
    number = key[names.index(readable.number)]
    rows = readable.rows([int(number)])(int(number))
    found = next((row for row in rows if all(row[name] == part for name, part in zip(names, key, strict=True))), None)
    if found is None:
        raise NotFound(f"There is no {readable.set.type.name} {_key_text(readable.set, key)}.")
    return found


def _without_key(given: Mapping[str, Any], found: EntitySet, key: Key) -> Mapping[str, Any]:
    """What is given apart from the key, which has to be that of the URL."""
    for name, part in zip(found.type.key, key, strict=True):
        if given.get(name, part) != part:
            raise Invalid({name: [f"{name} is {part} in the URL."]})
    return {name: value for name, value in given.items() if name not in found.type.key}


_DONE = Answer(HTTPStatus.NO_CONTENT, VERSION)
_AS_TEXT = frozenset({"text", "text/plain", *query.JSON})
_REPLACED = frozenset({"skip", "skiptoken", "top", "access_token"})
_OF_PATHS = "$'(),:=@"
# API Gateway takes a semicolon for the end of a parameter.
_OF_QUERIES = "$'(),:/@"


def _key_text(found: EntitySet, key: Key) -> str:
    if len(key) == 1:
        return f"({key[0]})"
    return str(Segment("", dict(zip(found.type.key, key, strict=True))))


def _json(told: Mapping[str, Any], media_type: str = JSON) -> Answer:
    return Answer(HTTPStatus.OK, {"Content-Type": media_type, **VERSION}, must_fit(dumps(told)))


def _tail(told: Mapping[str, Any]) -> str:
    return f",{dumps(told)[1:]}" if told else "}"
