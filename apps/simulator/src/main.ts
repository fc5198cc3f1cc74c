#!/usr/bin/env node
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DirectoryLockedError } from '@locktender/apiserver'
import { errorText, forkRandom, systemRandom, VirtualClock } from '@locktender/kube'
import { CommanderError } from 'commander'
import { Demo } from './demo.ts'
import type { DemoEnvironment } from './demo.ts'
import { DataFolderError, openDataFolder, recordEnd, storePath, writePrivateFile } from './edge/data-folder.ts'
import type { DataFolder } from './edge/data-folder.ts'
import { ScaledClock, systemRealTime } from './edge/scaled-clock.ts'
import { streamOutput } from './edge/terminal.ts'
import { textLogger } from './edge/text-logger.ts'
import { Display } from './live-view/display.ts'
import { parseOptions } from './options.ts'
import type { SimulatorOptions } from './options.ts'
import { exitCodeOf, exitCodes } from './summary.ts'
import type { Summary } from './summary.ts'

/** Two looks a blink apart show nothing new; five a second are smooth. */
const redrawMs = 200

/** A rollout that takes longer than this of its own clock will not end by itself. */
const longestRunMs = 72 * 3_600_000

/** After a run in virtual time the clock goes on at a pace at which people can look around. */
const pacedSpeed = 60

// Whoever reads the output may have seen enough, as head does: the run goes on only as long as somebody looks.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.interrupted : 1))
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // Clocks, watches and sockets of what had been brought up would keep the process alive.
  process.exit(report(error))
}

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  const stop = interruption()
  const startedReal = performance.now()
  const virtual = options.speed === 'max'
  const folder = virtual && options.data === undefined ? undefined : await openDataFolder(options, firstMoment(virtual))
  const clock = clockFor(options.speed, folder?.startedAt ?? firstMoment(virtual))
  const demo = await Demo.open(folder?.world ?? options, environmentFor(options, folder, clock))
  const output = streamOutput(options.json ? process.stderr : process.stdout)
  if (!virtual) {
    const path = await writeKubeconfig(demo, folder)
    output.write(
      `${folder!.resumed ? 'Continuing' : 'Keeping'} the simulation in ${folder!.path}\nKUBECONFIG=${path}\n\n`,
    )
  }

  const display = new Display(output)
  const running = demo.run(stop.signal)
  const redraw = output.columns === undefined ? undefined : setInterval(() => display.show(demo.screen()), redrawMs)
  if (redraw === undefined) demo.onChange(() => display.show(demo.screen()))
  const outcome = await Promise.race([outcomeOf(demo, clock, stop.signal), running])
  // From here on lines may be written below the screen, so nothing is drawn over any more.
  if (redraw !== undefined) clearInterval(redraw)
  demo.onChange(() => {})
  display.show(demo.screen())

  const cpu = process.cpuUsage()
  const elapsedReal = (performance.now() - startedReal) / 1000
  const summary = await demo.summary(elapsedReal, (cpu.user + cpu.system) / 1e6)
  if (outcome === 'ended' && folder !== undefined) await recordEnd(folder)
  if (!options.exitWhenDone && !stop.signal.aborted) {
    if (options.json) printJson(summary)
    await serve(demo, folder, clock, (text) => output.write(text), stop.signal)
  }
  stop.abort()
  await Promise.race([running, clock instanceof VirtualClock ? clock.run() : running])
  if (clock instanceof ScaledClock) clock.stop()
  await demo.close()
  if (options.exitWhenDone && options.json) printJson(summary)
  if (outcome === undefined) {
    if (folder !== undefined) output.write(`\nInterrupted. Continue with: npm start -- --data ${folder.path}\n`)
    return exitCodes.interrupted
  }
  if (outcome === 'timed out' || summary === undefined) return exitCodes.timedOut
  return options.exitWhenDone ? exitCodeOf(summary) : exitCodes.done
}

