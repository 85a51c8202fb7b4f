const BODY = {
  ...{ collectionName: 'c', dbName: 'default', partitionName: 'p', partitionNames: ['p'], aliasName: 'a' },
  ...{ userName: 'bob', password: 'password', newPassword: 'password2', newCollectionName: 'd', indexName: 'i' },
  ...{ dimension: 2, data: [{ id: 1, vector: [1, 2] }], vector: [1, 2], filter: 'id > 0', limit: 1, id: 1 },
  ...{ roleName: 'r', privilege: 'Insert', privileges: ['Insert'], objectType: 'Collection', objectName: 'c' },
  ...{ privilegeGroupName: 'g', rerank: { strategy: 'rrf', params: { k: 60 } } },
  search: [{ data: [[1, 2]], annsField: 'vector', limit: 1 }],
  ...{ annsField: 'vector', fieldName: 'vector', properties: { a: 'b' }, propertyKeys: ['a'] },
  indexParams: [{ fieldName: 'vector', indexName: 'i', metricType: 'L2', indexType: 'AUTOINDEX' }],
}

/** A body with which a REST route comes to the gate. */
export function bodyFor(path: string): object {
  if (path.endsWith('search')) return { ...BODY, data: [[1, 2]] }
  return path.endsWith('fields/add')
    ? { ...BODY, schema: { fieldName: 'later', dataType: 'Int64', nullable: true } }
    : BODY
}
