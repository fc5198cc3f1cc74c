import * as fc from 'fast-check'
import type { OcmGroup, OcmMandatoryGroup, OcmSize, OcmStatus, OcmStrategy, OcmStrategyBody } from './types.ts'

/** A question as the tests make them up: its groups are a list. */
export interface Question {
  readonly strategy: OcmStrategy
  readonly groups: readonly OcmGroup[]
  readonly statuses: readonly OcmStatus[]
  readonly now: number
}

const NOW = 1_000_000

/** How wild the questions are. Tame ones have no duplicates, gaps, empty names and odd texts. */
export type Wildness = 'tame' | 'wild'

const sizes: readonly OcmSize[] = [0, 1, 2, 3, 5, 99, '10%', '33.3%', '50%', '100%', '0%']
const oddSizes: readonly OcmSize[] = [...sizes, -1, '-5%', '200%', 'two', '%', '0.5%', '1e1%']
const deadlines = ['None', '60s', '90s', '2h', '']
const oddDeadlines = [...deadlines, '0s', '1h30m', '10sx', '90', '5ms', '10|', 'xNone']
const soaks = ['0s', '60s', '1m30s', '10m']
const names = ['', 'canary', 'canary', 'a']
const statusNames = ['ToApply', 'Progressing', 'Succeeded', 'Succeeded', 'Succeeded', 'Failed', 'TimeOut', 'Skip']
const oddStatusNames = [...statusNames, '<unknown 8>']
const agos = [600, 120, 90, 61, 60, 59, 30, 10, 0, -30]

/** Questions of up to a dozen clusters in up to four groups. */
export function questions(wildness: Wildness): fc.Arbitrary<Question> {
  const wild = wildness === 'wild'
  const pick = <Value>(values: readonly Value[]) => fc.constantFrom(...values)
  const optional = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
  return fc
    .record({
      members: fc.array(fc.record({ group: fc.nat(3), known: fc.boolean() }), { maxLength: 12 }),
      groups: fc.array(fc.record({ name: pick(names), skip: fc.boolean() }), { minLength: 1, maxLength: 4 }),
      reports: fc.array(
        fc.record({
          status: pick(wild ? oddStatusNames : statusNames),
          ago: optional(pick(agos)),
          home: fc.nat(19),
        }),
        { minLength: 16, maxLength: 16 },
      ),
      strangers: fc.nat(2),
      again: fc.array(fc.nat(11), { maxLength: 2 }),
      shuffled: fc.nat(3),
      type: pick(['All', 'Progressive', 'Progressive', 'ProgressivePerGroup', 'ProgressivePerGroup']),
      withoutBody: fc.nat(9),
      maxFailures: optional(pick(wild ? oddSizes : sizes)),
      maxConcurrency: optional(pick(wild ? oddSizes : sizes)),
      progressDeadline: optional(pick(wild ? oddDeadlines : deadlines)),
      minSuccessTime: optional(pick(soaks)),
      mandatory: fc.array(
        fc.record({
          groupName: pick(wild ? ['', 'canary', 'a', 'cannary'] : ['', 'canary']),
          groupIndex: fc.nat(wild ? 4 : 0),
        }),
        { maxLength: 2 },
      ),
    })
    .map((drawn): Question => {
      let index = -1
      const groups = drawn.groups.map(({ name, skip }) => {
        index += wild && skip ? 2 : 1
        return { name, index, clusters: [] as string[] }
      })
      const statuses: OcmStatus[] = []
      const report = (cluster: string, group: OcmGroup, number: number) => {
        const { status = 'Skip', ago, home = 0 } = drawn.reports[number % drawn.reports.length] ?? {}
        const key = wild && home === 0 ? { name: 'elsewhere', index: 7 } : { name: group.name, index: group.index }
        const transitionAt = ago === undefined ? undefined : NOW - ago * 1000
        statuses.push({ cluster, group: key, status, ...(transitionAt !== undefined && { transitionAt }) })
      }
      for (const [number, { group: which, known }] of drawn.members.entries()) {
        const group = groups[which % groups.length]
        if (group === undefined) continue
        const cluster = wild && number === 11 ? '' : `c${number}`
        group.clusters.push(cluster)
        if (wild && number === 10) groups[0]?.clusters.push(cluster)
        if (known) report(cluster, group, number)
      }
      for (let number = 0; number < drawn.strangers; number++)
        report(`x${number}`, { name: '', index: 0, clusters: [] }, 12 + number)
      if (wild)
        for (const number of drawn.again) {
          const first = statuses[number]
          if (first !== undefined) report(first.cluster, { ...first.group, clusters: [] }, number + 5)
        }
      if (drawn.shuffled > 0) statuses.sort((left, right) => place(left, drawn.shuffled) - place(right, drawn.shuffled))
      else
        statuses.sort((left, right) => left.group.index - right.group.index || (left.cluster < right.cluster ? -1 : 1))
      return { strategy: strategyOf(drawn), groups, statuses, now: NOW }
    })
}

function place({ cluster, status }: OcmStatus, seed: number): number {
  let hash = seed
  for (const letter of `${cluster}${status}`) hash = (hash * 31 + letter.charCodeAt(0)) % 1009
  return hash
}

function strategyOf(drawn: {
  readonly type: string
  readonly withoutBody: number
  readonly maxFailures: OcmSize | undefined
  readonly maxConcurrency: OcmSize | undefined
  readonly progressDeadline: string | undefined
  readonly minSuccessTime: string | undefined
  readonly mandatory: readonly OcmMandatoryGroup[]
}): OcmStrategy {
  const { type, withoutBody, mandatory, ...fields } = drawn
  if (withoutBody === 0) return { type }
  const { maxFailures, maxConcurrency, progressDeadline, minSuccessTime } = fields
  const body: OcmStrategyBody = {
    ...(maxFailures !== undefined && { maxFailures }),
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    ...(progressDeadline !== undefined && { progressDeadline }),
    ...(minSuccessTime !== undefined && { minSuccessTime }),
    mandatoryDecisionGroups: mandatory,
  }
  if (type === 'All') return { type, all: body }
  return type === 'Progressive' ? { type, progressive: body } : { type, progressivePerGroup: body }
}

export function bodyOf({ all, progressive, progressivePerGroup }: OcmStrategy): OcmStrategyBody {
  return all ?? progressive ?? progressivePerGroup ?? {}
}
