import { hash52 } from '@locktender/kube'
import type { Choices } from './choices.ts'
import type { Slot } from './process.ts'
import type { RunState } from './run-state.ts'
import { operationText, slotName } from './texts.ts'

/**
 * A number that stands for all that decides how the schedule goes on when everything goes the default way. What
 * controllers keep in memory is not in it, unless the scenario says that it matters: then it is all they were told.
 */
export function momentOf(state: RunState, choices: Choices): number {
  const parts: (string | number)[] = [state.step, state.advanceToMs ?? 0, ...choices.spent()]
  parts.push(...state.timers.delays(), state.timers.now() - state.quietSinceMs)
  for (const server of state.servers.values()) parts.push(server.state.hash, Number(server.down), ...server.chores)
  for (const { process, plural, verbs } of state.permissions.all) parts.push(process, plural, ...(verbs ?? []))
  for (const operation of state.operations) {
    // Who began last goes on first.
    const rank = state.operations.filter(({ slot }) => slot.began < operation.slot.began).length
    parts.push(operationText(operation), Number(operation.late), rank)
  }
  parts.push(...readyKeys(state))
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
      parts.push(...slot.queue.described())
    }
  }
  return hash52(parts.join(' '))
}

/** The keys that are ready, with whose they are, in the order in which they come by default. */
function readyKeys({ processes }: RunState): string[] {
  const found: { readonly text: string; readonly sequence: number }[] = []
  for (const { slots } of processes) {
    for (const slot of slots) {
      for (const { key, initial, sequence } of slot.queue.ready()) {
        found.push({ text: `${slotName(slot)} ${key} ${initial}`, sequence })
      }
    }
  }
  return found.sort((left, right) => left.sequence - right.sequence).map(({ text }) => text)
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
