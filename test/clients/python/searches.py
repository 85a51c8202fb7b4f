"""Searches against numpy: indexes and metrics, several queries, offset, range, filter, partitions."""

import math

import numpy as np
from pymilvus import AnnSearchRequest, DataType, Function, FunctionType, RRFRanker, WeightedRanker

from harness import check, close, connect, create, refused, same

client = connect()
rng = np.random.default_rng(23)
COUNT, DIM = 800, 16
VECTORS = rng.normal(size=(COUNT, DIM)).astype(np.float32)
QUERIES = rng.normal(size=(5, DIM)).astype(np.float32)
INDEXES = {
    "FLAT": {},
    "HNSW": {"M": 16, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 16},
    "AUTOINDEX": {},
}


def scores(metric, query, vectors=VECTORS):
    v, q = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "L2":
        return ((v - q) ** 2).sum(axis=1)
    if metric == "IP":
        return v @ q
    return v @ q / (np.linalg.norm(v, axis=1) * np.linalg.norm(q))


def ranked(metric, query, allowed=None):
    """Ids and scores, best first, of the rows allowed."""
    s = scores(metric, query)
    order = np.argsort(s if metric == "L2" else -s, kind="stable")
    return [(int(i), float(s[i])) for i in order if allowed is None or allowed(int(i))]


def expect(hits, wanted):
    same([h["id"] for h in hits], [i for i, _ in wanted])
    for hit, (_, score) in zip(hits, wanted):
        close(hit["distance"], score)


def collection(name, index_type, metric, params):
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=DIM)
    schema.add_field("n", DataType.INT32)
    index = client.prepare_index_params()
    index.add_index("vec", index_name="by_vec", index_type=index_type, metric_type=metric, params=params)
    create(client, name, schema, index, consistency_level="Strong")
    client.insert(name, [{"id": i, "vec": VECTORS[i].tolist(), "n": i % 100} for i in range(COUNT)])


@check
def every_index_with_every_metric():
    for index_type, params in INDEXES.items():
        for metric in ("L2", "IP", "COSINE"):
            name = f"s_{index_type}_{metric}"
            collection(name, index_type, metric, params)
            found = client.search(
                name, data=QUERIES.tolist(), limit=10, search_params={"params": {"ef": 200, "nprobe": 16}}
            )
            same(len(found), len(QUERIES))
            for query, hits in zip(QUERIES, found):
                expect(hits, ranked(metric, query)[:10])
            described = client.describe_index(name, "by_vec")
            same((described["index_type"], described["metric_type"]), (index_type, metric))
            for key, value in params.items():
                same(described[key], str(value))
            client.drop_collection(name)


@check
def several_vector_fields():
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    index = client.prepare_index_params()
    for metric, index_type in (("L2", "FLAT"), ("IP", "HNSW"), ("COSINE", "AUTOINDEX")):
        schema.add_field(metric.lower(), DataType.FLOAT_VECTOR, dim=DIM)
        index.add_index(metric.lower(), index_type=index_type, metric_type=metric)
    create(client, "many", schema, index, consistency_level="Strong")
    rows = [{"id": i, "l2": VECTORS[i], "ip": VECTORS[i], "cosine": VECTORS[i]} for i in range(COUNT)]
    client.insert("many", rows)
    for metric in ("L2", "IP", "COSINE"):
        expect(
            client.search("many", data=QUERIES[:1], anns_field=metric.lower(), limit=10)[0],
            ranked(metric, QUERIES[0])[:10],
        )
    refused(1100, "multiple anns_fields exist", client.search, "many", data=QUERIES[:1].tolist(), limit=1)
    client.drop_collection("many")


def fused(lists, share):
    """Sums of shares by key, best first, equal ones by key."""
    sums = {}
    for which, hits in enumerate(lists):
        for rank, hit in enumerate(hits):
            sums[hit[0]] = sums.get(hit[0], 0) + share(which, rank, hit[1])
    return sorted(sums.items(), key=lambda pair: (-np.float32(pair[1]), pair[0]))


