import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fault } from '../errors/error.ts'
import { errorTable } from '../errors/table.ts'
import { opByRpc, ops, restRoutes } from './registry.ts'
import { sdkDecode, sdkPrivilege, sdkRequestTypes } from './sdk-messages.test-support.ts'

const META = { db: '' }
const responses: Readonly<Record<string, string>> = {
  CreateCollection: 'common.Status',
  DescribeCollection: 'milvus.DescribeCollectionResponse',
  Insert: 'milvus.MutationResult',
  Search: 'milvus.SearchResults',
  GetComponentStates: 'milvus.ComponentStates',
}

describe('every op', () => {
  it('asks for the privilege that Milvus declares, and for a login where it declares none', () => {
    const types = sdkRequestTypes()
    for (const op of Object.values(ops)) {
      const declared = sdkPrivilege(types.get(op.rpc) ?? '')
      const { access } = op
      if (access.kind === 'login') {
        assert.equal(declared, null, op.rpc)
        assert.ok(access.reason.length > 10, op.rpc)
      } else {
        assert.deepEqual({ object: access.object, privilege: access.privilege }, declared, op.rpc)
      }
    }
  })

  it('is filed under its own name, and found by it', () => {
    for (const [name, op] of Object.entries(ops)) {
      assert.equal(op.rpc, name)
      assert.equal(opByRpc(name)?.rpc, name)
    }
    assert.equal(opByRpc('BulkLoad'), null)
    assert.equal(opByRpc('constructor'), null)
  })

  it('is a server and a client', () => {
    for (const op of Object.values(ops)) {
      const codecs = [op.decode, op.encode, op.encodeFailure, op.encodeRequest, op.decodeReply]
      assert.ok(
        codecs.every((codec) => typeof codec === 'function'),
        op.rpc,
      )
    }
  })

  it('has routes of its own', () => {
    const keys = restRoutes.map((route) => `${route.method} ${route.path}`)
    assert.equal(new Set(keys).size, keys.length)
    for (const { path } of restRoutes) assert.match(path, /^\/v2\/vectordb\/[a-z0-9_/]+$|^\/v1\/vector\/collections$/)
  })

  it('refuses an empty collection name with a Status, not a broken call', () => {
    const named = ['DropCollection', 'HasCollection', 'LoadCollection', 'Insert', 'Query', 'CreateIndex'] as const
    for (const rpc of named) {
      assert.throws(() => ops[rpc].decode(new Uint8Array(0), META), {
        kind: 'invalidParameter',
        message: 'collection name should not be empty: invalid parameter',
      })
    }
  })

  it('takes the database of the message, else of the header, else default', () => {
    const bytes = Buffer.from([0x12, 1, 0x61, 0x1a, 1, 0x63]) // db_name a, collection_name c
    assert.deepEqual(ops.DropCollection.decode(bytes, { db: 'h' }), { db: 'a', collection: 'c' })
    assert.deepEqual(ops.DropCollection.decode(bytes.subarray(3), { db: 'h' }), { db: 'h', collection: 'c' })
    assert.deepEqual(ops.DropCollection.decode(bytes.subarray(3), META), { db: 'default', collection: 'c' })
  })
})

describe('a failure', () => {
  const error = fault('collectionNotFound', { database: 'default', collection: 'x' })
  const text = 'collection not found[database=default][collection=x]'

  it('sets both codes, reason, detail and the input mark, in every kind of response', () => {
    for (const [rpc, type] of Object.entries(responses)) {
      const response = sdkDecode(type, opByRpc(rpc)?.encodeFailure(error) ?? new Uint8Array(0))
      const status = type === 'common.Status' ? response : response['status']
      assert.deepEqual(status, {
        error_code: 'CollectionNotExists',
        reason: text,
        code: 100,
        retriable: false,
        detail: text,
        extra_info: { is_input_error: 'true' },
      })
    }
  })

  it('never looks like success to a client that reads error_code only', () => {
    for (const [kind, row] of Object.entries(errorTable)) assert.ok(row.legacy > 0 && row.code > 0, kind)
  })

  it('says that a system fault may be tried again', () => {
    const bytes = ops.DropCollection.encodeFailure(fault('serviceNotReady', 'starting'))
    const status = sdkDecode('common.Status', bytes)
    assert.equal(status['retriable'], true)
    assert.deepEqual(status['extra_info'], {})
  })

  it('of a user call carries that call’s own legacy code, but not for a refused parameter', () => {
    const { encodeFailure } = ops.CreateCredential
    const other = sdkDecode('common.Status', encodeFailure(fault('serviceInternal', 'disk')))
    assert.equal(other['error_code'], 'CreateCredentialFailure')
    const refused = sdkDecode('common.Status', encodeFailure(fault('invalidParameter', 'user name')))
    assert.equal(refused['error_code'], 'IllegalArgument')
  })

  it('of a success is all empty', () => {
    const status = sdkDecode('common.Status', ops.DropCollection.encode(null))
    assert.equal(status['error_code'], 'Success')
    assert.equal(status['code'], 0)
    const has = sdkDecode('milvus.BoolResponse', ops.HasCollection.encode({ value: true }))
    assert.equal((has['status'] as { error_code: string }).error_code, 'Success')
    assert.equal(has['value'], true)
  })
})
