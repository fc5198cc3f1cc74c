import { afterEach } from 'vitest'
import { Hub } from './hub.ts'
import type { HubOptions } from './hub.ts'

const open: Hub[] = []

afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close()
})

/** A hub with its manager, closed after the test. */
export async function hubWith(options: HubOptions): Promise<Hub> {
  const hub = await Hub.open(options)
  open.push(hub)
  hub.startManager()
  return hub
}
