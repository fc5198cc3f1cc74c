import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { AGAIN, current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, NAMESPACE, pod, pods } from '../support/kinds.ts'
import { type Pod, podRunner } from '../support/pod-runner.ts'
import { changeSpec, invariant, SETTLE } from '../support/steps.ts'

const SERVERS = 3
const VERSION = 'zoo.example.com/version'

interface Spec {
  readonly version: string
}

interface Status {
  readonly version?: string
  readonly updated?: number
}

function versionOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[VERSION]
}

/** Keeps three servers, and brings them to a new version one after the other. */
function roller(variant: Variant): Controller {
  /** What is left of the update that is under way. */
  const left = new Set<string>()
  return {
    name: 'roller',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status'), write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Spec, Status>>(client, databases, name)
      if (db === undefined) return
      const { version } = db.spec
      const { items } = await client.list<Pod>(pods, { namespace: NAMESPACE })
      const outdated = items.filter((one) => versionOf(one) !== version).map(({ metadata }) => metadata.name)
      if (db.status?.version !== version) {
        await client.report(databases, db.metadata, { status: { version } }, { subresource: 'status' })
        left.clear()
        for (const one of outdated) left.add(one)
      }
      for (let ordinal = 0; ordinal < SERVERS; ordinal++) {
        await ensure(client, pods, pod(`${name}-${ordinal}`, { owner: db, annotations: { [VERSION]: version } }))
      }
      if (items.length < SERVERS || items.some(({ status }) => status?.phase !== 'Running')) return
      const next = variant === 'buggy' ? outdated.find((one) => left.has(one)) : outdated[0]
      if (next === undefined) return
      await remove(client, pods, next)
      return AGAIN
    },
  }
}

/** Says how many servers have the version that is wanted. */
function counter(): Controller {
  return {
    name: 'counter',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status')],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const db = main.cache<Custom<Spec, Status>>(databases).get(key)
      if (db === undefined) return
      const updated = [...main.cache(pods).values()].filter((one) => versionOf(one) === db.spec.version).length
      if (db.status?.updated === updated) return
      await main.client.report(databases, db.metadata, { status: { updated } }, { subresource: 'status' })
    },
  }
}

const twoServe = invariant('once there, no more than one server is away', () => {
  let complete = false
  return (state) => {
    const count = state.list(pods, NAMESPACE).length
    complete ||= count === SERVERS
    return complete && count < SERVERS - 1 ? `${SERVERS - count} servers are away` : undefined
  }
})

/** Three controllers: one that rolls servers, one that counts, and the node that starts them. */
export const rollingUpdate: Bug = {
  name: 'rolling-update',
  class: 'intermediate',
  report: 'strimzi/strimzi-kafka-operator#363',
  wentWrong:
    'What is left of a rolling update is kept in memory only, so after a restart in the middle the other servers keep the old version.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `rolling-update ${variant}`,
      operator: () => [roller(variant), counter()],
      others: { node: () => [podRunner('Running')] },
      steady: ['node'],
      steps: [{ create: database('db', { version: '1' }) }, SETTLE, changeSpec('db', { version: '2' })],
      invariants: [twoServe],
      remembers: true,
    }),
}
