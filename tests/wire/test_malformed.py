"""Whatever bytes come, an adapter gives batches with refusals or one WireError, soon, and never anything else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.ingest.admission import Terms, admit
from sojourn.ingest.check import is_id
from sojourn.rules.definitions import Catalog
from sojourn.rules.sessions import FrontendType, SessionPolicy
from sojourn.wire.native import WireError

from .bodies import READERS, RECEIVED_AT, Recorded, recorded

TERMS = Terms("shop", SessionPolicy.default(FrontendType.WEB), Catalog())
RECORDED = recorded()
LARGE = 10 << 20


def read(one: Recorded) -> int:
    """Read a body, check what came out, and say how many events ingest took; -1 for a body that is refused."""
    try:
        parsed = one.read()
    except WireError as error:
        told = str(error)
        assert 0 < len(told) < 2000
        return -1
    places: list[int] = []
    taken = 0
    for batch in parsed:
        assert is_id(batch.batch.instance_id)
        assert len(batch.positions) == len(batch.batch.events)
        places += [*batch.positions, *(refusal.index for refusal in batch.refusals)]
        admitted = admit(batch, TERMS, RECEIVED_AT)
        assert admitted.receipt.accepted + len(admitted.receipt.rejected) == len(batch.batch.events) + len(
            batch.refusals
        )
        taken += admitted.receipt.accepted
    assert len(set(places)) == len(places)
    return taken


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.client)
def test_a_whole_body_is_taken_whole(one):
    assert read(one) == sum(len(batch.batch.events) for batch in one.read()) > 0


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.client)
def test_cut_at_every_byte(one):
    whole = read(one)
    taken = [read(Recorded(one.client, one.codec, one.body[:cut])) for cut in range(len(one.body))]
    assert max(taken) <= whole
    if one.codec == "openkit":
        # Only here can the beginning of a body be read without its end: all but the record that is cut are taken.
        records = [one.body[:cut].count(b"&et=") for cut in range(len(one.body))]
        assert all(count >= found - 1 for count, found in zip(taken, records, strict=True))
    elif one.codec != "otlp_protobuf":
        assert set(taken) == {-1}


def mutations(body: bytes) -> st.SearchStrategy[bytes]:
    piece = st.tuples(st.integers(0, len(body)), st.integers(0, 20), st.binary(max_size=12))

    def apply(pieces: list[tuple[int, int, bytes]]) -> bytes:
        mutated = body
        for at, length, new in pieces:
            mutated = mutated[:at] + new + mutated[at + length :]
        return mutated

    return st.lists(piece, min_size=1, max_size=6).map(apply)


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.client)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_mutations(one, data):
    read(Recorded(one.client, one.codec, data.draw(mutations(one.body))))


@pytest.mark.parametrize("codec", READERS)
@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=300))
def test_random_bytes(codec, body):
    read(Recorded("nobody", codec, body))


def deep_protobuf(levels: int) -> bytes:
    """A record whose attribute nests lists."""

    def field(number: int, content: bytes) -> bytes:
        size, length = len(content), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    record = field(6, field(1, b"event_properties.deep") + field(2, value))
    return field(1, field(2, field(2, record)))


def deep_json(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def deep_value(levels: int) -> str:
    inner = '{"kvlistValue":{"values":[{"key":"a","value":' * levels + '{"intValue":1}' + "}]}}" * levels
    return f'{{"key":"event_properties","value":{inner}}}'


PREFIX = b"ap=shop&vi=7&sn=1&tv=1795573251000&tx=1795573251000"
DEEP = [20, 400, 100_000]


@pytest.mark.parametrize("levels", DEEP)
@pytest.mark.parametrize("codec", READERS)
def test_deep_nesting(codec, levels):
    call = '{"type":"track","anonymousId":"a","event":"x","properties":%s}'
    record = '{"eventName":"x","attributes":[%s]}'
    good = '{"type":"track","anonymousId":"a","event":"good"}'
    body = {
        "openkit": PREFIX + b"&et=98&pl=" + deep_json(levels).encode() + b"&et=10&na=good&s0=4",
        "segment": f'{{"batch":[{good},{call % deep_json(levels)}]}}'.encode(),
        "otlp_json": (
            '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"good"},%s]}]}]}'
            % (record % deep_value(levels))
        ).encode(),
        "otlp_protobuf": deep_protobuf(min(levels, 2000)),
    }[codec]
    taken = read(Recorded("deep", codec, body))
    if levels == 20:
        assert taken > 0


def numbered(count: int) -> bytes:
    return b",".join(b'"k%d":1' % i for i in range(count))


CALL = b'{"type":"track","anonymousId":"a","properties":{%s}}'
LARGE_BODIES = {
    "openkit-separators": ("openkit", PREFIX + b"&" * LARGE),
    "openkit-records": ("openkit", PREFIX + b"&et=1" * (LARGE // 5)),
    "openkit-many-good": ("openkit", PREFIX + b"&et=10&s0=3" * 50_000),
    "openkit-one-name": ("openkit", PREFIX + b"&et=10&s0=3&na=" + b"%F0%9F" * (LARGE // 6)),
    "openkit-digits": ("openkit", PREFIX + b"&et=13&s0=3&na=x&vl=" + b"9" * LARGE),
    "segment-numbers": ("segment", b'{"batch":[' + b"1," * (LARGE // 2) + b"1]}"),
    "segment-keys": ("segment", b'{"batch":[%s]}' % (CALL % numbered(LARGE // 12))),
    "segment-long-key": ("segment", b'{"batch":[%s]}' % (CALL % (b'"%s":{"a":{"b":1}}' % (b"k" * LARGE)))),
    "otlp-json-records": ("otlp_json", b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"1," * LARGE + b"1]}]}]}"),
    "otlp-json-resources": ("otlp_json", b'{"resourceLogs":[' + b"{}," * 1_300_000 + b"{}]}"),
    "otlp-json-large-resource": (
        "otlp_json",
        b'{"resourceLogs":[{"resource":{"attributes":[{"key":"%s","value":{}}]},"scopeLogs":[{"logRecords":[%s{}]}]}]}'
        % (b"k" * (3 << 20), b"{}," * 40_000),
    ),
    "otlp-json-properties-of-a-resource": (
        "otlp_json",
        b'{"resourceLogs":[{"resource":{"attributes":[%s]},"scopeLogs":[{"logRecords":[%s{}]}]}]}'
        % (b",".join(b'{"key":"event_properties.k%d"}' % n for n in range(50_000)), b"{}," * 40_000),
    ),
    "otlp-protobuf-resources": ("otlp_protobuf", b"\x0a\x00" * (2 << 20)),
    "otlp-protobuf-too-large": ("otlp_protobuf", b"\x0a\x00" * (LARGE // 2)),
    # One resource with one scope of two million empty records.
    "otlp-protobuf-records": ("otlp_protobuf", b"\x0a\x85\xc2\xf0\x01\x12\x80\xc2\xf0\x01" + b"\x12\x00" * 1_970_304),
}


@pytest.mark.parametrize("name", LARGE_BODIES)
def test_megabytes_are_read_or_refused_soon(name):
    codec, body = LARGE_BODIES[name]
    began = time.process_time()
    try:
        parsed = Recorded(name, codec, body).read()
    except WireError:
        parsed = []
    assert len(parsed) <= 1
    assert time.process_time() - began < 5, "seconds of work"
