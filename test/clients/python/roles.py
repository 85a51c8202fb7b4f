"""Users, roles, grants and privilege groups, by root; and what a user of a role may do."""

from grpc import RpcError, StatusCode
from pymilvus import MilvusClient, MilvusException

from harness import OPTIONS, check, connect, refused, run_checks, same

root = connect()
PASSWORD = "Reader-1"


def as_reader():
    return MilvusClient(**{**OPTIONS, "token": f"reader:{PASSWORD}"})


def denied(privilege, call, *args, **named):
    """The call must end with gRPC PERMISSION_DENIED and Milvus' text."""
    text = f"{privilege}: permission deny to reader in the `default` database"
    try:
        answer = call(*args, **named)
    except MilvusException as error:
        assert text in error.message, error.message
    except RpcError as error:
        same((error.code(), error.details()), (StatusCode.PERMISSION_DENIED, text))
    else:
        raise AssertionError(f"not denied: {answer!r}")


@check
def roles_and_users():
    root.create_user("reader", PASSWORD)
    root.create_role("reading")
    same(set(root.list_roles()), {"admin", "public", "reading"})
    root.grant_role("reader", "reading")
    told = root.describe_user("reader")
    same((told["user_name"], told["roles"]), ("reader", ("reading",)))
    root.revoke_role("reader", "reading")
    same(root.describe_user("reader")["roles"], ())
    root.grant_role("reader", "reading")
    refused(65535, "already exists", root.create_role, "reading")
    same(as_reader().describe_user("reader")["roles"], ("reading",))


@check
def grants_of_version_1():
    root.create_collection("films", dimension=2)
    root.create_collection("books", dimension=2)
    root.insert("films", [{"id": 1, "vector": [1.0, 2.0]}])
    reader = as_reader()
    same((reader.list_collections(), reader.list_databases()), ([], []))
    denied("PrivilegeQuery", reader.query, "films", ids=[1])
    root.grant_privilege("reading", "Collection", "Query", "films")
    same(len(reader.query("films", ids=[1])), 1)
    denied("PrivilegeQuery", reader.query, "books", ids=[1])
    denied("PrivilegeInsert", reader.insert, "films", [{"id": 2, "vector": [1.0, 2.0]}])
    same((reader.list_collections(), reader.list_databases()), (["films"], ["default"]))
    told = root.describe_role("reading")
    same(told["role"], "reading")
    seen = [(p["object_type"], p["object_name"], p["privilege"]) for p in told["privileges"]]
    same(seen, [("Collection", "films", "Query")])
    # an alias stands for its collection
    root.create_alias("films", "movies")
    same(len(reader.query("movies", ids=[1])), 1)
    root.revoke_privilege("reading", "Collection", "Query", "films")
    denied("PrivilegeQuery", reader.query, "films", ids=[1])
    denied("PrivilegeQuery", reader.query, "movies", ids=[1])


@check
def grants_of_version_2():
    reader = as_reader()
    root.grant_privilege_v2("reading", "CollectionReadOnly", "films", "default")
    same(len(reader.query("films", ids=[1])), 1)
    denied("PrivilegeInsert", reader.insert, "films", [{"id": 2, "vector": [1.0, 2.0]}])
    denied("PrivilegeQuery", reader.query, "books", ids=[1])
    root.revoke_privilege_v2("reading", "CollectionReadOnly", "films", "default")
    denied("PrivilegeQuery", reader.query, "films", ids=[1])


@check
def privilege_groups():
    root.create_privilege_group("writing")
    root.add_privileges_to_group("writing", ["Insert", "Delete"])
    root.grant_privilege_v2("reading", "writing", "films", "default")
    reader = as_reader()
    same(reader.insert("films", [{"id": 2, "vector": [1.0, 2.0]}])["insert_count"], 1)
    root.remove_privileges_from_group("writing", ["Insert"])
    denied("PrivilegeInsert", reader.insert, "films", [{"id": 3, "vector": [1.0, 2.0]}])
    groups = {g["privilege_group"]: set(g["privileges"]) for g in root.list_privilege_groups()}
    same(groups["writing"], {"Delete"})
    same("Search" in groups["CollectionReadOnly"], True)
    root.revoke_privilege_v2("reading", "writing", "films", "default")
    root.drop_privilege_group("writing")


@check
def drop():
    root.grant_privilege("reading", "Collection", "Query", "films")
    refused(65535, "fail to drop the role that it has privileges", root.drop_role, "reading")
    root.drop_role("reading", force_drop=True)
    same(set(root.list_roles()), {"admin", "public"})
    denied("PrivilegeQuery", as_reader().query, "films", ids=[1])
    refused(1401, "the role[admin] is a default role", root.drop_role, "admin")
    root.drop_user("reader")
    root.drop_collection("books")


run_checks()
