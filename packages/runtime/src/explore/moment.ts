import { hash52 } from '@locktender/kube'
import type { Choices } from './choices.ts'
import type { Slot } from './process.ts'
import type { RunState } from './run-state.ts'
import { operationText } from './texts.ts'

/**
 * A number that stands for all that decides how the schedule goes on when everything goes the default way. What
 * controllers keep in memory is not in it, unless the scenario says that it matters: then it is all they were told.
 */
export function momentOf(state: RunState, choices: Choices): number {
  const parts: (string | number)[] = [state.step, state.advanceToMs ?? 0, ...choices.spent()]
  parts.push(...state.timers.delays(), state.timers.now() - state.quietSinceMs)
  for (const server of state.servers.values()) parts.push(server.state.hash, Number(server.down), ...server.chores)
  for (const { process, plural, verbs } of state.permissions.all) parts.push(process, plural, ...(verbs ?? []))
  for (const operation of state.operations) parts.push(operationText(operation), Number(operation.late))
  for (const process of state.processes) {
    const downtime = state.down.get(process)
    parts.push(process.name, downtime === undefined ? '' : `${downtime.until} ${downtime.step}`)
    if (state.prepared.scenario.remembers === true) parts.push(...process.told.map(toldText))
    for (const { content, hold } of process.informers) {
      parts.push(content)
      if (hold === undefined) continue
      parts.push(hold.until, hold.step, Number(hold.lastOnly))
      for (const { key, after } of hold.changes) parts.push(key, after?.hash ?? 0)
    }
    for (const slot of process.slots) {
      parts.push(slot.key ?? '', slot.waiting, ...slot.told.map(toldText))
      for (const { key, initial } of slot.queue.ready()) parts.push(key, Number(initial))
      for (const [key, count] of slot.queue.failures) parts.push(key, count)
    }
  }
  return hash52(parts.join(' '))
}

/** Notes what a reconcile was told, and what it saw in its caches then, for telling moments apart. */
export function tell(slot: Slot, status: number, body: Uint8Array | string = ''): void {
  const seen = slot.process.informers.reduce((sum, { content }) => sum + content, status)
  slot.told.push(seen, body)
  slot.process.told.push(seen, body)
}

const bodyHashes = new WeakMap<Uint8Array, number>()

function toldText(part: number | string | Uint8Array): number | string {
  if (!(part instanceof Uint8Array)) return part
  let hash = bodyHashes.get(part)
  if (hash === undefined) bodyHashes.set(part, (hash = hash52(Buffer.from(part).toString('latin1'))))
  return hash
}