@check
def hybrid_searches():
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("kind", DataType.INT32)
    index = client.prepare_index_params()
    for metric in ("L2", "COSINE"):
        schema.add_field(metric.lower(), DataType.FLOAT_VECTOR, dim=DIM)
        index.add_index(metric.lower(), index_type="FLAT", metric_type=metric)
    create(client, "hybrid", schema, index, consistency_level="Strong")
    client.insert("hybrid", [{"id": i, "kind": i % 7, "l2": VECTORS[i], "cosine": VECTORS[i]} for i in range(COUNT)])
    requests = [
        AnnSearchRequest(QUERIES[:1].tolist(), "l2", {}, 20, expr="kind < 5"),
        AnnSearchRequest(QUERIES[1:2].tolist(), "cosine", {"metric_type": "COSINE"}, 15),
    ]
    lists = [ranked("L2", QUERIES[0], lambda i: i % 7 < 5)[:20], ranked("COSINE", QUERIES[1])[:15]]
    even = (lambda s: 1 - 2 * math.atan(s) / math.pi, lambda s: (1 + s) / 2)
    rrf = fused(lists, lambda _, rank, __: 1 / (60 + rank + 1))
    weighted = fused(lists, lambda which, _, score: (0.3, 0.9)[which] * even[which](score))

    def function(name, **params):
        return Function("r", FunctionType.RERANK, [], params={"reranker": name, **params})

    for ranker, wanted in (
        (RRFRanker(), rrf),
        (RRFRanker(k=7), fused(lists, lambda _, rank, __: 1 / (7 + rank + 1))),
        (WeightedRanker(0.3, 0.9), weighted),
        (function("rrf", k=60), rrf),
        (function("weighted", weights=[0.3, 0.9], norm_score=True), weighted),
    ):
        hits = client.hybrid_search("hybrid", requests, ranker, limit=10, output_fields=["kind"])[0]
        expect(hits, wanted[:10])
        for hit in hits:
            same(hit["entity"], {"kind": hit["id"] % 7})
        expect(client.hybrid_search("hybrid", requests, ranker, limit=5, offset=5)[0], wanted[5:10])
    grouped = client.hybrid_search(
        "hybrid", requests, RRFRanker(), limit=3, group_by_field="kind", group_size=2, strict_group_size=True
    )[0]
    same(len({hit["id"] % 7 for hit in grouped}), 3)

    for text, ranker in (
        ("The rank params k should be in range (0, 16384)", RRFRanker(0)),
        ("rank param weight should be in range [0, 1]", WeightedRanker(0.5, 1.2)),
        ("[expected=2][actual=3]", WeightedRanker(0.1, 0.2, 0.3)),
    ):
        refused(1100, text, client.hybrid_search, "hybrid", requests, ranker, limit=3)
    client.drop_collection("hybrid")


@check
def grouped_and_by_ids():
    collection("g1", "FLAT", "L2", {})
    groups = {}
    for key, score in ranked("L2", QUERIES[0]):
        groups.setdefault(key % 100, []).append((key, score))
    wanted = [hit for hits in list(groups.values())[:4] for hit in hits[:3]]
    found = client.search(
        "g1", data=QUERIES[:1].tolist(), limit=4, group_by_field="n", group_size=3, strict_group_size=True, output_fields=["n"]
    )[0]
    expect(found, wanted)
    expect(client.search("g1", ids=[5], limit=3)[0], ranked("L2", VECTORS[5])[:3])
    refused(1100, "some of the provided primary key IDs do not exist: missing IDs", client.search, "g1", ids=[COUNT + 5], limit=3)
    refused(1100, "unsupported data type", client.search, "g1", data=QUERIES[:1].tolist(), limit=3, group_by_field="vec")
    client.drop_collection("g1")


@check
def offset_filter_and_output_fields():
    collection("s1", "HNSW", "COSINE", INDEXES["HNSW"])
    found = client.search(
        "s1", data=QUERIES.tolist(), limit=7, offset=5, filter="n < 30 and id >= 100", output_fields=["n", "vec"]
    )
    for query, hits in zip(QUERIES, found):
        expect(hits, ranked("COSINE", query, lambda i: i % 100 < 30 and i >= 100)[5:12])
        for hit in hits:
            same(hit["entity"]["n"], hit["id"] % 100)
            assert np.array_equal(np.array(hit["entity"]["vec"], np.float32), VECTORS[hit["id"]])
    narrow = client.search("s1", data=[QUERIES[0].tolist()], limit=50, filter="id in [3, 5, 8]")[0]
    expect(narrow, ranked("COSINE", QUERIES[0], lambda i: i in (3, 5, 8)))
    same(list(client.search("s1", data=[QUERIES[0].tolist()], limit=5, filter="n > 1000")[0]), [])
    everything = client.search("s1", data=[QUERIES[1].tolist()], limit=COUNT)[0]
    expect(everything, ranked("COSINE", QUERIES[1]))
    client.drop_collection("s1")


