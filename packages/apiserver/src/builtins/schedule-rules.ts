/** The parts of a schedule: their least and greatest number, and names of some. */
const PARTS: readonly { readonly low: number; readonly high: number; readonly names: readonly string[] }[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { low: 0, high: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
]

const WORDS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])
const EVERY = '@every '
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|us|µs|ns|s))+$/

/** Why a text is no schedule as cron knows them; undefined when it is one. */
export function scheduleProblem(text: string): string | undefined {
  const schedule = text.replace(/^(?:CRON_)?TZ=\S+ +/, '').trim()
  if (schedule.startsWith('@')) return wordProblem(schedule)
  const fields = schedule.split(/\s+/).filter((field) => field !== '')
  if (fields.length !== PARTS.length) {
    return `expected exactly ${PARTS.length} fields, found ${fields.length}: [${fields.join(' ')}]`
  }
  for (const [index, field] of fields.entries()) {
    for (const range of field.split(',')) {
      const problem = rangeProblem(range, PARTS[index]!)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

function wordProblem(schedule: string): string | undefined {
  if (WORDS.has(schedule)) return undefined
  if (!schedule.startsWith(EVERY)) return `unrecognized descriptor: ${schedule}`
  const duration = schedule.slice(EVERY.length)
  if (DURATION.test(duration)) return undefined
  return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`
}

/** `*`, `1`, `1-5` or one of those with a step, `/2`. */
function rangeProblem(range: string, { low, high, names }: (typeof PARTS)[number]): string | undefined {
  const steps = range.split('/')
  const [ends = '', step] = steps
  const limits = ends.split('-')
  const numberOf = (part: string): number | string => {
    const named = names.indexOf(part.toLowerCase())
    if (named !== -1) return named + low
    if (/^[+-]?\d+$/.test(part))
      return Number(part) < 0 ? `negative number (${Number(part)}) not allowed: ${part}` : Number(part)
    return `failed to parse int from ${part}: strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`
  }
  let first = low
  let last = high
  if (limits[0] !== '*' && limits[0] !== '?') {
    const from = numberOf(limits[0]!)
    if (typeof from === 'string') return from
    if (limits.length > 2) return `too many hyphens: ${range}`
    const to = limits.length === 1 ? from : numberOf(limits[1]!)
    if (typeof to === 'string') return to
    first = from
    last = limits.length === 1 && step !== undefined ? high : to
  }
  if (steps.length > 2) return `too many slashes: ${range}`
  if (step !== undefined) {
    const by = numberOf(step)
    if (typeof by === 'string') return by
    if (by === 0) return `step of range should be a positive number: ${range}`
  }
  if (first < low) return `beginning of range (${first}) below minimum (${low}): ${range}`
  if (last > high) return `end of range (${last}) above maximum (${high}): ${range}`
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${range}`
  return undefined
}
