#!/bin/sh
# The REST API by curl, over TLS: create, insert, search, drop.
#   redkite run --auto-tls --data redkite-data
#   sh rest.sh
# REDKITE_URI and REDKITE_CA name another server and the CA of its certificate.
set -eu
uri="${REDKITE_URI:-https://localhost:19530}"
ca="${REDKITE_CA:-redkite-data/tls/ca.pem}"

post() { # post PATH JSON: prints the answer; Milvus' REST says failure in "code", not in the HTTP status
  answer=$(curl -sS --fail --cacert "$ca" -H 'Content-Type: application/json' -d "$2" "$uri/v2/vectordb/$1")
  printf '%s\n' "$answer"
  case "$answer" in '{"code":0'*) ;; *) exit 1 ;; esac
}

post collections/create '{"collectionName": "example_words_rest", "dimension": 3, "metricType": "COSINE"}'
post entities/insert '{"collectionName": "example_words_rest", "data": [
  {"id": 1, "vector": [1, 0, 0], "word": "kite"},
  {"id": 2, "vector": [0.9, 0.1, 0], "word": "hawk"},
  {"id": 3, "vector": [0, 0, 1], "word": "stone"}]}'
post entities/search '{"collectionName": "example_words_rest", "data": [[1, 0.05, 0]], "annsField": "vector",
  "filter": "word != \"kite\"", "limit": 2, "outputFields": ["word"]}'
post collections/drop '{"collectionName": "example_words_rest"}'
