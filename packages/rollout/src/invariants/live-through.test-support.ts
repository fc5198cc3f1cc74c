import { replay, type LogEntry } from '../log/index.ts'
import { planRollout } from '../plan.ts'
import type { Decision, RolloutSummary } from '../types.ts'
import { checkEnd, Inspector } from './inspector.test-support.ts'
import { isQuiet, type Story } from './story.test-support.ts'
import { violates } from './violation.test-support.ts'
import { StoryWorld } from './world.test-support.ts'

/** What was seen in many stories, so that a test can say that it saw enough. */
export type Tally = Map<string, number>

function count(tally: Tally, what: string, by = 1): void {
  tally.set(what, (tally.get(what) ?? 0) + by)
}

/** Lives through a story in every way there is, and throws at the first invariant that does not hold. */
export function liveThrough(story: Story, tally: Tally): void {
  const caps = { of: (_shard: string) => story.perShard }
  const inspector = new Inspector(story, (shard) => caps.of(shard))
  const log: LogEntry[] = []
  const world = new StoryWorld(story, { watch: inspector, log: (entry) => log.push(entry) })
  caps.of = (shard) => world.caps.get(shard) ?? story.perShard
  const summary = world.run()
  count(tally, summary.phase)
  if (summary.verdict?.outcome === 'Halt') count(tally, summary.verdict.rule)
  for (const [type, times] of Object.entries(inspector.checked)) count(tally, type, times)
  checkEnd(story, summary)
  checkWrites(world)
  checkFresh(world, summary)
  checkShuffled(world)
  checkReplay(log)
  // After a restart the comparison does not know the illnesses that are over.
  if (isQuiet(story) && !story.compareUntreated) {
    count(tally, 'quiet')
    checkSteady(world, summary, tally)
  }
}

/** I2: everybody is asked once and taken back once, whatever crashes. */
function checkWrites({ requests, reverts, wanted }: StoryWorld): void {
  for (const [id, times] of requests)
    if (times > (wanted.get(id) ?? 1)) violates('I2', `${id} was asked ${times} times`)
  for (const [id, times] of reverts) if (times > 1) violates('I13', `${id} was taken back ${times} times`)
}

/** I9: an engine that is told all at once, in the end, counts what one counts that was told bit by bit. */
function checkFresh(world: StoryWorld, { counts, targets, inFlight, stages }: RolloutSummary): void {
  const engine = world.fresh()
  // Paused, it only looks at the time.
  engine.pause('Because.')
  engine.decide(world.time.now)
  const fresh = engine.summary(world.time.now)
  const kept = { counts, targets, inFlight, members: stages.map(({ targets }) => targets) }
  const again = {
    counts: fresh.counts,
    targets: fresh.targets,
    inFlight: fresh.inFlight,
    members: fresh.stages.map(({ targets }) => targets),
  }
  if (JSON.stringify(kept) !== JSON.stringify(again)) {
    violates('I9', `from scratch it counts ${JSON.stringify(again)} instead of ${JSON.stringify(kept)}`)
  }
}

/** I9: neither the order of listing nor that of simultaneous events matters, nor how often one asks. */
function checkShuffled(world: StoryWorld): void {
  const shuffled = new StoryWorld(world.story, { shuffled: true })
  shuffled.run()
  compare('I9', world.log, shuffled.log)
}

/** I19: the log decides everything again. */
function checkReplay(log: readonly LogEntry[]): void {
  const [first] = replay(log).mismatches
  if (first) violates('I19', `entry ${first.index} of the log is not decided again: ${JSON.stringify(first)}`)
}

/** I10, I3: crashes change nothing, and without them it goes as planned. */
function checkSteady(world: StoryWorld, summary: RolloutSummary, tally: Tally): void {
  const steady = new StoryWorld(world.story, { steady: true })
  const expected = steady.run()
  const { phase, counts } = summary
  const isSame = phase === expected.phase && JSON.stringify(counts) === JSON.stringify(expected.counts)
  if (!isSame) violates('I10', `with crashes it ends ${phase} with ${JSON.stringify(counts)}`)
  compare('I10', once(steady.decisions), once(world.decisions))
  if (phase !== 'Completed') return
  count(tally, 'planned')
  const metas = [...steady.fleet.agents.values()].map(({ meta }) => meta)
  const plan = planRollout(metas, steady.strategy, world.story.seed)
  for (const decision of steady.decisions) {
    if (decision.type !== 'apply') continue
    const planned = plan.waveOf(decision.id)
    const isPlanned = planned?.stage === decision.stage && planned.wave === decision.wave
    if (!isPlanned)
      violates('I3', `${decision.id} is asked in ${decision.stage}/${decision.wave}, planned is ${planned?.wave}`)
  }
}

/** Without repetitions, and without the end, which may have been stored with the decision before it. */
function once(decisions: readonly Decision[]): string[] {
  return [...new Set(decisions.filter(({ type }) => type !== 'complete').map((each) => JSON.stringify(each)))].sort()
}

function compare(invariant: string, expected: readonly string[], actual: readonly string[]): void {
  const length = Math.max(expected.length, actual.length)
  for (let index = 0; index < length; index++) {
    if (expected[index] === actual[index]) continue
    violates(invariant, `decision ${index} is ${actual[index] ?? 'missing'} instead of ${expected[index] ?? 'nothing'}`)
  }
}
