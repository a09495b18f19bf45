"""The envelope: what goes in comes out, any language can read it, and nothing hostile gets in."""

from __future__ import annotations

import typing

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import AcetateError
from shared.messages import (
    MAX_PARTS,
    AnyAnswer,
    AnyRequest,
    Chunk,
    Error,
    ErrorInfo,
    Fetch,
    Have,
    Hello,
    JobAnswer,
    JobEvent,
    JobState,
    JobStatus,
    Limits,
    ModelInfo,
    Put,
    ServerInfo,
    Submit,
    Watch,
    Watched,
    Welcome,
)
from shared.wire import (
    MAGIC,
    MAX_HEADER_BYTES,
    check_proto,
    decode_answer,
    decode_request,
    encode,
    request_number,
)

HASH = "ab" * 32


def _pack(value: object) -> bytes:
    data = msgpack.packb(value)
    assert isinstance(data, bytes)
    return data


KEY = "0f" * 16
numbers = st.integers(0, 2**53)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
words = st.text(max_size=64)
texts = st.text(max_size=1000)
keys = st.text("0123456789abcdef", min_size=32, max_size=32)
ids = st.text("0123456789abcdef", min_size=4, max_size=32)
small = st.integers(0, 2**31)
finite = st.floats(allow_nan=False, allow_infinity=False)
errors = st.builds(
    ErrorInfo, code=words, name=words, text=texts, hint=texts, fix=words, detail=texts
)
states = st.sampled_from(JobState)
jobs = st.builds(
    JobStatus,
    id=ids,
    key=keys,
    state=states,
    seq=numbers,
    stage=words,
    step=small,
    eta_s=st.none() | finite,
    request_sha256=hashes,
    error=st.none() | errors,
    created_at=finite,
)
events = st.builds(JobEvent, seq=numbers, state=states, at=finite, error=st.none() | errors)
protos = st.tuples(small, small, small)
servers = st.builds(
    ServerInfo,
    version=words,
    proto=protos,
    device=words,
    engines=st.lists(words, max_size=4).map(tuple),
    models=st.lists(st.builds(ModelInfo, name=words, sha256=hashes), max_size=2).map(tuple),
    limits=st.builds(Limits, max_blob_bytes=numbers, max_job_bytes=numbers, max_queued=small),
)

requests = st.one_of(
    st.builds(Hello, id=numbers, proto=protos, software=words, secret=words),
    st.builds(Have, id=numbers, hashes=st.lists(hashes, max_size=8).map(tuple)),
    st.builds(Put, id=numbers, sha256=hashes, size=numbers, offset=numbers),
    st.builds(Submit, id=numbers, key=keys),
    st.builds(Fetch, id=numbers, sha256=hashes, offset=numbers),
    st.builds(Watch, id=numbers, job=ids, after_seq=numbers, wait_ms=st.integers(0, 30_000)),
)
answers = st.one_of(
    st.builds(Welcome, re=numbers, proto=protos, software=words, server=st.none() | servers),
    st.builds(Error, re=numbers, error=errors, proto=st.none() | protos),
    st.builds(JobAnswer, re=numbers, job=jobs, existing=st.booleans()),
    st.builds(Watched, re=numbers, job=jobs, events=st.lists(events, max_size=4).map(tuple)),
    st.builds(Chunk, re=numbers, sha256=hashes, offset=numbers, size=numbers),
)
parts = st.lists(st.binary(max_size=64), max_size=MAX_PARTS)


@settings(deadline=None)
@given(requests, parts)
def test_requests_come_out_as_they_went_in(message: AnyRequest, raw: list[bytes]) -> None:
    decoded, received = decode_request(encode(message, *raw))
    assert [bytes(part) for part in received] == raw
    assert msgspec.structs.replace(decoded, blobs=()) == message


@settings(deadline=None)
@given(answers)
def test_answers_come_out_as_they_went_in(message: AnyAnswer) -> None:
    assert decode_answer(encode(message))[0] == message


@settings(deadline=None)
@given(st.one_of(requests, answers))
def test_plain_msgpack_reads_and_writes_the_same_bytes(message: msgspec.Struct) -> None:
    header = bytes(encode(message)[1])
    plain = msgpack.unpackb(header)
    assert plain["t"] == message.__struct_config__.tag
    again = _pack(plain)
    decode = decode_request if "id" in plain else decode_answer
    assert decode([MAGIC, again])[0] == message


def test_every_message_type_has_a_tag_of_its_own_and_is_answered_by_number() -> None:
    kinds = typing.get_args(AnyRequest) + typing.get_args(AnyAnswer)
    tags = [kind.__struct_config__.tag for kind in kinds]
    assert len(set(tags)) == len(tags) == 23
    assert all("id" in kind.__struct_fields__ for kind in typing.get_args(AnyRequest))
    assert all("re" in kind.__struct_fields__ for kind in typing.get_args(AnyAnswer))


