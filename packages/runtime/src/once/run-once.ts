import { type Clock, errorText, forkRandom, type Resource, sleep, VirtualClock } from '@locktender/kube'
import type { Controller, World } from '../controller.ts'
import type { Logger } from '../logger.ts'
import type { Operator } from '../operator.ts'
import type { Compat } from './compat.ts'
import { Discovery } from './discovery.ts'
import type { InputDirectory } from './input-directory.ts'
import { ManifestServer } from './manifest-server.ts'
import { OnceWorld } from './once-world.ts'
import type { ControllerResult } from './output-directory.ts'
import { type Destination, DESTINATIONS, type RecordedRequest } from './recorded-request.ts'
import { allowedDestinations, DESTINATION_OF, destinationOf, outputResources } from './resource-lists.ts'

/** How long all keys of one controller may take, in milliseconds; the runner of tests gives a whole run 5 s. */
const LONGEST_CONTROLLER_MS = 4000
/** How often a controller that waits for something outside the virtual clock is looked at, in milliseconds. */
const LOOK_AGAIN_MS = 2

export interface RunOnceOptions {
  readonly operator: Operator
  readonly input: InputDirectory
  /** What time it is, in milliseconds since the epoch. */
  readonly now: number
  /** Of the random numbers, and of the order of controllers: 0 keeps the order in which they are declared. */
  readonly seed: number
  /** `*`, `name` and `-name`; the first that is a name decides, else any `*`. */
  readonly controllers: readonly string[]
  readonly fetch: World['fetch']
  readonly compat: Compat
  readonly log: Logger
  /** The time of the machine, for controllers that do not come to an end. */
  readonly machineClock: Clock
}

/** What came of a run. */
export interface OnceResult {
  readonly requests: ReadonlyMap<Destination, readonly RecordedRequest[]>
  readonly undeclared: readonly RecordedRequest[]
  readonly results: readonly ControllerResult[]
  /** Why the run is a failure; empty when it is none. */
  readonly problems: readonly string[]
}

/** The run cannot even begin. */
export class RunOnceError extends Error {
  override readonly name = 'RunOnceError'
}

/**
 * Lets each controller of an operator look once at a directory of manifests, one after the other, and records what they
 * write. Each begins with caches of the state that those before it left, and reconciles every key once.
 *
 * @throws RunOnceError for names of controllers that do not exist or exist twice
 */
export async function runOnce(options: RunOnceOptions): Promise<OnceResult> {
  const { operator, input, now, seed, compat, log, fetch } = options
  const controllers = operator.controllers({ startedAt: now })
  const isEnabled = enabled(options.controllers, controllers)
  const clock = new VirtualClock(now)
  const known = Discovery.fromResources(resourcesOf(operator, controllers))
  const random = forkRandom(seed, 'server')
  const server = new ManifestServer({ input, known, compat, now: () => clock.now(), random })
  const recorded: { cluster: string; request: RecordedRequest }[] = []
  const undeclared: RecordedRequest[] = []
  const problems: string[] = []
  const results: ControllerResult[] = []
  for (const controller of inOrder(controllers, seed)) {
    if (!isEnabled(controller.name)) {
      results.push({ controllerName: controller.name, status: 'Skipped' })
      continue
    }
    const result = await reconcileAll(
      controller,
      () =>
        new OnceWorld({
          controller,
          server,
          clock,
          random: forkRandom(seed, controller.name),
          log,
          fetch,
          onWrite: (cluster, request) => recorded.push({ cluster, request }),
          onUndeclared: (error, request) => {
            if (!problems.includes(error.message)) problems.push(error.message)
            if (request !== undefined) undeclared.push(request)
          },
        }),
      clock,
      options.machineClock,
    )
    results.push(result)
    if (result.status === 'Failed' || (result.status === 'Panicked' && !compat.panicsAreNoFailure)) {
      problems.push(...(result.errors ?? []).map(({ message }) => `controller ${controller.name} failed: ${message}`))
    }
  }
  const outputs = outputResources(operator, controllers)
  const requests = new Map<Destination, RecordedRequest[]>(DESTINATIONS.map((destination) => [destination, []]))
  for (const { cluster, request } of recorded) {
    const sent = DESTINATION_OF[cluster]!
    const allowed = allowedDestinations(outputs, request)
    for (const destination of compat.writesAreCopied ? allowed : [sent]) requests.get(destination)!.push(request)
  }
  return { requests, undeclared, results, problems: [...new Set(problems)] }
}

