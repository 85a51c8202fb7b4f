"""The ORM interface (connections, Collection, utility), as in Milvus' hello_milvus example."""

import numpy as np
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db, utility

from harness import OPTIONS, check, close, same

COUNT, DIM = 600, 8
rng = np.random.default_rng(19530)


@check
def hello_milvus():
    connections.connect("default", **OPTIONS)
    same(utility.has_collection("hello_milvus"), False)
    fields = [
        FieldSchema(name="pk", dtype=DataType.VARCHAR, is_primary=True, auto_id=False, max_length=100),
        FieldSchema(name="random", dtype=DataType.DOUBLE),
        FieldSchema(name="embeddings", dtype=DataType.FLOAT_VECTOR, dim=DIM),
    ]
    hello = Collection("hello_milvus", CollectionSchema(fields, "hello"), consistency_level="Strong")
    numbers, vectors = rng.random(COUNT), rng.random((COUNT, DIM), np.float32)
    # the key holds what a filter must escape
    keys = [f"{i}'\"\\ü" for i in range(COUNT)]
    same(hello.insert([keys, numbers.tolist(), vectors]).insert_count, COUNT)
    hello.flush()
    same(hello.num_entities, COUNT)
    hello.create_index("embeddings", {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 128}})
    hello.load()
    same(utility.loading_progress("hello_milvus"), {"loading_progress": "100%"})
    utility.wait_for_index_building_complete("hello_milvus")

    query = vectors[-2:]
    found = hello.search(
        query, "embeddings", {"metric_type": "L2", "params": {"nprobe": 128}}, limit=3, output_fields=["random"]
    )
    for q, hits in zip(query, found):
        distances = ((vectors.astype(np.float64) - q) ** 2).sum(axis=1)
        best = np.argsort(distances)[:3]
        same(list(hits.ids), [keys[i] for i in best])
        for hit, i in zip(hits, best):
            close(hit.distance, distances[i])
            same(hit.entity.get("random"), float(numbers[i]))
    same(len(hello.query(expr="random > 0.5", output_fields=["random"])), int((numbers > 0.5).sum()))
    same(len(hello.query(expr="random > 0.5", limit=4, offset=2, output_fields=["pk"])), 4)

    escaped = keys[5].replace("\\", "\\\\").replace('"', '\\"')
    same(hello.query(expr=f'pk == "{escaped}"', output_fields=["random"])[0]["random"], float(numbers[5]))
    same(hello.delete(f'pk in ["{escaped}"]').delete_count, 1)
    same(hello.query(expr=f'pk == "{escaped}"', output_fields=["pk"]), [])
    same(hello.upsert([[keys[6]], [2.5], vectors[6:7]]).upsert_count, 1)
    same([r["pk"] for r in hello.query(expr="random == 2.5", output_fields=["pk"])], [keys[6]])
    same([p.name for p in hello.partitions], ["_default"])
    same([i.field_name for i in hello.indexes], ["embeddings"])
    same(utility.list_collections(), ["hello_milvus"])
    hello.release()
    hello.drop_index()
    utility.drop_collection("hello_milvus")
    db.create_database("orm")
    same(sorted(db.list_database()), ["default", "orm"])
    db.drop_database("orm")
    connections.disconnect("default")
