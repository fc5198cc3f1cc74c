import { resolve } from 'node:path'
import { checkStore, repairStore } from '@locktender/apiserver'
import type { RepairReport, StoreReport } from '@locktender/apiserver'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { explainedServerError } from './apiserver-error.ts'

export interface DataFlags {
  readonly data: string
  readonly output: 'text' | 'json'
}

/** Lost writes that are shown one by one; `-o json` has all of them. */
const SHOWN_WRITES = 20

/** Says whether the files of a data folder are whole. */
export async function checkData(session: Session, flags: DataFlags): Promise<ExitCode> {
  const report = await used(() => checkStore(resolve(flags.data)))
  session.out(flags.output === 'json' ? json(report) : lines(describe(report, flags.data)))
  return report.damage === undefined ? exitCodes.done : exitCodes.failed
}

/** Goes back to the newest state that can be read. */
export async function repairData(session: Session, flags: DataFlags): Promise<void> {
  const report = await used(() => repairStore(resolve(flags.data)))
  session.out(flags.output === 'json' ? json(report) : lines(describeRepair(report)))
}

async function used<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    throw explainedServerError(error)
  }
}

function describe({ directory, revision, objects, damage, tornTail }: StoreReport, data: string): string[] {
  const torn =
    tornTail === undefined
      ? []
      : ['An interrupted write is at the end; nobody was told that it was done. It is cut off.']
  if (damage === undefined) return [`${directory} is whole: ${objects} objects at revision ${revision}.`, ...torn]
  return [
    `${directory} is damaged: ${damage.file} at byte ${damage.offset}: ${damage.why}.`,
    `Everything up to revision ${revision}, with ${objects} objects, can be read.`,
    `To go back to that: lkt apiserver repair --data ${data} (it says what is lost, and keeps the damaged files)`,
  ]
}

function describeRepair(report: RepairReport): string[] {
  const { directory, revision, objects, damage, restartsAt, copies, lostWrites, unreadable, lostObjects } = report
  if (damage === undefined) return [`${directory} is whole: there is nothing to repair.`]
  const rest = lostWrites.length - SHOWN_WRITES
  return [
    `${directory} is back at revision ${revision}, with ${objects} objects. It goes on at revision ${restartsAt}.`,
    `The damaged files are in ${copies}.`,
    ...(lostObjects === undefined ? ['Objects of the snapshot are lost; how many is not known.'] : []),
    ...(lostObjects !== undefined && lostObjects > 0 ? [`Lost objects of the snapshot: ${lostObjects}.`] : []),
    ...unreadable.map(({ file, offset, bytes }) => `Not readable: ${bytes} bytes of ${file} from byte ${offset} on.`),
    ...(lostWrites.length === 0 ? [] : [`Lost writes: ${lostWrites.length}`]),
    ...lostWrites.slice(0, SHOWN_WRITES).map(({ revision: at, key, kind, time }) => {
      return `  ${at}  ${new Date(time).toISOString()}  ${kind}  ${key}`
    }),
    ...(rest > 0 ? [`  and ${rest} more; -o json has all of them`] : []),
  ]
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}

function json(report: StoreReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}
