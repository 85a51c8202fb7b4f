"""Vectors of the other types: written as numpy gives them, found by numpy's arithmetic, read back bit for bit."""

import numpy as np
from pymilvus import DataType

from harness import check, close, connect, create, refused, same

client = connect()
rng = np.random.default_rng(23)
DIM = 32
COUNT = 200
NAME = "vector_types"
bits = rng.integers(0, 256, (COUNT, DIM // 8), dtype=np.uint8)
halves = rng.standard_normal((COUNT, DIM)).astype(np.float16)
small = rng.integers(-128, 128, (COUNT, DIM), dtype=np.int8)


def rows():
    return [{"id": i, "n": i % 4, "f16": halves[i], "i8": small[i], "bin": bits[i].tobytes()} for i in range(COUNT)]


def fill(metric):
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("n", DataType.INT64)
    schema.add_field("f16", DataType.FLOAT16_VECTOR, dim=DIM)
    schema.add_field("i8", DataType.INT8_VECTOR, dim=DIM)
    schema.add_field("bin", DataType.BINARY_VECTOR, dim=DIM)
    index = client.prepare_index_params()
    index.add_index("f16", index_type="HNSW", metric_type=metric["f16"])
    index.add_index("i8", index_type="FLAT", metric_type=metric["i8"])
    index.add_index("bin", index_type="BIN_FLAT", metric_type=metric["bin"])
    name = f"{NAME}_{metric['bin']}"
    create(client, name, schema, index, consistency_level="Strong")
    client.insert(name, rows())
    return name


def ranked(scores, ascending, accept):
    order = sorted((i for i in range(COUNT) if accept(i)), key=lambda i: (scores[i] if ascending else -scores[i], i))
    return order[:10]


def agrees(name, field, query, scores, ascending):
    for filter, accept in [("", lambda i: True), ("n == 2", lambda i: i % 4 == 2)]:
        hits = client.search(name, [query], anns_field=field, limit=10, filter=filter)[0]
        want = ranked(scores, ascending, accept)
        same(len(hits), 10)
        for hit, i in zip(hits, want):
            close(hit["distance"], float(scores[i]), 1e-3)
            assert accept(hit["id"])


@check
def search_of_each_type_is_exact():
    name = fill({"f16": "IP", "i8": "L2", "bin": "HAMMING"})
    wide = halves.astype(np.float64)
    agrees(name, "f16", halves[3], wide @ wide[3], False)
    whole = small.astype(np.float64)
    agrees(name, "i8", small[4], ((whole - whole[4]) ** 2).sum(axis=1), True)
    spread = np.unpackbits(bits, axis=1).astype(bool)
    agrees(name, "bin", bits[5].tobytes(), (spread ^ spread[5]).sum(axis=1), True)


@check
def cosine_and_jaccard_are_exact():
    name = fill({"f16": "COSINE", "i8": "COSINE", "bin": "JACCARD"})
    for field, given in [("f16", halves), ("i8", small)]:
        wide = given.astype(np.float64)
        lengths = np.linalg.norm(wide, axis=1)
        agrees(name, field, given[6], wide @ wide[6] / lengths / lengths[6], False)
    spread = np.unpackbits(bits, axis=1).astype(bool)
    scores = 1 - (spread & spread[7]).sum(axis=1) / (spread | spread[7]).sum(axis=1)
    agrees(name, "bin", bits[7].tobytes(), scores, True)


@check
def vectors_come_back_bit_for_bit():
    found = client.query(f"{NAME}_HAMMING", ids=[9], output_fields=["*"])[0]
    same(np.frombuffer(found["f16"][0], dtype=np.float16).tolist(), halves[9].tolist())
    same(np.frombuffer(found["i8"][0], dtype=np.int8).tolist(), small[9].tolist())
    same(found["bin"][0], bits[9].tobytes())


@check
def queries_of_another_type_are_refused():
    refused(1100, "vector type must be the same, field f16 - type VECTOR_FLOAT16, search info type VECTOR_FLOAT",
            client.search, f"{NAME}_HAMMING", [[0.5] * DIM], anns_field="f16", limit=1)
    refused(1100, "please specify a anns_field", client.search, f"{NAME}_HAMMING", [[0.5] * DIM], limit=1)
