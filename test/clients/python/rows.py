"""Rows in and out: every type, nulls, defaults, dynamic keys, automatic keys, upsert, delete, query."""

import numpy as np
from pymilvus import DataType

from harness import check, close, connect, create, same

client = connect()
rng = np.random.default_rng(11)
INTS = {"i8": (DataType.INT8, 8), "i16": (DataType.INT16, 16), "i32": (DataType.INT32, 32), "i64": (DataType.INT64, 64)}


def plain(name, count=0, key=DataType.INT64, dynamic=True, auto_id=False):
    """A loaded collection of id, vec (4) and n, with `count` rows: n = id % 10, color by parity."""
    schema = client.create_schema(auto_id=auto_id, enable_dynamic_field=dynamic)
    schema.add_field("id", key, is_primary=True, **({"max_length": 64} if key == DataType.VARCHAR else {}))
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=4)
    schema.add_field("n", DataType.INT32, nullable=True)
    index = client.prepare_index_params()
    index.add_index("vec", index_type="FLAT", metric_type="L2")
    create(client, name, schema, index, consistency_level="Strong")
    if count:
        client.insert(name, [row(i) for i in range(count)])
    return name


def row(i, **more):
    return {"id": i, "vec": [float(i), 1.0, 0.0, 0.0], "n": i % 10, "color": "red" if i % 2 else "blue", **more}


def count(name, filter=""):
    return client.query(name, filter=filter, output_fields=["count(*)"])[0]["count(*)"]


@check
def every_type_comes_back_as_it_went():
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=8)
    for name, (kind, _) in INTS.items():
        schema.add_field(name, kind, nullable=True)
    schema.add_field("flag", DataType.BOOL, nullable=True)
    schema.add_field("f", DataType.FLOAT, default_value=1.5)
    schema.add_field("d", DataType.DOUBLE, nullable=True, default_value=-2.25)
    schema.add_field("title", DataType.VARCHAR, max_length=64, default_value="untitled")
    schema.add_field("j", DataType.JSON, nullable=True)
    index = client.prepare_index_params()
    index.add_index("vec", index_type="HNSW", metric_type="L2", params={"M": 8, "efConstruction": 64})
    client.create_collection("types", schema=schema, index_params=index, consistency_level="Strong")

    sent, expected = [], []
    for i in range(120):
        given = {"id": (-1) ** i * (2**63 - 1 - i), "vec": rng.random(8, np.float32).tolist()}
        for name, (_, bits) in INTS.items():
            extreme = 2 ** (bits - 1)
            given[name] = None if i % 5 == 0 else [-extreme, extreme - 1, 0, i % 100][i % 4]
        given["flag"] = None if i % 7 == 0 else i % 2 == 0
        given["f"] = None if i % 3 == 0 else 0.1 * i
        given["d"] = None if i % 4 == 0 else 1e300 / (i + 1)
        given["title"] = None if i % 6 == 0 else f"Ünï {i} 日本 \U0001f426 ' \" \\"
        given["j"] = None if i % 8 == 0 else {"a": i, "b": ["x", i, None], "c": {"d": 0.5}, "big": 2**53 + i}
        given["extra"] = {"deep": [i]}
        sent.append(given)
        back = dict(given)
        back["f"] = 1.5 if given["f"] is None else float(np.float32(given["f"]))
        back["d"] = -2.25 if given["d"] is None else given["d"]
        back["title"] = "untitled" if given["title"] is None else given["title"]
        expected.append(back)
    same(client.insert("types", sent)["insert_count"], 120)

    got = {r["id"]: r for r in client.query("types", filter="i64 is null or i64 is not null", output_fields=["*"])}
    same(len(got), 120)
    for want in expected:
        have = dict(got[want["id"]])
        assert np.array_equal(np.array(have.pop("vec"), np.float32), np.array(want["vec"], np.float32))
        same(have, {k: v for k, v in want.items() if k != "vec"})
    same(count("types", "i8 is null"), 24)
    same(count("types", 'title == "untitled"'), 20)
    same(count("types", "i64 == -9223372036854775808"), sum(r["i64"] == -(2**63) for r in expected))
    same(count("types", 'j["c"]["d"] == 0.5 and extra["deep"][0] < 10'), 8)
    hit = client.search("types", data=[sent[3]["vec"]], limit=1, output_fields=["*"])[0][0]
    same((hit["id"], hit["entity"]["title"]), (sent[3]["id"], sent[3]["title"]))
    close(hit["distance"], 0.0)
    client.drop_collection("types")


@check
def fields_left_out_are_null_or_the_default():
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=16)
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=2)
    schema.add_field("n", DataType.INT8, nullable=True)
    schema.add_field("m", DataType.INT64, default_value=7)
    index = client.prepare_index_params()
    index.add_index("vec", metric_type="IP")
    client.create_collection("sparse_rows", schema=schema, index_params=index, consistency_level="Strong")
    client.insert("sparse_rows", [{"id": "a", "vec": [1, 2]}, {"id": "b", "vec": [3, 4]}])
    got = client.get("sparse_rows", ids=["a", "b"], output_fields=["n", "m"])
    same([dict(r) for r in got], [{"id": "a", "n": None, "m": 7}, {"id": "b", "n": None, "m": 7}])
    client.drop_collection("sparse_rows")


