/** Value of the label with which pieces of a rollout's log are found; rollouts with long names may share one. */
export function logLabel(rollout: string): string {
  return shortened(rollout, 63)
}

/** Name of the piece with this number. */
export function logName(rollout: string, number: number): string {
  const digits = String(number).padStart(6, '0')
  return `${shortened(rollout, 253 - digits.length - 1)}-${digits}`
}

/** At most `length` characters that end as names and labels may. */
function shortened(name: string, length: number): string {
  return name.slice(0, length).replace(/[-.]+$/, '')
}
