import { MILVUS_VERSION } from '../model/version.ts'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'

/** The first call of every SDK; `identifier` comes back in its later calls' metadata. */
export const connect: Op<'Connect'> = defineOp({
  rpc: 'Connect',
  login: 'every client begins with it; it shows the version and whether the database exists',
  decode: ({ clientInfo }, meta) => ({
    db: dbOf('', meta),
    client: {
      sdkType: clientInfo?.sdkType ?? '',
      sdkVersion: clientInfo?.sdkVersion ?? '',
      user: clientInfo?.user ?? '',
      host: clientInfo?.host ?? '',
      localTime: clientInfo?.localTime ?? '',
    },
  }),
  toMessage: ({ client }) => ({ clientInfo: { ...client } }),
  encode: ({ identifier }) => ({
    identifier,
    serverInfo: { buildTags: MILVUS_VERSION, deployMode: 'STANDALONE' },
  }),
  fromReply: ({ identifier }) => ({ identifier }),
})
