// Connects with a client certificate and a login. npm install @zilliz/milvus2-sdk-node, then
//   redkite certs create --dir certs
//   redkite run --tls mutual --tls-dir certs --set common.security.authorizationEnabled=true
//   node mutual-tls.mjs
// REDKITE_URI, REDKITE_TLS_DIR and REDKITE_PASSWORD say otherwise.
import { join } from 'node:path'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'

const directory = process.env.REDKITE_TLS_DIR ?? 'certs'
const address = process.env.REDKITE_URI ?? 'https://localhost:19530'
const login = { username: 'root', password: process.env.REDKITE_PASSWORD ?? 'Milvus' }
const rootCertPath = join(directory, 'ca.pem')

const client = new MilvusClient({
  address,
  ...login,
  tls: { rootCertPath, certChainPath: join(directory, 'client.pem'), privateKeyPath: join(directory, 'client.key') },
})
await client.connectPromise
const { version } = await client.getVersion()
console.log(`connected to ${version}`)
console.log(`users: ${(await client.listUsers()).usernames.join(', ')}`)
await client.closeConnection()

// the same without the certificate: the server ends the handshake
const stranger = new MilvusClient({ address, ...login, tls: { rootCertPath }, timeout: 5000, maxRetries: 0 })
try {
  await stranger.connectPromise
  await stranger.getVersion()
  console.log('let in without a certificate')
  process.exitCode = 1
} catch {
  console.log('refused without a certificate')
} finally {
  await stranger.closeConnection()
}
