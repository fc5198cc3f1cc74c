import { readFileSync } from 'node:fs'

/** A case that may fail, and why that is right. */
interface AcceptedDivergence {
  readonly id: string
  readonly reason: string
}

/** Reasons by id of the case. */
export function acceptedDivergences(): ReadonlyMap<string, string> {
  const path = new URL('accepted-divergences.json', import.meta.url)
  const all = JSON.parse(readFileSync(path, 'utf8')) as AcceptedDivergence[]
  return new Map(all.map(({ id, reason }) => [id, reason]))
}
