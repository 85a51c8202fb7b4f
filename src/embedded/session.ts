import type { Handler } from './world.ts'

/** First call of every SDK; names a database that must exist. */
export const connect: Handler<'Connect'> = (world, { db, client }, pass) => {
  world.catalog.database(db)
  const identifier = world.catalog.clock.next()
  world.log.debug('Connect', { peer: pass.caller.peer, sdk: client.sdkType, version: client.sdkVersion, identifier })
  return { identifier }
}

export const getVersion: Handler<'GetVersion'> = (world) => ({ version: world.version })

export const checkHealth: Handler<'CheckHealth'> = (world) => {
  const { healthy, parts } = world.health()
  return { healthy, reasons: parts.filter((part) => !part.healthy).map((part) => `${part.name}: ${part.detail}`) }
}

export const getComponentStates: Handler<'GetComponentStates'> = (world) => ({ healthy: world.health().healthy })

export const allocTimestamp: Handler<'AllocTimestamp'> = (world) => ({ ts: world.catalog.clock.next() })
