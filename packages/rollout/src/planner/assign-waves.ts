import { seededHash } from '../hash.ts'
import { Heap } from '../heap.ts'
import type { StrategyInput, TargetMeta } from '../types.ts'
import { customerLimit, waveSize } from '../wave-size.ts'

/** Where one target is: the index of its stage in the strategy and the number of its wave, from 1. */
export interface Place {
  readonly stage: number
  readonly wave: number
}

/** Which target is in which wave. */
export interface WaveAssignment {
  /** For each target, in the order they were given; undefined for one in no stage. Members of a wave share one object. */
  readonly places: readonly (Place | undefined)[]
  /** For each stage the sizes of its waves. */
  readonly sizes: readonly (readonly number[])[]
}

/** The targets of one stratum of one stage in their random order, as indexes. */
interface Line {
  readonly members: number[]
  /** Next of `members`. */
  at: number
  /** Members passed over in earlier waves; they come before the rest. */
  waiting: readonly number[]
  waitingAt: number
  /** Passed over in this wave. */
  aside: number[]
  taken: number
}

/** More targets than this cannot be ordered in one number each. */
const MOST_TARGETS = 2 ** 21

/**
 * Puts every target in a wave, by the rules of `StagePool` and with its result, but for a whole fleet at once: one sort
 * by number, then a heap over strata. Throws RangeError for more than two million targets.
 */
export function assignWaves(targets: readonly TargetMeta[], strategy: StrategyInput, seed: number): WaveAssignment {
  const order = randomOrder(targets, seed)
  const stageIndex = new Map(strategy.stages.map(({ name }, index) => [name, index]))
  const stages = strategy.stages.map(() => ({ lines: new Map<string, Line>(), size: 0, notFirst: 0 }))
  const customers = new Map<string, number>()
  const customerOf = new Int32Array(targets.length)
  const counts: number[] = []
  for (const index of order) {
    const target = targets[index] as TargetMeta
    const stage = stages[stageIndex.get(target.stage) ?? -1]
    if (!stage) continue
    stage.size++
    if (target.notFirst) stage.notFirst++
    const line = stage.lines.get(target.stratum)
    if (line) line.members.push(index)
    else stage.lines.set(target.stratum, newLine(index))
    let customer = customers.get(target.customer)
    if (customer === undefined) {
      customer = counts.push(0) - 1
      customers.set(target.customer, customer)
    }
    customerOf[index] = customer
    counts[customer] = (counts[customer] as number) + 1
  }
  const picker = new WavePicker(
    targets,
    order,
    customerOf,
    counts.map((count) => customerLimit(strategy, count)),
  )
  const places = Array.from<Place | undefined>({ length: targets.length })
  const sizes = stages.map(({ lines, size, notFirst }, stage) => {
    const waves: number[] = []
    let left = size
    for (let wave = 1; left > 0; wave++) {
      const place = { stage, wave }
      const wanted = waveSize(strategy.stages[stage] as StrategyInput['stages'][number], wave)
      const picked = picker.pick(Array.from(lines.values()), wanted, wave === 1 && size > notFirst)
      for (const index of picked) places[index] = place
      waves.push(picked.length)
      left -= picked.length
    }
    return waves
  })
  return { places, sizes }
}

function newLine(index: number): Line {
  return { members: [index], at: 0, waiting: [], waitingAt: 0, aside: [], taken: 0 }
}

/** Indexes of targets by hash, and by id where hashes are equal. */
function randomOrder(targets: readonly TargetMeta[], seed: number): Int32Array {
  const { length } = targets
  if (length > MOST_TARGETS) throw new RangeError(`At most ${MOST_TARGETS} targets can be planned, not ${length}.`)
  const keys = new Float64Array(length)
  for (let index = 0; index < length; index++) {
    keys[index] = seededHash(seed, (targets[index] as TargetMeta).id) * length + index
  }
  keys.sort()
  const order = new Int32Array(length)
  const hashAt = (position: number) => Math.floor((keys[position] as number) / length)
  const idOf = (index: number) => (targets[index] as TargetMeta).id
  for (let position = 0; position < length; position++) {
    const hash = hashAt(position)
    const index = (keys[position] as number) - hash * length
    let place = position
    // Equal hashes are next to each other in the order of listing: the ids decide.
    while (place > 0 && hashAt(place - 1) === hash && idOf(order[place - 1] as number) > idOf(index)) {
      order[place] = order[place - 1] as number
      place--
    }
    order[place] = index
  }
  return order
}

class WavePicker {
  readonly #targets: readonly TargetMeta[]
  /** Position of each target in the random order. */
  readonly #rank: Int32Array
  readonly #customerOf: Int32Array
  readonly #limits: readonly number[]
  readonly #mine: Int32Array

  constructor(
    targets: readonly TargetMeta[],
    order: Int32Array,
    customerOf: Int32Array,
    customerLimits: readonly number[],
  ) {
    this.#targets = targets
    this.#rank = new Int32Array(order.length)
    for (let position = 0; position < order.length; position++) this.#rank[order[position] as number] = position
    this.#customerOf = customerOf
    this.#limits = customerLimits
    this.#mine = new Int32Array(customerLimits.length)
  }

  /** One wave; `others`: whoever is not to be in the first wave stays out. */
  pick(lines: readonly Line[], count: number, others: boolean): number[] {
    const picked: number[] = []
    const pairs = new Set<string>()
    this.#mine.fill(0)
    const rank = this.#rank
    const heads = new Heap<Line>((left, right) =>
      left.taken === right.taken
        ? (rank[headOf(left) as number] as number) < (rank[headOf(right) as number] as number)
        : left.taken < right.taken,
    )
    for (const line of lines) if (headOf(line) !== undefined) heads.push(line)
    let passedOver = 0
    let round = 1
    while (picked.length < count) {
      const line = heads.pop()
      if (!line) {
        if (passedOver === 0) break
        round++
        passedOver = 0
        for (const each of lines) {
          takeBack(each)
          if (headOf(each) !== undefined) heads.push(each)
        }
        continue
      }
      const index = headOf(line) as number
      advance(line)
      const { pair, notFirst } = this.#targets[index] as TargetMeta
      const customer = this.#customerOf[index] as number
      const mine = this.#mine[customer] as number
      if ((others && notFirst) || (pair !== undefined && pairs.has(pair))) line.aside.push(index)
      else if (mine >= round * (this.#limits[customer] as number)) {
        line.aside.push(index)
        passedOver++
      } else {
        this.#mine[customer] = mine + 1
        if (pair !== undefined) pairs.add(pair)
        picked.push(index)
        line.taken++
      }
      if (headOf(line) !== undefined) heads.push(line)
    }
    for (const line of lines) takeBack(line)
    return picked
  }
}

function headOf(line: Line): number | undefined {
  return line.waitingAt < line.waiting.length ? line.waiting[line.waitingAt] : line.members[line.at]
}

function advance(line: Line): void {
  if (line.waitingAt < line.waiting.length) line.waitingAt++
  else line.at++
}

/** Whoever was set aside comes before whoever was not looked at, so the random order is kept. */
function takeBack(line: Line): void {
  if (line.aside.length === 0) return
  const rest = line.waiting.slice(line.waitingAt)
  line.waiting = rest.length === 0 ? line.aside : [...line.aside, ...rest]
  line.waitingAt = 0
  line.aside = []
}
