import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { notAllowed } from './allowed-peers.ts'

/** As Node prints alternative names: values with a comma or a quote are quoted. */
const carrying = (subjectAltName: string | undefined) => ({ subject: 'CN=peer', subjectAltName }) as X509Certificate
const isAllowed = (names: string | undefined, ...allowed: string[]) => notAllowed(carrying(names), allowed) === null

test('one of the names is enough, exactly; no names mean everybody', () => {
  const names = 'DNS:Proxy.example, URI:spiffe://a/proxy, IP Address:10.0.0.1'
  assert.ok(isAllowed(names))
  assert.ok(isAllowed(names, 'x', 'proxy.example'))
  assert.ok(isAllowed(names, 'spiffe://a/proxy'))
  for (const other of ['example', 'proxy.exampl', 'spiffe://a/prox', 'spiffe://A/proxy', '10.0.0.1', '']) {
    assert.ok(!isAllowed(names, other), other)
  }
  assert.ok(!isAllowed(undefined, 'proxy.example'))
  assert.equal(notAllowed(carrying(names), ['x'])?.reason, 'peerNotAllowed')
})

test('a name inside a quoted value is no name', () => {
  assert.ok(!isAllowed('URI:"a, URI:spiffe://a/proxy, b"', 'spiffe://a/proxy'))
  assert.ok(!isAllowed('DNS:"x\\", DNS:proxy, \\"y"', 'proxy'))
})
