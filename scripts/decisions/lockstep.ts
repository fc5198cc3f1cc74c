import { ExposureAccount, RolloutEngine, type ExposureReading, type TargetInput } from '@locktender/rollout'
import { Agenda } from './agenda.ts'
import { chance, evidenceStrategy, MINUTE } from './world.ts'

const HOUR = 60 * MINUTE
/** Control planes become unhealthy for reasons of their own once in so long, and are well again after two hours. */
const BACKGROUND = 5000 * HOUR
const RECOVERY = 2 * HOUR
/** How long it takes until all is taken back after a halt. */
const REVERT = 20 * MINUTE
/** Operations of any change fail by themselves. */
const OPERATION_FAILS = 0.003

const NAMES = ['first', 'second'] as const
type Name = (typeof NAMES)[number]

/** What became of two fixes, one of them bad, that reach the same control planes at nearly the same times. */
export interface Lockstep {
  readonly badHalted: boolean
  readonly goodHalted: boolean
  /** The good one was halted before the bad one. */
  readonly wrongFirst: boolean
  /** Ill because of the bad one when it was halted, or at the end. */
  readonly broken: number
}

interface Change {
  phase: 'Pending' | 'Applying' | 'Applied' | 'Failed'
  since: number
  completedAt: number | undefined
}

interface Plane {
  readonly input: TargetInput
  readonly index: number
  readonly changes: Map<Name, Change>
  /** What the engines heard last. */
  readonly told: Map<Name, TargetInput>
  ill: { readonly at: number; readonly cause: Name | 'none' } | undefined
  /** Operations are one after the other. */
  freeAt: number
}

/**
 * Two rollouts, the second of which starts within an hour after the first, with the real engines and the real account of
 * exposure. The bad one (or neither) makes `share` of the control planes ill, half an hour after on average.
 */
export function runInLockstep(
  fleet: readonly TargetInput[],
  share: number,
  seed: number,
  bad: Name | 'none' | undefined = chance(seed, 43, 0) < 0.5 ? 'first' : 'second',
): Lockstep {
  return new Pair(fleet, share, seed, bad).run()
}

class Pair {
  readonly #share: number
  readonly #seed: number
  readonly #bad: Name | 'none'
  readonly #planes = new Map<string, Plane>()
  readonly #engines = new Map<Name, RolloutEngine>()
  readonly #over = new Set<Name>()
  /** When the engines are to be asked again. */
  readonly #due = new Map<Name, number>()
  readonly #account = new ExposureAccount()
  readonly #agenda = new Agenda(MINUTE)
  readonly #halts: Name[] = []
  #broken = 0
  #brokenAtHalt: number | undefined

