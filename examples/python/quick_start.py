"""Stores three words and finds the nearest, over TLS. pip install pymilvus, then

    redkite run --auto-tls --data redkite-data
    python quick_start.py

REDKITE_URI and REDKITE_CA name another server and the CA of its certificate.
"""

import os

from pymilvus import DataType, MilvusClient

NAME = "example_words_py"

client = MilvusClient(
    uri=os.environ.get("REDKITE_URI", "https://localhost:19530"),
    secure=True,
    server_pem_path=os.environ.get("REDKITE_CA", "redkite-data/tls/ca.pem"),
    server_name="localhost",
)
client.drop_collection(NAME)

schema = client.create_schema()
schema.add_field("id", DataType.INT64, is_primary=True)
schema.add_field("vector", DataType.FLOAT_VECTOR, dim=3)
schema.add_field("word", DataType.VARCHAR, max_length=64)
index = client.prepare_index_params()
index.add_index("vector", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
client.create_collection(NAME, schema=schema, index_params=index)

rows = [
    {"id": 1, "vector": [1.0, 0.0, 0.0], "word": "kite"},
    {"id": 2, "vector": [0.9, 0.1, 0.0], "word": "hawk"},
    {"id": 3, "vector": [0.0, 0.0, 1.0], "word": "stone"},
]
print(f"stored {client.insert(NAME, rows)['insert_count']} rows")

[hits] = client.search(NAME, data=[[1.0, 0.05, 0.0]], filter='word != "kite"', limit=2, output_fields=["word"])
for hit in hits:
    print(f"{hit['entity']['word']} {hit['distance']:.3f}")

client.drop_collection(NAME)
client.close()
