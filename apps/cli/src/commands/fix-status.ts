import { componentFixes, rollouts, type ComponentFix, type Rollout } from '@locktender/fleet'
import { isNotFound, sleep, type Client } from '@locktender/kube'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { fixExitCode, renderFixProgress } from '../fix-progress.ts'
import { printDocument, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'

export interface FixStatusOptions {
  readonly watch: boolean
  readonly output: OutputFormat
}

/** Time between looks with `--watch`, in milliseconds: screens are not worth redrawing more often. */
const INTERVAL_MS = 500

/** Shows how far a fix is. With `--watch` until it has ended; the exit code then says how. */
export async function fixStatus(session: Session, name: string, options: FixStatusOptions): Promise<ExitCode> {
  const client = await session.client()
  let shown = ''
  let drawn = 0
  for (;;) {
    const { fix, rollout } = await read(client, name)
    const ended = fixExitCode(fix)
    if (options.output === 'table' || options.output === 'wide') {
      // Without a terminal the moving clock would make every look a new line.
      const lines = renderFixProgress(fix, rollout, session.now())
      const text = `${lines.join('\n')}\n`
      const fingerprint = session.interactive ? text : text.replace(/T\+.*$|^EXPECTED.*$/gm, '')
      if (fingerprint !== shown) {
        if (session.interactive && drawn > 0) session.out(`\u001b[${drawn}A\u001b[J`)
        session.out(text)
        shown = fingerprint
        drawn = lines.length
      }
    } else {
      const document = { apiVersion: 'cli.locktender.dev/v1', kind: 'FixStatus', fix, rollout }
      const fingerprint = JSON.stringify(document)
      if (fingerprint !== shown) {
        if (options.watch && options.output === 'json') session.out(`${fingerprint}\n`)
        else printDocument(session, options.output, document)
        shown = fingerprint
      }
    }
    if (ended !== undefined) return ended
    if (!options.watch) return exitCodes.done
    await sleep(session.clock, INTERVAL_MS, session.signal).catch(() => {})
    if (session.signal.aborted) {
      session.note(`the delivery goes on; resume watching with: lkt fix status ${name} --watch`)
      return exitCodes.interrupted
    }
  }
}

async function read(client: Client, name: string): Promise<{ fix: ComponentFix; rollout?: Rollout }> {
  const fix = await client.get<ComponentFix>(componentFixes, name)
  const rolloutName = fix.status?.rollout
  if (rolloutName === undefined) return { fix }
  try {
    return { fix, rollout: await client.get<Rollout>(rollouts, rolloutName) }
  } catch (error) {
    if (isNotFound(error)) return { fix }
    throw error
  }
}