  constructor(fleet: readonly TargetInput[], share: number, seed: number, bad: Name | 'none') {
    this.#share = share
    this.#seed = seed
    this.#bad = bad
    for (const [index, input] of fleet.entries()) {
      this.#planes.set(input.id, { input, index, changes: new Map(), told: new Map(), ill: undefined, freeAt: 0 })
    }
    this.#agenda.after(0, () => this.#begin('first'))
    this.#agenda.after(Math.floor(chance(seed, 42, 0) * 60) * MINUTE, () => this.#begin('second'))
    for (const plane of this.#planes.values()) this.#ageUntilIll(plane, 0)
  }

  run(): Lockstep {
    for (;;) {
      for (const [name, engine] of this.#engines) {
        if (this.#over.has(name) || (this.#due.get(name) ?? 0) > this.#agenda.now) continue
        this.#decide(name, engine)
        this.#due.set(name, engine.nextDue(this.#agenda.now) ?? Infinity)
      }
      if (this.#over.size === NAMES.length) break
      const due = [...this.#due].flatMap(([name, at]) => (this.#over.has(name) ? [] : at))
      if (!this.#agenda.next(Math.min(...due))) throw new Error('The simulated rollouts are stuck.')
    }
    const good = NAMES.find((name) => name !== this.#bad)
    return {
      badHalted: this.#halts.some((name) => name === this.#bad),
      goodHalted: this.#halts.some((name) => name === good || this.#bad === 'none'),
      wrongFirst: this.#halts[0] === good,
      broken: this.#brokenAtHalt ?? this.#broken,
    }
  }

  #begin(name: Name): void {
    const startedAt = this.#agenda.now
    const targets = Array.from(this.#planes.values(), (plane) => this.#inputOf(name, plane))
    const seed = this.#seed * 2 + NAMES.indexOf(name)
    this.#engines.set(
      name,
      RolloutEngine.create({ strategy: evidenceStrategy, seed, targets, startedAt, deadline: 1e12 }),
    )
    this.#account.track({ name, startedAt }, Array.from(this.#planes.values(), readingOf), startedAt)
  }

  #decide(name: Name, engine: RolloutEngine): void {
    const { now } = this.#agenda
    for (let decisions = engine.decide(now); decisions.length > 0; decisions = engine.decide(now)) {
      for (const decision of decisions) {
        engine.acknowledge(decision)
        if (decision.type === 'apply') this.#start(name, this.#planes.get(decision.id)!)
        if (decision.type === 'complete') this.#end(name)
        if (decision.type === 'halt') {
          this.#halts.push(name)
          if (name === this.#bad) this.#brokenAtHalt = this.#broken
          this.#over.add(name)
          this.#agenda.after(REVERT, () => this.#takeBack(name))
        }
      }
      if (this.#over.has(name)) return
    }
  }

  #end(name: Name): void {
    this.#over.add(name)
    this.#account.untrack(name, this.#agenda.now)
  }

  #takeBack(name: Name): void {
    for (const plane of this.#planes.values()) {
      if (!plane.changes.delete(name)) continue
      if (plane.ill?.cause === name) plane.ill = undefined
      this.#see(plane)
    }
    this.#end(name)
  }

  #start(name: Name, plane: Plane): void {
    const { now } = this.#agenda
    const { index } = plane
    const what = 50 + 10 * NAMES.indexOf(name)
    const since = Math.max(now, plane.freeAt)
    const completedAt = since + Math.ceil(10 + 10 * chance(this.#seed, what, index)) * MINUTE
    plane.freeAt = completedAt
    const change: Change = { phase: 'Pending', since, completedAt: undefined }
    plane.changes.set(name, change)
    this.#see(plane)
    const isOff = () => plane.changes.get(name) !== change
    this.#agenda.after(since - now, () => {
      if (isOff()) return
      change.phase = 'Applying'
      this.#see(plane)
    })
    this.#agenda.after(completedAt - now, () => {
      if (isOff()) return
      change.phase = chance(this.#seed, what + 1, index) < OPERATION_FAILS ? 'Failed' : 'Applied'
      change.completedAt = this.#agenda.now
      this.#see(plane)
      if (name !== this.#bad || change.phase === 'Failed' || chance(this.#seed, what + 2, index) >= this.#share) return
      const delay = -Math.log(1 - chance(this.#seed, what + 3, index)) * 30 * MINUTE
      this.#agenda.after(delay, () => {
        if (isOff()) return
        this.#broken++
        if (plane.ill === undefined) this.#fallIll(plane, name)
      })
    })
  }

  #ageUntilIll(plane: Plane, round: number): void {
    this.#agenda.after(-Math.log(1 - chance(this.#seed, 70 + round, plane.index)) * BACKGROUND, () => {
      if (plane.ill === undefined) {
        this.#fallIll(plane, 'none')
        this.#agenda.after(RECOVERY, () => {
          plane.ill = undefined
          this.#see(plane)
        })
      }
      this.#ageUntilIll(plane, round + 1)
    })
  }

  #fallIll(plane: Plane, cause: Name | 'none'): void {
    plane.ill = { at: this.#agenda.now, cause }
    this.#see(plane)
  }

  /** Tells of a control plane, and of those whose illness is held against another fix for it. */
  #see(plane: Plane): void {
    const again = this.#account.see(readingOf(plane), this.#agenda.now)
    for (const id of new Set([plane.input.id, ...again])) {
      const each = this.#planes.get(id)!
      for (const [name, engine] of this.#engines) if (!this.#over.has(name)) this.#tell(name, engine, each)
    }
  }

  /** An engine hears of what concerns its fix. */
  #tell(name: Name, engine: RolloutEngine, plane: Plane): void {
    const target = this.#inputOf(name, plane)
    const before = plane.told.get(name) ?? plane.input
    plane.told.set(name, target)
    const isNew =
      target.phase !== before.phase ||
      target.since !== before.since ||
      target.completedAt !== before.completedAt ||
      target.onsetAt !== before.onsetAt
    if (!isNew) return
    engine.apply({ type: 'upsert', target })
    this.#due.set(name, 0)
  }

  #inputOf(name: Name, { input, changes, ill }: Plane): TargetInput {
    const change = changes.get(name)
    if (change === undefined) return input
    const { phase, since, completedAt } = change
    const other = changes.get(name === 'first' ? 'second' : 'first')
    const isAnothers =
      ill !== undefined &&
      other !== undefined &&
      (other.phase === 'Applying' || other.phase === 'Failed') &&
      ill.at >= other.since
    const isOnset = ill !== undefined && phase === 'Applied' && ill.at >= since && !isAnothers
    return {
      ...input,
      phase,
      requested: true,
      since,
      ...(completedAt === undefined ? {} : { completedAt }),
      ...(isOnset && !this.#account.isExcused(name, input.id) ? { onsetAt: ill.at } : {}),
    }
  }
}

function readingOf({ input, changes, ill }: Plane): ExposureReading {
  const target = input.id
  const all = [...changes]
  if (all.some(([, { phase }]) => phase === 'Failed')) return { target }
  const runs = new Map(
    all.flatMap(([name, { phase, since, completedAt }]) =>
      phase === 'Applied' ? [[name, { from: since, until: completedAt ?? since }] as const] : [],
    ),
  )
  const isBusy = all.some(([, { phase }]) => phase === 'Applying')
  const illness = ill && { at: ill.at, signature: 'Degraded' }
  return {
    target,
    seen: { stage: input.stage, stratum: input.stratum, runs, isBusy, ...(illness && { illness }) },
  }
}
