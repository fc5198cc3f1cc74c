/** Keys by group; a key is in at most one group. */
export class KeyGroups<G extends string> {
  readonly #groupOf = new Map<string, G>()
  readonly #members = new Map<G, Set<string>>()

  /** Number of keys in any group. */
  get size(): number {
    return this.#groupOf.size
  }

  groupOf(key: string): G | undefined {
    return this.#groupOf.get(key)
  }

  /** Moves a key to `group`, or out of all groups. */
  move(key: string, group: G | undefined): void {
    const before = this.#groupOf.get(key)
    if (before === group) return
    if (before !== undefined) {
      const members = this.#members.get(before)
      members?.delete(key)
      if (members?.size === 0) this.#members.delete(before)
    }
    if (group === undefined) {
      this.#groupOf.delete(key)
      return
    }
    this.#groupOf.set(key, group)
    const members = this.#members.get(group)
    if (members === undefined) this.#members.set(group, new Set([key]))
    else members.add(key)
  }

  /** Keys of a group in the order of their text, so that the answer does not depend on how it came about. */
  keys(group: G): string[] {
    return [...(this.#members.get(group) ?? [])].sort()
  }

  count(group: G): number {
    return this.#members.get(group)?.size ?? 0
  }

  /** Groups that have members, in the order of their text. */
  groups(): G[] {
    return [...this.#members.keys()].sort()
  }
}
