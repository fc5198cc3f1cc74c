/** A target of a wave for its blast radius. */
export interface WeightedTarget {
  readonly shard: string
  /** Importance of its customer; above 0. */
  readonly weight: number
  /** Chance (0-1) that the change harms it. */
  readonly chance: number
}

export interface BlastRadius {
  /** Expected weight that is harmed: sum of chance x weight. */
  readonly radius: number
  /** Sum of weights. */
  readonly weight: number
  /** Sum over shards of their squared share of the weight (Herfindahl): 1 = all on one, 1/n = evenly on n. */
  readonly concentration: number
  /** Weight of this and all earlier waves, relative to that of all earlier ones; Infinity for the first. */
  readonly growth: number
}

/** What each wave would cost if the change were bad, and how evenly it is spread over shards. Waves in their order. */
export function blastRadius(waves: readonly (readonly WeightedTarget[])[]): BlastRadius[] {
  let before = 0
  return waves.map((members) => {
    const shards = new Map<string, number>()
    let radius = 0
    let weight = 0
    for (const target of members) {
      radius += target.chance * target.weight
      weight += target.weight
      shards.set(target.shard, (shards.get(target.shard) ?? 0) + target.weight)
    }
    let squares = 0
    for (const share of shards.values()) squares += share ** 2
    const growth = before === 0 ? Number.POSITIVE_INFINITY : (before + weight) / before
    before += weight
    return { radius, weight, concentration: weight === 0 ? 0 : squares / weight ** 2, growth }
  })
}