/** How the rollout ends, letting virtual time pass until it does; undefined when `signal` aborts first. */
async function outcomeOf(
  demo: Demo,
  clock: VirtualClock | ScaledClock,
  signal: AbortSignal,
): Promise<'ended' | 'timed out' | undefined> {
  let outcome: 'ended' | 'timed out' | undefined
  const decided = new Promise<void>((resolve) => {
    const decide = (value: 'ended' | 'timed out') => () => {
      outcome ??= value
      resolve()
    }
    void demo.ended.then(decide('ended'))
    clock.after(longestRunMs, decide('timed out'))
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  if (clock instanceof VirtualClock) await clock.run(() => outcome !== undefined || signal.aborted)
  await decided
  return outcome
}

function printJson(summary: Summary | undefined): void {
  if (summary !== undefined) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
}

/** Aborts at the first Ctrl-C or SIGTERM; the second ends the process at once. */
function interruption(): AbortController {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitCodes.interrupted)
      stop.abort()
    })
  }
  return stop
}

/** Virtual time always starts at the same moment, so that a run can be repeated to the byte. */
function firstMoment(virtual: boolean): number {
  return virtual ? new VirtualClock().now() : Date.now()
}

function clockFor(speed: number | 'max', startMs: number): VirtualClock | ScaledClock {
  return speed === 'max' ? new VirtualClock(startMs) : new ScaledClock({ speed, startMs, real: systemRealTime() })
}

function environmentFor(
  options: SimulatorOptions,
  folder: DataFolder | undefined,
  clock: VirtualClock | ScaledClock,
): DemoEnvironment {
  const log = folder === undefined ? process.stderr : createWriteStream(join(folder.path, 'log.txt'), { flags: 'a' })
  const resume = async (latestMs: number) => {
    if (clock instanceof ScaledClock) clock.forwardTo(latestMs)
    else await clock.advance(Math.max(0, latestMs - clock.now()))
  }
  return {
    clock,
    random: options.speed === 'max' ? forkRandom(options.seed, `run/${clock.now()}`) : systemRandom(),
    log: textLogger(
      (line) => log.write(`${line}\n`),
      () => clock.now(),
    ),
    startedAt: clock.now(),
    sockets: options.speed !== 'max',
    port: options.port,
    speed: options.speed === 'max' ? 'virtual time' : `clock ×${options.speed}`,
    ...(folder !== undefined && { directory: storePath(folder.path) }),
    ...(folder?.resumed === true && { resume }),
  }
}

async function writeKubeconfig(demo: Demo, folder: DataFolder | undefined): Promise<string> {
  const directory = folder?.path ?? (await mkdtemp(join(tmpdir(), 'locktender-')))
  const path = join(directory, 'kubeconfig')
  await writePrivateFile(path, await demo.kubeconfig())
  return path
}

/** Keeps everything running until `signal` aborts, and says what to look at. */
async function serve(
  demo: Demo,
  folder: DataFolder | undefined,
  clock: VirtualClock | ScaledClock,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = await writeKubeconfig(demo, folder)
  const example = demo.fleet.managementClusters.at(-1)!.name
  write(
    [
      '',
      `Serving ${(await demo.listen()).url} until Ctrl-C. In another terminal:`,
      '',
      `  export KUBECONFIG=${path}`,
      '  kubectl get rollouts',
      '  kubectl get controlplanes -A',
      `  kubectl describe componentfix ${demo.screen().fix?.metadata.name ?? ''}`,
      `  kubectl get hostedclusters -A --context ${example}`,
      '  npx lkt status',
      '',
    ].join('\n'),
  )
  while (!signal.aborted) {
    await new Promise((resolve) => {
      setTimeout(resolve, redrawMs)
    })
    if (clock instanceof VirtualClock) await clock.advance(redrawMs * pacedSpeed)
  }
  // Without a folder the server it speaks of is gone with this process.
  if (folder === undefined) await rm(dirname(path), { recursive: true })
}

function report(error: unknown): number {
  // commander has told what is wrong already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  process.stderr.write(`error: ${errorText(error)}\n`)
  if (error instanceof DataFolderError) return exitCodes.usage
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    process.stderr.write('The port is taken: choose another with --port, or leave it out for a free one.\n')
  }
  // A code means the system said no, which the message tells; anything else is a defect.
  const told = error instanceof DirectoryLockedError || (error instanceof Error && 'code' in error)
  if (!told && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return exitCodes.failed
}
