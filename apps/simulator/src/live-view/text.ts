/** Colours by what they say, never by themselves: every one goes with a word or a glyph. */
export type Tone = 'good' | 'active' | 'waiting' | 'attention' | 'bad' | 'neutral' | 'title'

const codes: Readonly<Record<Tone, string>> = {
  good: '32',
  active: '36',
  waiting: '90',
  attention: '33',
  bad: '31',
  neutral: '90',
  title: '1',
}

/** Writes `text` in the colour of `tone`, or as it is without colour. */
export type Paint = (tone: Tone, text: string) => string

export function paintWith(colour: boolean): Paint {
  return colour ? (tone, text) => (text === '' ? '' : `\u001B[${codes[tone]}m${text}\u001B[0m`) : (_tone, text) => text
}

/** `7m`, `9h 12m`, `1d 02h`: a span of time with as much precision as a glance needs. */
export function formatSpan(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000))
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return `${days}d ${pad(hours % 24)}h`
  return hours > 0 ? `${hours}h ${pad(minutes % 60)}m` : `${minutes}m`
}

/** `09:12`: hours and minutes, however many hours. */
export function formatHours(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000))
  return `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`
}

/** `T+09:12`: time since the clock of a fix started. */
export function formatOffset(milliseconds: number): string {
  return `T+${formatHours(milliseconds)}`
}

/** Cuts a painted line to `width` visible columns: a wrapped line would break the redrawing of all above it. */
export function fit(line: string, width: number): string {
  let [visible, result] = [0, '']
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  for (const part of line.split(/(\u001B\[\d+m)/)) {
    if (part.startsWith('\u001B')) {
      result += part
    } else {
      result += part.slice(0, Math.max(0, width - visible))
      visible += part.length
    }
  }
  return result
}

/** `2026-01-05 08:30 UTC`. */
export function formatMoment(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Cuts `text` to `width` columns, with a sign that something is missing. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/**
 * Splits `width` columns in proportion to `parts`. Every part above zero gets at least one column while there is
 * room, since a single failure must not vanish from a bar.
 */
export function columns(parts: readonly number[], width: number): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0)
  if (total === 0) return parts.map(() => 0)
  const sizes = parts.map((part) => (part === 0 ? 0 : Math.max(1, Math.floor((part / total) * width))))
  let rest = width - sizes.reduce((sum, size) => sum + size, 0)
  while (rest !== 0) {
    const largest = sizes.indexOf(Math.max(...sizes))
    if (rest < 0 && sizes[largest]! <= 1) break
    // What rounding left over goes to the part that is furthest below its share.
    const index =
      rest > 0
        ? parts.reduce((best, part, each) => (lack(part, each) > lack(parts[best]!, best) ? each : best), 0)
        : largest
    sizes[index]! += Math.sign(rest)
    rest -= Math.sign(rest)
  }
  return sizes

  function lack(part: number, index: number): number {
    return part === 0 ? -Infinity : (part / total) * width - sizes[index]!
  }
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}
