import type { Choice, Explorer } from '@locktender/runtime/explore'

/** What may become of a write, each in a schedule of its own. */
const FAULTS = ['crash before', 'crash after', 'answer lost', 'conflict', 'fails with 500'] as const

/** Processes that are under test. */
const OURS = /^(manager|agent-)/

/**
 * Every plan in which one write of ours goes wrong in one way, for all writes of the reference run; of `every` plans in
 * a row, only one.
 */
export async function singleFaults(explorer: Explorer, every = 1): Promise<Choice[]> {
  const { trace } = await explorer.replay({ scenario: '', choices: [] })
  const seen = new Map<string, number>()
  const plans: Choice[] = []
  for (const { what, who, text } of trace) {
    if (what !== 'request' || !OURS.test(who)) continue
    const at = text.slice(0, text.lastIndexOf(': '))
    const nth = (seen.get(at) ?? 0) + 1
    seen.set(at, nth)
    if (/: (reads|asks) /.test(at)) continue
    for (const take of FAULTS) {
      if (take === 'conflict' && at.includes(': creates ')) continue
      plans.push({ kind: 'request', at, nth, take })
    }
  }
  return plans.filter((_, index) => index % every === 0)
}

/** Tries them one after the other; gives what was found wrong first, with its plan. */
export async function findingOf(explorer: Explorer, plans: readonly Choice[]): Promise<string | undefined> {
  for (const choice of plans) {
    const { findings, followed } = await explorer.replay({ scenario: '', choices: [choice] })
    const told = `${choice.at} (${choice.nth}): ${choice.take}`
    if (followed.length === 0) return `${told} did not come up`
    if (findings.length > 0) return `${told}: ${findings[0]!.oracle}: ${findings[0]!.message}`
  }
  return undefined
}
