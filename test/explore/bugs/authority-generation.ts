import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { database, databases, MAIN, NAMESPACE, secret, secrets } from '../support/kinds.ts'

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const TRUSTED = 'zoo.example.com/trusted-generation'
const GENERATION = 'zoo.example.com/generation'

/** When the authority has a new key, servers learn to trust it first, and get certificates signed by it after that. */
function operator(variant: Variant): Controller {
  const renewing = new Set<string>()
  return {
    name: 'authority',
    reads: [
      read(databases),
      read(secrets, ({ key }) => (key.endsWith('-authority') ? [key.slice(0, -'-authority'.length)] : [])),
    ],
    writes: [write(secrets)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current(client, databases, name)
      const authority = await current(client, secrets, `${name}-authority`)
      const generation = authority?.metadata.annotations?.[GENERATION]
      if (db === undefined || generation === undefined) return
      const annotations = { [TRUSTED]: generation }
      const server = await current<Secret>(client, secrets, `${name}-server`)
      if (server === undefined) {
        const made = secret(`${name}-server`, { 'signed-by': generation }, { owner: db, annotations })
        await ensure(client, secrets, made)
        return
      }
      if (server.metadata.annotations?.[TRUSTED] !== generation) {
        renewing.add(key)
        await client.patch(secrets, server.metadata, { metadata: { annotations } }, { type: 'merge' })
      }
      const signedBy = Buffer.from(server.data?.['signed-by'] ?? '', 'base64').toString()
      if (variant === 'buggy' ? !renewing.has(key) : signedBy === generation) return
      const stringData = { 'signed-by': generation }
      await client.patch(secrets, server.metadata, { stringData }, { type: 'merge' })
      renewing.delete(key)
    },
  }
}

const authority = secret('db-authority', { key: 'secret' }, { annotations: { [GENERATION]: '1' } })

export const authorityGeneration: Bug = {
  name: 'authority-generation',
  class: 'intermediate',
  report: 'strimzi/strimzi-kafka-operator#8401',
  wentWrong:
    'That certificates must be renewed after the servers trust the new key is kept in memory only; after a crash between the two steps the generation counts as done and the certificates stay signed by the old key.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `authority-generation ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      objects: [authority],
      steps: [
        { create: database('db', {}) },
        { settle: true },
        {
          change: { resource: secrets, name: 'db-authority', namespace: NAMESPACE },
          to: { metadata: { annotations: { [GENERATION]: '2' } } },
        },
      ],
      remembers: true,
    }),
}
