/** metav1.Time: RFC 3339 in UTC with whole seconds, such as `2026-01-05T08:00:00Z`. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}

/** metav1.MicroTime: as a Time, with six decimals; clocks here have three of them. */
export function microTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}