def test_fields_of_a_later_version_are_ignored() -> None:
    header = _pack({"t": "fetch", "id": 1, "sha256": HASH, "offset": 0, "new": [1, {}]})
    assert decode_request([MAGIC, header])[0] == Fetch(id=1, sha256=HASH)


def test_hello_welcome_and_error_keep_their_form_for_ever() -> None:
    hello = _pack({"t": "hello", "id": 0, "proto": [9, 0, 3]})
    decoded = decode_request([b"ACE1", hello])[0]
    assert isinstance(decoded, Hello)
    assert decoded.proto == (9, 0, 3)
    error = {"code": "E204", "name": "version", "text": "x"}
    frame = _pack({"t": "error", "re": 0, "error": error, "proto": [9, 0, 3]})
    answer = decode_answer([b"ACE1", frame])[0]
    assert isinstance(answer, Error)
    assert answer.proto == (9, 0, 3)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [MAGIC],
        [b"GET / HTTP/1.1\r\n"],
        [MAGIC, b""],
        [MAGIC, b"\xc1"],
        [MAGIC, b"\x91" * 60_000],
        [MAGIC, b"\x81\xa1t" * 20_000],
        [MAGIC, b"\xdd\x7f\xff\xff\xff"],
        [MAGIC, b"\xc6\xff\xff\xff\xff"],
        [MAGIC, b"\x90" * MAX_HEADER_BYTES],
        [MAGIC, b"\x80" + b"\0" * MAX_HEADER_BYTES],
        [MAGIC, _pack({"t": "nonsense", "id": 1})],
        [MAGIC, _pack({"t": "fetch", "id": 1, "sha256": "../../etc/passwd"})],
        [MAGIC, _pack({"t": "fetch", "id": -1, "sha256": HASH})],
        [MAGIC, _pack({"t": "fetch", "id": 2**63, "sha256": HASH})],
        [MAGIC, _pack({"t": "have", "id": 1, "hashes": [HASH] * 513})],
        [MAGIC, _pack({"t": "submit", "id": 1, "key": "x" * 32})],
        [MAGIC, _pack({"t": "submit", "id": 1, "key": KEY, "blobs": [5]})],
        [MAGIC, _pack({"t": "submit", "id": 1, "key": KEY, "blobs": [5]}), b"four"],
        [MAGIC, _pack({"t": "submit", "id": 1, "key": KEY}), b"undeclared"],
        [MAGIC, _pack({"t": "submit", "id": 1, "key": KEY, "blobs": [2**40]})],
        [MAGIC, _pack({"t": "health", "id": 1, "blobs": [0] * 17}), *[b""] * 17],
        [MAGIC, _pack({"t": "health", "id": msgpack.ExtType(7, b"x")})],
    ],
)
def test_malformed_messages_are_refused_without_harm(frames: list[bytes]) -> None:
    with pytest.raises(AcetateError) as caught:
        decode_request(frames)
    assert caught.value.name == "invalid_request"


def _refusal(frames: list[bytes]) -> str:
    """The name of the error that these frames raise, or an empty text."""
    try:
        decode_request(frames)
    except AcetateError as error:
        return error.name
    return ""


@given(st.lists(st.binary(max_size=300), max_size=5))
@settings(max_examples=300, deadline=None)
def test_random_bytes_raise_nothing_but_the_catalogued_error(frames: list[bytes]) -> None:
    for envelope in (frames, [MAGIC, *frames]):
        assert _refusal(envelope) in ("", "invalid_request", "version")


@given(requests, st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_messages_raise_nothing_but_the_catalogued_error(
    message: AnyRequest, data: st.DataObject
) -> None:
    header = bytearray(encode(message)[1])
    for _ in range(data.draw(st.integers(1, 4))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    assert _refusal([MAGIC, bytes(header)]) in ("", "invalid_request")


def test_another_envelope_version_is_named_as_such() -> None:
    with pytest.raises(AcetateError) as caught:
        decode_request([b"ACE2", b"whatever"])
    assert caught.value.code == "E204"


def test_the_number_of_an_unreadable_request_is_still_found() -> None:
    broken = _pack({"t": "fetch", "id": 77, "sha256": "short"})
    assert request_number([MAGIC, broken]) == 77
    assert request_number([MAGIC, b"\xc1"]) == 0
    assert request_number([b"x"]) == 0


@pytest.mark.parametrize("proto", [(2, 0, 0), (0, 0, 9), (1, 1, 2)])
def test_protocols_without_overlap_are_refused(proto: tuple[int, int, int]) -> None:
    with pytest.raises(AcetateError) as caught:
        check_proto(proto)
    assert "protocol" in caught.value.hint


def test_protocols_with_an_overlap_are_welcome() -> None:
    check_proto((1, 0, 0))
    check_proto((1, 0, 7))


def test_too_much_is_not_even_sent() -> None:
    for raw in ([b""] * 17, [bytes(9 * 1024 * 1024)]):
        with pytest.raises(AcetateError):
            encode(Fetch(id=1, sha256=HASH), *raw)
    with pytest.raises(AcetateError):
        encode(Have(id=1, hashes=(HASH,) * 1500))