/** Which controllers run. */
function enabled(patterns: readonly string[], controllers: readonly Controller[]): (name: string) => boolean {
  const names = new Set<string>()
  for (const controller of controllers) {
    if (names.has(controller.name)) throw new RunOnceError(`there are two controllers called ${controller.name}`)
    names.add(controller.name)
    for (const { cluster } of [...controller.reads, ...controller.writes]) destinationOf(controller, cluster)
  }
  for (const pattern of patterns) {
    const name = pattern.replace(/^-/, '')
    if (name !== '*' && !names.has(name)) {
      throw new RunOnceError(`there is no controller ${name}; there are ${[...names].sort().join(', ')}`)
    }
  }
  return (name) => {
    const first = patterns.find((pattern) => pattern === name || pattern === `-${name}`)
    return first === undefined ? patterns.includes('*') : first === name
  }
}

function inOrder(controllers: readonly Controller[], seed: number): readonly Controller[] {
  if (seed === 0) return controllers
  const random = forkRandom(seed, 'order')
  const shuffled = [...controllers]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled
}

function resourcesOf(operator: Operator, controllers: readonly Controller[]): Resource[] {
  const { references = [], operands = [] } = operator.inputs ?? {}
  return [
    ...controllers.flatMap(({ reads, writes }) => [...reads, ...writes].map(({ resource }) => resource)),
    ...references.flatMap(({ from, resource }) => [from.resource, resource]),
    ...operands.map(({ resource }) => resource),
  ]
}

async function reconcileAll(
  controller: Controller,
  makeWorld: () => OnceWorld,
  clock: VirtualClock,
  machineClock: Clock,
): Promise<ControllerResult> {
  const controllerName = controller.name
  const errors: unknown[] = []
  const stop = new AbortController()
  const work = async () => {
    const world = makeWorld()
    for (const key of world.keys()) {
      try {
        await controller.reconcile(key, world, stop.signal)
      } catch (error) {
        errors.push(error)
      }
      await world.told()
    }
  }
  try {
    await finished(work(), clock, machineClock, stop)
  } catch (error) {
    errors.push(error)
  }
  if (errors.length === 0) return { controllerName, status: 'Succeeded' }
  const panic = errors.find(isPanic)
  const messages = [...new Set(errors.map(messageOf))].map((message) => ({ message }))
  if (panic === undefined) return { controllerName, status: 'Failed', errors: messages }
  return { controllerName, status: 'Panicked', errors: messages, panicStack: panic.stack ?? '' }
}

/** Waits for `work` while the virtual clock moves on; not for ever. */
async function finished(
  work: Promise<void>,
  clock: VirtualClock,
  machineClock: Clock,
  stop: AbortController,
): Promise<void> {
  let isDone = false
  const done = work.finally(() => (isDone = true))
  done.catch(() => {})
  const begun = machineClock.now()
  for (;;) {
    await clock.run(() => isDone)
    if (isDone) break
    if (machineClock.now() - begun > LONGEST_CONTROLLER_MS) {
      stop.abort()
      throw new RunOnceError(`was not done after ${LONGEST_CONTROLLER_MS / 1000} s`)
    }
    await sleep(machineClock, LOOK_AGAIN_MS)
  }
  await done
}

/** A mistake in the program rather than a state of the world that it complains of. */
function isPanic(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('\n')
  return errorText(error)
}
