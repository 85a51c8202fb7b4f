import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDefined, objectOf, PRIVILEGES } from '../auth/privileges.ts'
import { ObjectPrivilege } from '../gen/common_pb.js'
import { MilvusService } from '../gen/milvus_pb.js'
import { declaredPrivileges } from '../gen/privileges.js'
import type { RequestOf, Rpc } from '../model/calls.ts'
import { forwardedMethods } from './forwarded.ts'
import type { Op } from './op.ts'
import { ops } from './registry.ts'
import { samples } from './samples.test-support.ts'

const PATH = '/milvus.proto.milvus.MilvusService/'

/** Users are not passed on where their names are messages of their own. */
const NESTED: readonly string[] = ['SelectUser']

describe('what an RPC is about', () => {
  it('is what its bytes say by the field that Milvus declares, for every op and sample', () => {
    let compared = 0
    for (const rpc of Object.keys(ops) as Rpc[]) {
      const op = ops[rpc] as unknown as Op
      if (op.access.kind === 'login' || NESTED.includes(rpc)) continue
      const method = forwardedMethods.find(({ path }) => path === PATH + rpc)
      assert.ok(method, rpc)
      for (const request of samples[rpc].requests) {
        const bytes = op.encodeRequest(request as never)
        const byOp = op.targets(request as never)
        // of a user's name the database is that of the server
        const header: string = op.access.object === 'User' ? 'default' : ''
        assert.deepEqual(method.targets(bytes, header), byOp, rpc)
        compared++
      }
    }
    assert.ok(compared > 60, String(compared))
  })

  it('has a name where Milvus declares the field of one, and none where it does not', () => {
    for (const rpc of Object.keys(ops) as Rpc[]) {
      const op = ops[rpc] as unknown as Op
      if (op.access.kind === 'login') continue
      const message = MilvusService.methods.find(({ name }) => name === rpc)?.input.name ?? ''
      const isNamed = (declaredPrivileges[message]?.nameField ?? 0) > 0
      const [request] = samples[rpc].requests
      const named = op.targets(request as RequestOf<never>).some(({ name }) => name !== '*')
      assert.equal(named, isNamed, rpc)
    }
  })

  it('is read of the last of repeated fields, and of no malformed message', () => {
    const query = forwardedMethods.find(({ name }) => name === 'Query')
    const twice = Buffer.from([0x1a, 1, 0x61, 0x12, 1, 0x64, 0x1a, 1, 0x62])
    assert.deepEqual(query?.targets(twice, 'h'), [{ db: 'd', name: 'b' }])
    assert.deepEqual(query?.targets(Buffer.from([0x1a, 1, 0x61]), 'h'), [{ db: 'h', name: 'a' }])
    for (const broken of [[0x18, 1], [0x1a, 9, 0x61], [0x1a]]) {
      assert.throws(() => query?.targets(Buffer.from(broken), ''), { kind: 'malformedMessage' })
    }
  })
})

describe('the names of privileges', () => {
  it('are those of the protocol, all of them', () => {
    const declared = Object.values(ObjectPrivilege).filter((name) => typeof name === 'string')
    for (const name of declared) {
      const short = name.replace(/^Privilege(Group(?=(Read|Admin|Cluster|Database|Collection)))?/, '')
      assert.ok(isDefined(short), name)
    }
    for (const name of PRIVILEGES) assert.ok(`Privilege${name}` in ObjectPrivilege, name)
  })

  it('are about the objects that requests declare', () => {
    for (const [message, { object, privilege }] of Object.entries(declaredPrivileges)) {
      // row policies take the privileges of users on a collection; they are not served
      if (/RowPolic/.test(message)) continue
      assert.equal(objectOf(privilege.replace(/^Privilege/, '')), object, message)
    }
  })
})
