import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StartError } from '../errors/start-error.ts'
import { GROUPS, groupList, isAvailable, negotiatedGroup, offersNoHybrid } from './groups.ts'
import { type PolicySettings, protocolPolicy } from './policy.ts'

const nothing: PolicySettings = {
  profile: 'intermediate',
  minVersion: 'profile',
  maxVersion: 'profile',
  ciphers: [],
  groups: [],
  pq: 'prefer',
}

describe('protocolPolicy', () => {
  it('by default: as Milvus by mode, AEAD with forward secrecy, the hybrid group first', () => {
    const one = protocolPolicy(nothing, 'oneWay')
    const two = protocolPolicy(nothing, 'mutual')
    assert.deepEqual([one.minVersion, one.maxVersion], ['TLSv1.2', 'TLSv1.3'])
    assert.deepEqual([two.minVersion, two.maxVersion], ['TLSv1.3', 'TLSv1.3'])
    for (const name of one.ciphers) assert.match(name, /^TLS_|^ECDHE-.*(GCM|CHACHA20)/)
    assert.ok(two.ciphers.every((name) => name.startsWith('TLS_')))
    assert.equal(one.groups[0], 'X25519MLKEM768')
  })

  const cases: readonly (readonly [Partial<PolicySettings>, 'oneWay' | 'mutual', string, string])[] = [
    [{ profile: 'modern' }, 'oneWay', 'TLSv1.3', 'TLSv1.3'],
    [{ profile: 'modern', minVersion: '1.2' }, 'oneWay', 'TLSv1.2', 'TLSv1.3'],
    [{ minVersion: '1.2' }, 'mutual', 'TLSv1.2', 'TLSv1.3'],
    [{ minVersion: '1.2', maxVersion: '1.2' }, 'mutual', 'TLSv1.2', 'TLSv1.2'],
    [{ maxVersion: '1.2' }, 'oneWay', 'TLSv1.2', 'TLSv1.2'],
    [{ pq: 'require' }, 'oneWay', 'TLSv1.3', 'TLSv1.3'],
  ]
  for (const [given, mode, min, max] of cases) {
    it(`${JSON.stringify(given)} in ${mode} is ${min} to ${max}`, () => {
      const policy = protocolPolicy({ ...nothing, ...given }, mode)
      assert.deepEqual([policy.minVersion, policy.maxVersion], [min, max])
    })
  }

  it('takes OpenSSL and IANA names of ciphers, in the order given, each once', () => {
    const ciphers = ['tls_aes_128_gcm_sha256:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256']
    const policy = protocolPolicy({ ...nothing, ciphers }, 'oneWay')
    assert.deepEqual(policy.ciphers, ['TLS_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'])
  })

  it('takes other names of groups; hybrids come first whatever the order', () => {
    const groups = ['secp256r1', 'x25519mlkem768', 'P-256']
    assert.deepEqual(protocolPolicy({ ...nothing, groups }, 'oneWay').groups, ['X25519MLKEM768', 'P-256'])
    assert.deepEqual(protocolPolicy({ ...nothing, groups, pq: 'require' }, 'oneWay').groups, ['X25519MLKEM768'])
    assert.deepEqual(protocolPolicy({ ...nothing, pq: 'off' }, 'oneWay').groups, ['X25519', 'P-256', 'P-384'])
  })

  const refused: readonly (readonly [Partial<PolicySettings>, 'oneWay' | 'mutual', RegExp, RegExp])[] = [
    [{ maxVersion: '1.2' }, 'mutual', /maxVersion: 1\.2 is below TLS 1\.3.*tlsMode 2/, /minVersion to 1\.2/],
    [{ maxVersion: '1.2', profile: 'modern' }, 'oneWay', /maxVersion: 1\.2 .*profile modern/, /leave it out/],
    [{ minVersion: '1.3', maxVersion: '1.2' }, 'oneWay', /maxVersion: 1\.2 is below .*minVersion 1\.3/, /raise it/],
    [{ maxVersion: '1.2', pq: 'require' }, 'oneWay', /maxVersion: 1\.2 .*pq require/, /raise it/],
    [{ minVersion: '1.2', pq: 'require' }, 'oneWay', /pq: require needs TLS 1\.3/, /minVersion out/],
    [{ groups: ['X25519'], pq: 'require' }, 'oneWay', /pq: require needs a hybrid/, /add X25519MLKEM768/],
    [{ groups: ['X25519MLKEM768'], pq: 'off' }, 'oneWay', /groups: X25519MLKEM768 is a hybrid/, /take it out/],
    [{ groups: ['X25519MLKEM768'], maxVersion: '1.2' }, 'oneWay', /hybrid groups only/, /add X25519/],
    [{ groups: ['brainpoolP256r1'] }, 'oneWay', /groups: brainpoolP256r1 is no group/, /choose from X25519MLKEM768/],
    [{ ciphers: ['TLS_AES_128_GCM_SHA256'] }, 'oneWay', /has no TLS 1\.2 cipher/, /minVersion to 1\.3/],
    [{ ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'] }, 'oneWay', /has no TLS 1\.3 suite/, /maxVersion to 1\.2/],
    [{ ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'] }, 'mutual', /has no TLS 1\.3 suite/, /add TLS_AES_256/],
    [{ ciphers: ['ECDHE-RSA-AES128-SHA'] }, 'oneWay', /ciphers: ECDHE-RSA-AES128-SHA does not give/, /choose from/],
    [{ ciphers: ['AES128-GCM-SHA256'] }, 'oneWay', /AES128-GCM-SHA256 does not give .*forward secrecy/, /choose from/],
    [{ ciphers: ['TLS_AES_128_CCM_8_SHA256'] }, 'oneWay', /does not give .*full tag/, /choose from/],
    [{ ciphers: ['DHE-RSA-AES128-GCM-SHA256'] }, 'oneWay', /Diffie-Hellman parameters/, /choose from/],
    [{ ciphers: ['NULL-MD5'] }, 'oneWay', /NULL-MD5 does not give/, /choose from/],
    [{ ciphers: ['HIGH'] }, 'oneWay', /HIGH does not give/, /choose from/],
    [{ ciphers: ['@SECLEVEL=0'] }, 'oneWay', /@SECLEVEL=0 is no cipher/, /choose from/],
    [{ ciphers: ['TLS_NO_SUCH'] }, 'oneWay', /TLS_NO_SUCH is no cipher that OpenSSL knows/, /choose from/],
  ]
  for (const [given, mode, message, remedy] of refused) {
    it(`refuses ${JSON.stringify(given)} in ${mode}, with the remedy`, () => {
      assert.throws(
        () => protocolPolicy({ ...nothing, ...given }, mode),
        (error) => {
          assert.ok(error instanceof StartError)
          assert.match(error.message, message)
          assert.match(error.message, /^redkite\.tls\.\w+: /)
          assert.match(error.hint ?? '', remedy)
          return error.exitCode === 78
        },
      )
    })
  }
})

describe('groups', () => {
  it('every group of the table is one of this OpenSSL', () => {
    assert.deepEqual(
      GROUPS.filter(({ name }) => !isAvailable(name)),
      [],
    )
  })

  it('hybrids and classical groups are two tuples', () => {
    assert.equal(groupList(['P-256', 'X25519MLKEM768', 'X25519']), 'X25519MLKEM768/P-256:X25519')
    assert.equal(groupList(['X25519', 'P-256']), 'X25519:P-256')
    assert.ok(isAvailable(groupList(GROUPS.map(({ name }) => name))))
  })

  it('nothing is told of what is not sure', () => {
    const offer = { groups: [0x1d, 0x9999], keyShares: [0x1d] }
    assert.equal(negotiatedGroup(['X25519'], offer, 'TLSv1.3', false), 'X25519')
    assert.equal(negotiatedGroup(['X25519'], offer, 'TLSv1.2', true), '')
    assert.equal(negotiatedGroup(['X25519'], { groups: [], keyShares: [] }, 'TLSv1.2', false), '')
    assert.equal(negotiatedGroup(['X25519'], offer, 'unknown', false), '')
  })

  it('tells a client without hybrids where only they are taken', () => {
    assert.ok(offersNoHybrid(['X25519MLKEM768'], { groups: [0x1d], keyShares: [] }))
    assert.ok(!offersNoHybrid(['X25519MLKEM768'], { groups: [0x11ec], keyShares: [] }))
    assert.ok(!offersNoHybrid(['X25519MLKEM768', 'X25519'], { groups: [0x17], keyShares: [] }))
  })
})
