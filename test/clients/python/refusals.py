"""What is refused, with Milvus' codes and texts."""

from pymilvus import DataType, FieldSchema, MilvusClient

from harness import check, connect, refused

client = connect()


def made(name="r", loaded=True, **more):
    schema = client.create_schema(enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=4)
    schema.add_field("t", DataType.VARCHAR, max_length=8)
    schema.add_field("n", DataType.INT8, nullable=True)
    client.create_collection(name, schema=schema, **more)
    index = client.prepare_index_params()
    index.add_index("vec", index_type="HNSW", metric_type="L2", params={"M": 8, "efConstruction": 64})
    client.create_index(name, index, sync=False)
    if loaded:
        client.load_collection(name)
    return name


@check
def unknown_names():
    v = [[0.0] * 4]
    refused(100, "can't find collection[database=default][collection=nope]", client.describe_collection, "nope")
    refused(100, "nope", client.search, "nope", data=v, limit=1)
    refused(100, "nope", client.query, "nope", filter="id == 1")
    refused(100, "nope", client.insert, "nope", [{"id": 1}])
    refused(100, "nope", client.load_collection, "nope")
    refused(100, "nope", client.create_alias, "nope", "x")
    refused(800, "database not found[database=nowhere]", client.describe_database, "nowhere")
    name = made()
    refused(200, "partition name p not found", client.search, name, data=v, limit=1, partition_names=["p"])
    refused(200, "partition not found[partition=p]", client.load_partitions, name, ["p"])
    refused(1100, "failed to get field schema by name", client.search, name, data=v, limit=1, anns_field="other")
    refused(1100, "field other not exist", client.query, name, filter="id == 1", output_fields=["other"])
    client.drop_collection(name)


@check
def bad_collections():
    def create(*fields, name="bad", **more):
        schema = MilvusClient.create_schema(**more)
        schema._fields += [FieldSchema(*args, **named) for args, named in fields]
        schema.verify = lambda: None
        client.create_collection(name, schema=schema)

    pk = (("id", DataType.INT64), {"is_primary": True})
    vec = (("vec", DataType.FLOAT_VECTOR), {"dim": 4})
    refused(1100, "duplicated field name n found", create, pk, vec, (("n", DataType.INT8), {}), (("n", DataType.INT8), {}))
    refused(1100, "Invalid collection name: 1bad", create, pk, vec, name="1bad")
    refused(1100, "schema does not contain vector field", create, pk)
    refused(1100, "should be in range 2 ~ 32768", create, pk, (("vec", DataType.FLOAT_VECTOR), {"dim": 1}))
    refused(1100, "the maximum length specified for the field(t) should be in (0, 65535]", create, pk, vec, (("t", DataType.VARCHAR), {"max_length": 70000}))
    name = made()
    refused(1100, "create duplicate collection with different parameters", create, pk, vec, name=name)
    client.drop_collection(name)


@check
def bad_rows():
    name = made()
    good = {"id": 1, "vec": [0.0] * 4, "t": "x"}
    refused(1, "Insert missed an field `t` to collection", client.insert, name, [{"id": 1, "vec": [0.0] * 4}])
    for call in (client.insert, client.upsert):
        refused(1100, "the dim (3) of field data(vec) is not equal to schema dim (4)", call, name, [{**good, "vec": [0.0] * 3}])
        refused(1100, "length of varchar field t exceeds max length", call, name, [{**good, "t": "123456789"}])
        refused(1100, "n", call, name, [{**good, "n": 300}])
        refused(1100, "value 'NaN' is not a number or infinity", call, name, [{**good, "vec": [float("nan")] * 4}])
    refused(1100, "duplicate primary keys are not allowed in the same batch", client.upsert, name, [good, good])
    refused(1, "", client.insert, name, [{**good, "other": 1}])
    client.drop_collection(name)


@check
def bad_searches():
    name = made()
    v = [[0.0] * 4]
    refused(1100, "vector dimension mismatch, expected vector size(byte) 16, actual 12", client.search, name, data=[[0.0] * 3], limit=1)
    refused(1100, "topk [16385] is invalid, it should be in range [1, 16384]", client.search, name, data=v, limit=16385)
    refused(1100, "(offset+limit) should be in range [1, 16384]", client.search, name, data=v, limit=16384, offset=1)
    refused(1100, "metric type not match: invalid parameter[expected=L2][actual=IP]", client.search, name, data=v, limit=1, search_params={"metric_type": "IP"})
    refused(1100, "should be larger than k", client.search, name, data=v, limit=10, search_params={"params": {"ef": 3}})
    refused(1100, "range_filter(2) must be less than radius(1)", client.search, name, data=v, limit=1, search_params={"params": {"radius": 1, "range_filter": 2}})
    client.drop_collection(name)


@check
def bad_filters():
    name = made()
    for text, why in {
        "id ==": "cannot parse expression: id ==: line 1:5",
        "nothere > 1": "field nothere not exist",
        "t > 1": "cannot parse expression: t > 1: line 1:0",
        "n": "predicate is not a boolean expression",
        'id in ["a"]': "cannot be casted to Int64",
        "id == 1 or": "line 1:10",
        "id + 1": "predicate is not a boolean expression",
        "n like 'a%'": "like operation on non-string",
        "id == 1 / 0": "division or modulus by zero",
    }.items():
        refused(1100, why, client.query, name, filter=text)
        refused(1100, why, client.search, name, data=[[0.0] * 4], limit=1, filter=text)
        refused(1100, "failed to create", client.delete, name, filter=text)
    refused(1100, "empty expression should be used with limit", client.query, name, filter="")
    refused(1100, "count entities with pagination is not allowed", client.query, name, filter="", output_fields=["count(*)"], limit=1)
    refused(1100, "is invalid, should be greater than 0", client.query, name, filter="id > 0", limit=0)
    client.drop_collection(name)


@check
def not_loaded():
    name = made(loaded=False)
    refused(101, "collection not loaded", client.search, name, data=[[0.0] * 4], limit=1)
    refused(101, "collection not loaded", client.query, name, filter="id == 1")
    refused(101, "collection not loaded", client.delete, name, filter="n == 1")
    client.drop_collection(name)


@check
def bad_indexes():
    name = made(loaded=False)

    def create(field="vec", **named):
        index = client.prepare_index_params()
        index.add_index(field, **named)
        client.create_index(name, index)

    refused(1100, "at most one distinct index is allowed per field", create, index_type="HNSW", metric_type="IP", params={"M": 8, "efConstruction": 64})
    refused(1100, "cannot create index on non-exist field: other", create, "other", index_type="FLAT", metric_type="L2")
    client.drop_index(name, "vec")
    refused(1100, "invalid parameter[expected=valid index][actual=invalid index type: WHAT]", create, index_type="WHAT", metric_type="L2")
    refused(1100, "float vector index does not support metric type: JACCARD", create, index_type="FLAT", metric_type="JACCARD")
    refused(1100, "param 'M' (1) should be in range [2, 2048]", create, index_type="HNSW", metric_type="L2", params={"M": 1, "efConstruction": 64})
    client.drop_collection(name)