@check
def automatic_keys():
    for name, key, kind in (("auto_int", DataType.INT64, int), ("auto_text", DataType.VARCHAR, str)):
        plain(name, key=key, auto_id=True)
        keys = list(client.insert(name, [{"vec": [i, 0, 0, 0], "n": i} for i in range(50)])["ids"])
        assert len(set(keys)) == 50 and all(isinstance(k, kind) for k in keys), keys
        got = client.get(name, ids=[keys[7]], output_fields=["n"])
        same([(r["id"], r["n"]) for r in got], [(keys[7], 7)])
        # an upsert of an automatic key replaces the row and makes a new key
        new = list(client.upsert(name, [{"id": keys[7], "vec": [7, 0, 0, 0], "n": 700}])["ids"])
        same(client.get(name, ids=[keys[7]]), [])
        same([r["n"] for r in client.get(name, ids=new, output_fields=["n"])], [700])
        same(count(name), 50)
        client.drop_collection(name)


@check
def upsert_replaces_whole_rows():
    plain("ups", 100)
    done = client.upsert("ups", [row(5, color="green", size=3), row(200, color="new")])
    same(done["upsert_count"], 2)
    same(count("ups"), 101)
    same(dict(client.get("ups", ids=[5], output_fields=["*"])[0])["size"], 3)
    same([r["color"] for r in client.get("ups", ids=[5, 200], output_fields=["color"])], ["green", "new"])
    client.upsert("ups", [{"id": 5, "vec": [5, 1, 0, 0]}])
    same("size" in client.get("ups", ids=[5], output_fields=["*"])[0], False)
    client.drop_collection("ups")


@check
def delete_by_key_and_by_filter():
    plain("del", 100)
    same(client.delete("del", ids=[0, 1, 2])["delete_count"], 3)
    same(client.delete("del", filter="id in [3, 4]")["delete_count"], 2)
    same([dict(r) for r in client.get("del", ids=[0, 3, 5])], [{"id": 5, "vec": [5.0, 1.0, 0.0, 0.0], "n": 5, "color": "red"}])
    same(client.delete("del", filter='color == "red" and n > 5')["delete_count"], 20)
    same(count("del"), 75)
    same(count("del", 'color == "red" and n > 5'), 0)
    found = client.search("del", data=[[0.0, 1.0, 0.0, 0.0]], limit=3)[0]
    same([h["id"] for h in found], [5, 6, 8])
    client.insert("del", [row(0, color="again")])
    same(client.get("del", ids=[0], output_fields=["color"])[0]["color"], "again")
    client.drop_collection("del")


@check
def query_filters_pages_and_counts():
    plain("q", 500)
    rows = [row(i) for i in range(500)]

    def ids(filter, **named):
        return [r["id"] for r in client.query("q", filter=filter, output_fields=["id"], **named)]

    for text, test in {
        "n == 3": lambda r: r["n"] == 3,
        "3 < n <= 5": lambda r: 3 < r["n"] <= 5,
        "id in [1, 3, 499, 1000] and n != 3": lambda r: r["id"] in (1, 499),
        'color == "red" or id >= 490': lambda r: r["color"] == "red" or r["id"] >= 490,
        'not (color like "r%") and id % 7 == 0': lambda r: r["color"] == "blue" and r["id"] % 7 == 0,
        'color like "%lu%" && id < 20': lambda r: r["color"] == "blue" and r["id"] < 20,
        "n + 1 == 10": lambda r: r["n"] == 9,
        'color not in ["red"]': lambda r: r["color"] != "red",
    }.items():
        want = [r["id"] for r in rows if test(r)]
        same(ids(text), want)
        same(count("q", text), len(want))
    same(ids("", limit=5), [0, 1, 2, 3, 4])
    same(ids("n == 3", limit=4, offset=10), [103, 113, 123, 133])
    same(ids("n in {ns} and color == {c}", filter_params={"ns": [1, 2], "c": "blue"}, limit=3), [2, 12, 22])
    same(ids("id == 1000"), [])
    assert set(client.query("q", filter="id == 1", output_fields=["*"])[0]) == {"id", "vec", "n", "color"}
    assert set(client.query("q", filter="id == 1", output_fields=["n"])[0]) == {"id", "n"}
    client.drop_collection("q")


@check
def iterators_see_every_row_once():
    plain("it", 1000)
    pages = client.query_iterator("it", filter="n < 9", batch_size=170, output_fields=["id"])
    seen = []
    while batch := pages.next():
        seen += [r["id"] for r in batch]
    pages.close()
    same(seen, [i for i in range(1000) if i % 10 < 9])
    nearest = client.search_iterator("it", data=[[400.2, 1.0, 0.0, 0.0]], batch_size=90, limit=400)
    seen, distances = [], []
    while batch := nearest.next():
        seen += [h["id"] for h in batch]
        distances += [h["distance"] for h in batch]
    nearest.close()
    same(seen, sorted(range(1000), key=lambda i: abs(i - 400.2))[:400])
    assert distances == sorted(distances)
    client.drop_collection("it")
