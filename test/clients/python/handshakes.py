"""Connects with each of the options given (a JSON list); prints for each whether the server took the client."""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

from pymilvus import MilvusClient, MilvusException

logging.disable(logging.CRITICAL)
TEXT = "Fail connecting to server"


def connects(numbered):
    number, options = numbered
    try:
        # the client shares a channel between clients of one address and token, whatever their certificates
        MilvusClient(**options, token=f"nobody:{number}", timeout=5).list_collections()
        return "accepted"
    except MilvusException as error:
        return "refused" if TEXT in error.message else f"failed: {error.message}"


with ThreadPoolExecutor(16) as pool:
    print(json.dumps(list(pool.map(connects, enumerate(json.loads(sys.argv[1]))))))
