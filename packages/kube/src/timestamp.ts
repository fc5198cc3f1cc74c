/** metav1.Time: RFC 3339 in UTC with whole seconds, such as `2026-01-05T08:00:00Z`. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}
