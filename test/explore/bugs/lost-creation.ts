import { isAlreadyExists, isInvalid } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { current, nameOf, ownerKey, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, pod, pods } from '../support/kinds.ts'
import { type Pod, podRunner } from '../support/pod-runner.ts'

interface Status {
  readonly phase?: 'Running' | 'Failed' | 'Succeeded'
}

/** Runs one backup for each request and reports how it ended. */
function operator(variant: Variant): Controller {
  return {
    name: 'backups',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status'), write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const request = await current<Custom<object, Status>>(client, databases, name)
      if (request === undefined) return
      const phase = request.status?.phase
      if (phase === 'Failed' || phase === 'Succeeded') return
      const report = (next: Status['phase']) =>
        client.report(databases, request.metadata, { status: { phase: next } }, { subresource: 'status' })
      const backup = await current<Pod>(client, pods, `${name}-backup`)
      if (backup !== undefined) {
        const ended = backup.status?.phase === 'Succeeded'
        if (ended || phase === undefined) await report(ended ? 'Succeeded' : 'Running')
        return
      }
      try {
        await client.create(pods, pod(`${name}-backup`, { owner: request }))
      } catch (error) {
        if (isAlreadyExists(error)) return
        // Only a server that has refused the pod for good says something about the backup.
        if (variant === 'repaired' && !isInvalid(error)) throw error
        await report('Failed')
        return
      }
      await report('Running')
    },
  }
}

export const lostCreation: Bug = {
  name: 'lost-creation',
  class: 'indirect',
  report: 'formancehq/ledger#1968',
  wentWrong:
    'When the answer to the creation of the job is lost, the run counts as failed for good, although the job exists and succeeds.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `lost-creation ${variant}`,
      operator: () => [operator(variant)],
      others: { runner: () => [podRunner()] },
      steady: ['runner'],
      steps: [{ create: database('db', {}) }],
    }),
}