@check
def range_searches():
    for metric in ("L2", "IP", "COSINE"):
        collection("sr", "FLAT", metric, {})
        order = ranked(metric, QUERIES[0])
        # bounds halfway between two neighbours in the ranking, so that rounding cannot move a row over them
        near, far = [(order[i][1] + order[i + 1][1]) / 2 for i in (4, 24)]
        params = {"metric_type": metric, "params": {"radius": far, "range_filter": near}}
        hits = client.search("sr", data=[QUERIES[0].tolist()], limit=100, search_params=params)[0]
        expect(hits, order[5:25])
        open_ended = {"metric_type": metric, "params": {"radius": far}}
        expect(client.search("sr", data=[QUERIES[0].tolist()], limit=100, search_params=open_ended)[0], order[:25])
        client.drop_collection("sr")


@check
def rounded_scores():
    collection("sd", "FLAT", "L2", {})
    hits = client.search("sd", data=[QUERIES[0].tolist()], limit=3, round_decimal=2)[0]
    for hit, (_, score) in zip(hits, ranked("L2", QUERIES[0])):
        close(hit["distance"], round(score, 2), 1e-3)
    client.drop_collection("sd")


@check
def partitions():
    collection("sp", "FLAT", "L2", {})
    client.create_partition("sp", "odd")
    same(client.has_partition("sp", "odd"), True)
    same(sorted(client.list_partitions("sp")), ["_default", "odd"])
    extra = [{"id": 10_000 + i, "vec": VECTORS[i].tolist(), "n": -1} for i in range(1, 100, 2)]
    client.insert("sp", extra, partition_name="odd")
    hits = client.search("sp", data=[QUERIES[0].tolist()], limit=10, partition_names=["odd"])[0]
    expect(hits, [(10_000 + i, s) for i, s in ranked("L2", QUERIES[0], lambda i: i < 100 and i % 2)][:10])
    expect(
        client.search("sp", data=[QUERIES[0].tolist()], limit=10, partition_names=["_default"])[0],
        ranked("L2", QUERIES[0])[:10],
    )
    client.release_partitions("sp", ["odd"])
    refused(201, "partition not loaded[partition=odd]", client.query, "sp", filter="id > 0", partition_names=["odd"])
    same(client.query("sp", filter="", output_fields=["count(*)"])[0]["count(*)"], COUNT)
    expect(client.search("sp", data=[QUERIES[0].tolist()], limit=10)[0], ranked("L2", QUERIES[0])[:10])
    same(str(client.get_load_state("sp", "odd")["state"]), "NotLoad")
    same(str(client.get_load_state("sp")["state"]), "Loaded")
    client.load_partitions("sp", ["odd"])
    same(str(client.get_load_state("sp", "odd")["state"]), "Loaded")
    same(client.query("sp", filter="", output_fields=["count(*)"])[0]["count(*)"], COUNT + 50)
    client.flush("sp")
    same(client.get_partition_stats("sp", "odd")["row_count"], 50)
    counted = client.query("sp", filter="", output_fields=["count(*)"], partition_names=["odd"])
    same(counted[0]["count(*)"], 50)
    same(client.delete("sp", filter="id > 0", partition_name="odd")["delete_count"], 50)
    same(client.query("sp", filter="", output_fields=["count(*)"])[0]["count(*)"], COUNT)
    refused(1100, "partition cannot be dropped, partition is loaded", client.drop_partition, "sp", "odd")
    client.release_partitions("sp", ["odd"])
    client.drop_partition("sp", "odd")
    same(client.query("sp", filter="", output_fields=["count(*)"])[0]["count(*)"], COUNT)
    client.release_partitions("sp", ["_default"])
    refused(101, "collection not loaded", client.query, "sp", filter="id > 0")
    same(client.list_partitions("sp"), ["_default"])
    client.drop_collection("sp")
