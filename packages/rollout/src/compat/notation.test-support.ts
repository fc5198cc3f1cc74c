import type { OcmOutcome } from './case-file.ts'
import { outcomeOf } from './check-cases.ts'
import type { Question } from './questions.test-support.ts'
import type { KeptQuirks } from './quirks.ts'
import type { OcmGroup, OcmStatus, OcmStrategyBody } from './types.ts'

const STATUSES: Readonly<Record<string, string>> = {
  A: 'ToApply',
  P: 'Progressing',
  S: 'Succeeded',
  F: 'Failed',
  T: 'TimeOut',
  K: 'Skip',
}
const LETTERS = new Map(Object.entries(STATUSES).map(([letter, status]) => [status, letter]))

const TYPES = { A: 'All', P: 'Progressive', PG: 'ProgressivePerGroup' } as const
const KEYS = { A: 'all', P: 'progressive', PG: 'progressivePerGroup' } as const

/**
 * A question in short: groups as `0=canary[c1 c2] 1[c3]`, statuses as `c1S-60 c2P` (seconds from now, if known).
 * A = ToApply, P = Progressing, S = Succeeded, F = Failed, T = TimeOut, K = Skip.
 */
export function ask(type: keyof typeof TYPES, body: OcmStrategyBody, groups: string, statuses: string): Question {
  const listed = groups
    .matchAll(/(-?\d+)(?:=(\w+))?\[([^\]]*)\]/g)
    .map(([, index, name = '', clusters = '']): OcmGroup => ({
      name,
      index: Number(index),
      clusters: clusters.split(' ').filter((cluster) => cluster !== ''),
    }))
  const all = [...listed]
  return {
    strategy: { type: TYPES[type], [KEYS[type]]: body },
    groups: all,
    statuses: [...statuses.matchAll(/(\w+?)([APSFTK])(-?\d+)?(?= |$)/g)].map(
      ([, cluster = '', letter = '', seconds]): OcmStatus => {
        const home = all.find(({ clusters }) => clusters.includes(cluster))
        return {
          cluster,
          group: { name: home?.name ?? '', index: home?.index ?? 0 },
          status: STATUSES[letter] ?? '',
          ...(seconds !== undefined && { transitionAt: Number(seconds) * 1000 }),
        }
      },
    ),
    now: 0,
  }
}

/** An answer in short: `R c1P(30) c2A; T c3; X c4; breach; again 30`, or `error deadline`. Seconds in brackets: recheckAt. */
export function answerTo(question: Question, kept: KeptQuirks): string {
  return short(outcomeOf(question, kept))
}

export function short(outcome: OcmOutcome): string {
  if ('error' in outcome) return `error ${outcome.error}`
  const { rollout, timeout, removed, maxFailureBreach, recheckAfter } = outcome
  const entry = ({ cluster, status, recheckAt }: OcmStatus) =>
    `${cluster}${LETTERS.get(status) ?? status}${recheckAt === undefined ? '' : `(${recheckAt / 1000})`}`
  const clusters = (letter: string, list: readonly OcmStatus[]) =>
    list.length === 0 ? [] : [`${letter} ${list.map(({ cluster }) => cluster).join(' ')}`]
  return [
    rollout.length === 0 ? 'R –' : `R ${rollout.map(entry).join(' ')}`,
    ...clusters('T', timeout),
    ...clusters('X', removed),
    ...(maxFailureBreach ? ['breach'] : []),
    ...(recheckAfter === undefined ? [] : [`again ${recheckAfter / 1000}`]),
  ].join('; ')
}
