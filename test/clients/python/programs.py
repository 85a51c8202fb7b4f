"""Programs as users of the ORM interface write them: partitions, aliases, iterators, an upsert, a database of its own."""

import numpy as np
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db, utility

from harness import OPTIONS, check, same

COUNT, DIM = 300, 4
rng = np.random.default_rng(2026)
VECTORS = rng.random((COUNT, DIM), np.float32)


def books(name="books"):
    """A collection of ids, words and vectors, indexed."""
    schema = CollectionSchema(
        [
            FieldSchema("book_id", DataType.INT64, is_primary=True),
            FieldSchema("word_count", DataType.INT64),
            FieldSchema("book_intro", DataType.FLOAT_VECTOR, dim=DIM),
        ],
        description="books",
    )
    collection = Collection(name, schema, using="programs", consistency_level="Strong")
    params = {"M": 8, "efConstruction": 64}
    collection.create_index("book_intro", {"index_type": "HNSW", "metric_type": "L2", "params": params})
    return collection


def rows(start, stop):
    return [list(range(start, stop)), [i * 10 for i in range(start, stop)], VECTORS[start:stop]]


def connected(program):
    """Runs a program between connect and disconnect, and leaves nothing behind."""

    def run():
        connections.connect("programs", **OPTIONS)
        try:
            program()
        finally:
            for name in utility.list_collections(using="programs"):
                for alias in utility.list_aliases(name, using="programs"):
                    utility.drop_alias(alias, using="programs")
                utility.drop_collection(name, using="programs")
            connections.disconnect("programs")

    run.__name__ = program.__name__
    return run


@check
@connected
def orm_partitions():
    collection = books()
    novels = collection.create_partition("novels", description="made up")
    novels.insert(rows(0, 100))
    collection.insert(rows(100, COUNT))
    collection.flush()
    same((novels.num_entities, collection.num_entities), (100, COUNT))
    collection.load()
    near = {"metric_type": "L2", "params": {"ef": 64}}
    found = collection.search(VECTORS[150:151], "book_intro", near, limit=5, partition_names=["novels"])
    assert len(found[0]) == 5 and all(i < 100 for i in found[0].ids), found[0].ids
    same(novels.search(VECTORS[7:8], "book_intro", near, limit=1)[0].ids[0], 7)
    same(len(novels.query("word_count >= 500", output_fields=["book_id"])), 50)
    same(novels.delete("book_id in [0, 1]").delete_count, 2)
    same(collection.query("", output_fields=["count(*)"])[0]["count(*)"], COUNT - 2)
    collection.release()
    novels.drop()
    same([p.name for p in collection.partitions], ["_default"])


@check
@connected
def orm_aliases():
    for name, start in (("books_a", 0), ("books_b", 100)):
        collection = books(name)
        collection.insert(rows(start, start + 100))
        collection.load()
    utility.create_alias("books_a", "books_now", using="programs")
    now = Collection("books_now", using="programs")
    assert now.query("word_count >= 0", output_fields=["book_id"], limit=1)[0]["book_id"] < 100
    # the new collection takes the place of the old one at once
    utility.alter_alias("books_b", "books_now", using="programs")
    ids = [row["book_id"] for row in now.query("word_count >= 0", output_fields=["book_id"])]
    same((min(ids), max(ids)), (100, 199))
    same(list(utility.list_aliases("books_b", using="programs")), ["books_now"])
    utility.drop_alias("books_now", using="programs")


@check
@connected
def orm_iterators():
    collection = books()
    collection.insert(rows(0, COUNT))
    collection.load()
    pages = collection.query_iterator(batch_size=70, expr="word_count >= 100", output_fields=["book_id"])
    seen = []
    while page := pages.next():
        seen += [row["book_id"] for row in page]
    pages.close()
    same(sorted(seen), list(range(10, COUNT)))
    near = {"metric_type": "L2", "params": {"ef": 64}}
    pages = collection.search_iterator(VECTORS[3:4].tolist(), "book_intro", near, batch_size=40, limit=120)
    found = []
    while page := pages.next():
        found += [hit.id for hit in page]
    pages.close()
    distances = ((VECTORS.astype(np.float64) - VECTORS[3]) ** 2).sum(axis=1)
    same(sorted(found), sorted(int(i) for i in np.argsort(distances)[:120]))


@check
@connected
def orm_upsert_and_database():
    db.create_database("library", using="programs")
    db.using_database("library", using="programs")
    collection = books()
    collection.insert(rows(0, 50))
    collection.load()
    same(collection.upsert([[7, 50], [-1, -2], VECTORS[[7, 50]]]).upsert_count, 2)
    found = collection.query("word_count < 0", output_fields=["book_id", "word_count"])
    same(sorted((row["book_id"], row["word_count"]) for row in found), [(7, -1), (50, -2)])
    same(collection.query("", output_fields=["count(*)"])[0]["count(*)"], 51)
    collection.drop()
    db.using_database("default", using="programs")
    same(utility.list_collections(using="programs"), [])
    db.drop_database("library", using="programs")
