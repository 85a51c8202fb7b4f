"""The quick start of MilvusClient and of AsyncMilvusClient, as Milvus' documentation has it."""

import asyncio

import numpy as np
from pymilvus import AsyncMilvusClient, DataType

from harness import OPTIONS, check, connect, run_checks, same

DOCS = [
    "Artificial intelligence was founded as an academic discipline in 1956.",
    "Alan Turing was the first person to conduct substantial research in AI.",
    "Born in Maida Vale, London, Turing was raised in southern England.",
]
rng = np.random.default_rng(1956)
VECTORS = rng.uniform(-1, 1, (len(DOCS), 768)).astype(np.float32)
DATA = [
    {"id": i, "vector": VECTORS[i].tolist(), "text": DOCS[i], "subject": "history"} for i in range(len(DOCS))
]


def cosine_order(query):
    scores = VECTORS @ query / (np.linalg.norm(VECTORS, axis=1) * np.linalg.norm(query))
    return [int(i) for i in np.argsort(-scores)]


@check
def quick_start():
    client = connect()
    if client.has_collection(collection_name="demo_collection"):
        client.drop_collection(collection_name="demo_collection")
    client.create_collection(collection_name="demo_collection", dimension=768)

    res = client.insert(collection_name="demo_collection", data=DATA)
    same((res["insert_count"], list(res["ids"])), (3, [0, 1, 2]))

    query = rng.uniform(-1, 1, 768).astype(np.float32)
    res = client.search(
        collection_name="demo_collection", data=[query.tolist()], limit=2, output_fields=["text", "subject"]
    )
    same([hit["id"] for hit in res[0]], cosine_order(query)[:2])
    same(dict(res[0][0]["entity"]), {"text": DOCS[res[0][0]["id"]], "subject": "history"})

    res = client.search(
        collection_name="demo_collection", data=[query.tolist()], filter="subject == 'biology'", limit=2
    )
    same(list(res[0]), [])

    res = client.query(
        collection_name="demo_collection", filter="subject == 'history'", output_fields=["text", "subject"]
    )
    same(sorted(row["id"] for row in res), [0, 1, 2])
    res = client.query(collection_name="demo_collection", ids=[0, 2], output_fields=["vector", "text", "subject"])
    same([row["text"] for row in res], [DOCS[0], DOCS[2]])
    assert np.array_equal(np.array(res[1]["vector"], np.float32), VECTORS[2])

    same(client.delete(collection_name="demo_collection", ids=[0, 2])["delete_count"], 2)
    same(client.delete(collection_name="demo_collection", filter="subject == 'history'")["delete_count"], 1)
    same(client.list_collections(), ["demo_collection"])
    client.drop_collection(collection_name="demo_collection")
    same(client.list_collections(), [])
    client.close()


async def asynchronous():
    client = AsyncMilvusClient(**OPTIONS)
    schema = client.create_schema(auto_id=False, description="an async quick start")
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=768)
    schema.add_field("text", DataType.VARCHAR, max_length=1024)
    index_params = client.prepare_index_params()
    index_params.add_index(field_name="vector", index_type="AUTOINDEX", metric_type="IP")
    await client.create_collection("my_collection", schema=schema, index_params=index_params)

    rows = [{key: row[key] for key in ("id", "vector", "text")} for row in DATA]
    results = await asyncio.gather(*(client.insert("my_collection", [row]) for row in rows))
    same([r["insert_count"] for r in results], [1, 1, 1])

    queries = rng.uniform(-1, 1, (4, 768)).astype(np.float32)
    found = await asyncio.gather(
        *(client.search("my_collection", [q.tolist()], limit=1, output_fields=["text"]) for q in queries)
    )
    for q, res in zip(queries, found):
        best = int(np.argmax(VECTORS @ q))
        same((res[0][0]["id"], res[0][0]["entity"]["text"]), (best, DOCS[best]))
    same(len(await client.query("my_collection", filter='text like "%Turing%"', output_fields=["id"])), 2)
    same([row["id"] for row in await client.get("my_collection", ids=[1])], [1])
    same((await client.delete("my_collection", ids=[1]))["delete_count"], 1)
    same((await client.query("my_collection", output_fields=["count(*)"]))[0]["count(*)"], 2)
    await client.release_collection("my_collection")
    await client.load_collection("my_collection")
    await client.drop_collection("my_collection")
    same(await client.list_collections(), [])
    await client.close()


@check
def quick_start_async():
    asyncio.run(asynchronous())


run_checks()
