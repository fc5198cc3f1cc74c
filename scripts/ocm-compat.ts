// Holds the compatible mode of the rollout engine against cases in files: npm run ocm-compat -- FILE… [--json]
// Exits 0 when everything is as expected, 1 on a mismatch, 2 when something cannot be read.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  ALL_QUIRKS,
  checkOcmCases,
  COMPATIBLE,
  mending,
  QUIRKS,
  readOcmCases,
  STRICT,
  type KeptQuirks,
  type OcmCases,
  type OcmCheck,
  type OcmDifference,
  type Quirk,
} from '../packages/rollout/src/compat/index.ts'

const USAGE = `npm run ocm-compat -- FILE… [--json] [--mode compatible|strict] [--mend QUIRK…]

FILE is a case collection {cases, edge, units}, a list of cases, one case, or JSON lines of cases.
--mode strict    mends every quirk: cases may differ because of them, those of kind quirk must
--mend QUIRK     mends one quirk alone; may be repeated
Quirks: ${ALL_QUIRKS.join(', ')}.`

function main(): number {
  const { values, positionals } = readArguments()
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (positionals.length === 0) throw new UsageError('No file was named.')
  const kept = keptOf(values.mode, values.mend)
  const all = positionals.map(read)
  const check = checkOcmCases(
    {
      cases: all.flatMap(({ cases }) => cases),
      units: all.flatMap(({ units }) => units),
      malformed: all.flatMap(({ malformed }) => malformed),
    },
    kept,
  )
  if (values.json) console.log(JSON.stringify({ mode: modeOf(kept), ...check }, null, 2))
  else console.log(report(check, modeOf(kept)))
  for (const { where, problem } of check.malformed) console.error(`${where} ${problem}`)
  return check.malformed.length > 0 ? 2 : check.failed > 0 ? 1 : 0
}

class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        mode: { type: 'string', default: 'compatible' },
        mend: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function keptOf(mode: string, mend: readonly string[]): KeptQuirks {
  if (mode !== 'compatible' && mode !== 'strict')
    throw new UsageError(`The mode ${JSON.stringify(mode)} is unknown: write compatible or strict.`)
  const names = mend.flatMap((names) => names.split(','))
  const unknown = names.find((name) => !Object.hasOwn(QUIRKS, name))
  if (unknown !== undefined) throw new UsageError(`The quirk ${JSON.stringify(unknown)} is unknown.`)
  if (mode === 'strict') return STRICT
  return names.length === 0 ? COMPATIBLE : mending(...(names as Quirk[]))
}

function modeOf(kept: KeptQuirks): string {
  if (kept.size === 0) return 'strict'
  return kept.size === ALL_QUIRKS.length ? 'compatible' : 'what-if'
}

/** npm starts scripts in the root of the repository; a path is meant from where npm was started. */
function read(path: string): OcmCases {
  try {
    return readOcmCases(readFileSync(resolve(process.env['INIT_CWD'] ?? '.', path), 'utf8'), path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const problem = code === 'ENOENT' ? 'does not exist; name a file of cases' : `cannot be read: ${message}`
    return { cases: [], units: [], malformed: [{ where: path, problem }] }
  }
}

function report({ passed, failed, mismatches, mended }: OcmCheck, mode: string): string {
  const lines: string[] = []
  for (const { id, kind, why, differences } of mismatches) {
    lines.push(`MISMATCH ${id}${kind === undefined ? '' : ` (${kind})`}${why === undefined ? '' : `: ${why}`}`)
    if (differences.length === 0) lines.push('  shows a quirk, but strict mode answers the same')
    lines.push(...differences.map(difference))
  }
  for (const { id, kind, quirks, differences } of mended) {
    lines.push(`mended ${id}${kind === undefined ? '' : ` (${kind})`}: ${quirks.join(', ')}`)
    lines.push(...differences.map(difference))
  }
  const differ = mended.length === 0 ? '' : `, ${mended.length} of these differ where a quirk is mended`
  return [...lines, `${mode}: ${passed} passed${differ}, ${failed} failed`].join('\n')
}

function difference({ path, expected, actual }: OcmDifference): string {
  return `  ${path === '' ? 'answer' : path}: expected ${shown(expected)}, came ${shown(actual)}`
}

/** An entry of a list as `c1 Progressing since -60 until 30 in group 0 "canary"`. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('cluster' in value)) return JSON.stringify(value)
  const entry = value as {
    cluster: string
    status: string
    group: { name: string; index: number }
    transitionAt?: number
    recheckAt?: number
  }
  const since = entry.transitionAt === undefined ? '' : ` since ${entry.transitionAt}`
  const until = entry.recheckAt === undefined ? '' : ` until ${entry.recheckAt}`
  const name = entry.group.name === '' ? '' : ` ${JSON.stringify(entry.group.name)}`
  return `${entry.cluster} ${entry.status}${since}${until} in group ${entry.group.index}${name}`
}

try {
  process.exitCode = main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
