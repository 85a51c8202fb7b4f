"""Collections, aliases, databases, users, indexes, load states and statistics."""

from grpc import RpcError
from pymilvus import DataType, MilvusClient

from harness import OPTIONS, check, connect, refused, same

client = connect()
BAD_PASSWORD = "auth check failure, please check username and password are correct"


@check
def collections():
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True, description="books and more")
    schema.add_field("isbn", DataType.VARCHAR, is_primary=True, max_length=20, description="the key")
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=4)
    schema.add_field("pages", DataType.INT16, nullable=True)
    client.create_collection("books", schema=schema, consistency_level="Session", num_shards=1)
    same((client.has_collection("books"), client.has_collection("boks")), (True, False))
    told = client.describe_collection("books")
    same(
        {k: told[k] for k in ("collection_name", "auto_id", "description", "enable_dynamic_field", "num_shards")},
        {
            "collection_name": "books",
            "auto_id": False,
            "description": "books and more",
            "enable_dynamic_field": True,
            "num_shards": 1,
        },
    )
    same(told["consistency_level"], 1)
    fields = {f["name"]: f for f in told["fields"]}
    same(list(fields), ["isbn", "vec", "pages"])
    same((fields["isbn"]["field_id"], fields["isbn"]["is_primary"]), (100, True))
    same(fields["isbn"]["params"], {"max_length": 20})
    same(fields["isbn"]["description"], "the key")
    same((fields["vec"]["type"], fields["vec"]["params"]), (DataType.FLOAT_VECTOR, {"dim": 4}))
    same((fields["pages"]["type"], fields["pages"]["nullable"]), (DataType.INT16, True))

    client.rename_collection("books", "library")
    same(client.list_collections(), ["library"])
    client.alter_collection_properties("library", {"collection.ttl.seconds": 86400})
    same(client.describe_collection("library")["properties"]["collection.ttl.seconds"], "86400")
    client.drop_collection_properties("library", ["collection.ttl.seconds"])
    same("collection.ttl.seconds" in client.describe_collection("library")["properties"], False)
    client.drop_collection("library")
    client.drop_collection("library")
    same(client.list_collections(), [])


@check
def indexes_and_load_states():
    client.create_collection("idx", schema=vectors_schema())
    same(client.list_indexes("idx"), [])
    refused(700, "index not found", client.load_collection, "idx")
    index = client.prepare_index_params()
    index.add_index("vec", index_name="first", index_type="IVF_FLAT", metric_type="IP", params={"nlist": 64})
    client.create_index("idx", index)
    same(client.list_indexes("idx"), ["first"])
    told = client.describe_index("idx", "first")
    same((told["field_name"], told["index_type"], told["metric_type"]), ("vec", "IVF_FLAT", "IP"))
    same(told["state"], "Finished")
    same(str(client.get_load_state("idx")["state"]), "NotLoad")
    client.load_collection("idx")
    same(str(client.get_load_state("idx")["state"]), "Loaded")
    client.refresh_load("idx")
    client.insert("idx", [{"id": i, "vec": [1.0, float(i)]} for i in range(10)])
    client.flush("idx")
    same(client.get_collection_stats("idx"), {"row_count": 10})
    same(client.describe_index("idx", "first")["total_rows"], 10)
    refused(1100, "vector index cannot be dropped on loaded collection", client.drop_index, "idx", "first")
    client.release_collection("idx")
    same(str(client.get_load_state("idx")["state"]), "NotLoad")
    client.drop_index("idx", "first")
    same(client.list_indexes("idx"), [])
    client.drop_collection("idx")


@check
def aliases():
    for name in ("a1", "a2"):
        client.create_collection(name, dimension=2)
    client.insert("a2", [{"id": 1, "vector": [1.0, 2.0]}])
    client.create_alias("a1", "current")
    same(client.describe_alias("current"), {"alias": "current", "collection_name": "a1", "db_name": "default"})
    same(client.list_aliases("a1")["aliases"], ["current"])
    same(client.get("current", ids=[1]), [])
    client.alter_alias("a2", "current")
    same([r["id"] for r in client.get("current", ids=[1])], [1])
    same(client.describe_collection("current")["collection_name"], "a2")
    refused(1600, "alias not found", client.describe_alias, "nobody")
    refused(1100, "cannot drop the collection via alias = current", client.drop_collection, "current")
    refused(1100, "please remove all aliases before dropping the collection", client.drop_collection, "a2")
    refused(1100, "unsupported use an alias to rename collection", client.rename_collection, "current", "a3")
    refused(1602, "current is alias to another collection", client.create_alias, "a1", "current")
    refused(1601, "alias and collection name conflict", client.create_alias, "a1", "a2")
    client.drop_alias("current")
    same(client.list_aliases("a2")["aliases"], [])
    refused(100, "collection not found", client.get, "current", ids=[1])
    for name in ("a1", "a2"):
        client.drop_collection(name)


@check
def databases():
    client.create_database("shop")
    same(sorted(client.list_databases()), ["default", "shop"])
    same(client.describe_database("shop")["name"], "shop")
    shop = MilvusClient(**OPTIONS, db_name="shop")
    shop.create_collection("goods", dimension=2)
    shop.insert("goods", [{"id": 9, "vector": [1.0, 0.0]}])
    same((shop.list_collections(), client.list_collections()), (["goods"], []))
    same(shop.get("goods", ids=[9])[0]["id"], 9)
    refused(1100, "not empty, must drop all collections before drop database", client.drop_database, "shop")
    shop.drop_collection("goods")
    client.drop_database("shop")
    same(client.list_databases(), ["default"])
    shop.close()


@check
def users():
    client.create_user("fritz", "Vogel123")
    same(sorted(client.list_users()), ["fritz", "root"])
    fritz = MilvusClient(**{**OPTIONS, "token": "fritz:Vogel123"})
    assert fritz.get_server_version().startswith("v2.6."), fritz.get_server_version()
    fritz.update_password("fritz", "Vogel123", "Vogel456")
    fritz.close()
    unauthenticated(lambda: MilvusClient(**{**OPTIONS, "token": "fritz:Vogel123"}).list_collections())
    refused(2, "Fail connecting to server", MilvusClient, **{**OPTIONS, "token": "fritz:nonsense"})
    again = MilvusClient(**{**OPTIONS, "token": "fritz:Vogel456"})
    same(again.list_collections(), [])
    again.close()
    refused(1100, "invalid password length", client.create_user, "hans", "short")
    refused(1400, "old password not correct for fritz", client.update_password, "fritz", "wrong!!", "Vogel789")
    client.drop_user("fritz")
    same(client.list_users(), ["root"])


def unauthenticated(call):
    # the client may reuse a channel that it opened with the old password, so the refusal comes at the call
    try:
        answer = call()
    except RpcError as error:
        same((error.code().name, error.details()), ("UNAUTHENTICATED", BAD_PASSWORD))
        return
    raise AssertionError(f"not refused: {answer!r}")


def vectors_schema():
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vec", DataType.FLOAT_VECTOR, dim=2)
    return schema
