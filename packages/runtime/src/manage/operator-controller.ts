import { type Condition, coreEvents, errorText, type KubeObject, type Resource, sleep } from '@locktender/kube'
import type { Controller, Watch, World, Write } from '../controller.ts'
import {
  type Applied,
  type AppliedRequest,
  applyOutput,
  isOutdated,
  type RefusedRequest,
  UndeclaredOutputError,
} from '../once/apply-output.ts'
import { describeRequest } from '../once/compare-output.ts'
import type { ControllerResult } from '../once/output-directory.ts'
import { type OperatorProgram, ProgramError, type ProgramRun } from '../once/program.ts'
import { type Destination, isEvent } from '../once/recorded-request.ts'
import type { InputResources, OutputResources } from '../once/resource-lists.ts'
import { TokenBucket } from '../token-bucket.ts'
import { degradedConditions, type RunVerdict, saysTheSame } from './controller-conditions.ts'
import type { DeclaredAccess, InputRead } from './declared-access.ts'
import { type Gathered, gatherFromCaches, objectId, unseenWrites } from './input-caches.ts'
import { OperatorState, type Pace } from './operator-state.ts'
import type { RunSlots } from './run-slots.ts'

/** An object on which it is told how an operator is doing: one with conditions in its status. */
export interface ReportObject {
  readonly destination: Destination
  readonly resource: Resource
  readonly namespace?: string
  readonly name: string
  /** Where events about it may be written; without it, none are. */
  readonly eventNamespace?: string
}

export interface OperatorControllerOptions extends Pace {
  readonly name: string
  readonly program: Pick<OperatorProgram, 'apply'>
  readonly inputs: InputResources
  readonly outputs: OutputResources
  readonly access: DeclaredAccess
  /** What API servers are called in the world of the controller; one under several names is one. */
  readonly clusters: Readonly<Record<Destination, string>>
  /** Runs of all operators side by side. */
  readonly slots: RunSlots
  /** Requests of its output in the long run. */
  readonly requestsPerSecond: number
  readonly report?: ReportObject
}

/** The one key: an operator is run as a whole. */
const KEY = 'run'
/** Requests that may be sent at once after a quiet time, in seconds' worth. */
const BURST_SECONDS = 2
/** How long to wait for the caches to show what a run wrote, in milliseconds; then it is not what was written any more. */
const SEEN_WITHIN_MS = 10_000
/** Runs in a row that may be overtaken by events before that counts as a failure. */
const OVERTAKEN = 3

/** How a run ended, and what to say of it. */
interface Ended {
  readonly outcome: 'succeeded' | 'overtaken' | 'failed'
  readonly verdict: RunVerdict
  readonly results: readonly ControllerResult[]
  readonly applied?: Applied
}

/**
 * Runs the program of an operator whenever its inputs have changed and come to rest, and carries out what it records:
 * an operator in any language, as a controller like any other. Its reads and writes are what the program declares.
 */
export function operatorController(options: OperatorControllerOptions): Controller {
  const { name, access, clusters, report, slots } = options
  const state = new OperatorState(options)
  let unseen: readonly AppliedRequest[] = []
  let seenBy = 0
  let overtaken = 0
  let bucket: TokenBucket | undefined

  const run = async (given: Gathered, world: World, signal: AbortSignal): Promise<void> => {
    state.begun(given)
    const begunAt = world.clock.now()
    const ended = await outcomeOf(given, world, signal)
    if (signal.aborted) return
    unseen = (ended.applied?.applied ?? []).filter(({ request }) => !isEvent(request))
    const written = new Map(
      unseen.map(({ destination, request, object }) => [
        objectId(clusters[destination], { ...request, name: object?.metadata.name ?? request.name }),
        object?.metadata.resourceVersion ?? '',
      ]),
    )
    const told = await tell(ended, world)
    if (told !== undefined) written.set(...told)
    overtaken = ended.outcome === 'overtaken' ? overtaken + 1 : 0
    const now = world.clock.now()
    seenBy = now + SEEN_WITHIN_MS
    const isAgain = ended.outcome !== 'succeeded'
    state.ended(now, isAgain, written)
    count(world, ended.outcome, now - begunAt)
    if (ended.outcome === 'failed') throw new Error(ended.verdict.message)
  }

  const outcomeOf = async (given: Gathered, world: World, signal: AbortSignal): Promise<Ended> => {
    let ran: ProgramRun
    try {
      ran = await options.program.apply(given.files, { now: world.clock.now(), signal })
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error
      return failed('RunFailed', error.message)
    }
    const { output } = ran
    if (output === undefined || signal.aborted) return failed('RunFailed', `apply-configuration ${ran.problem}`)
    let applied: Applied
    try {
      applied = await applyOutput(output, {
        outputs: options.outputs,
        clusters: (destination) => world.cluster(clusters[destination]).client,
        seen: (destination, request) => given.objects.get(objectId(clusters[destination], request)),
        pace: () => turn(world, signal),
        signal,
      })
    } catch (error) {
      if (!(error instanceof UndeclaredOutputError)) throw error
      return failed('Undeclared', error.message, output.results)
    }
    for (const lost of applied.lostEvents) {
      world.log.warn('An event of an operator was lost', { operator: name, error: lost.error.message })
    }
    const results = output.results ?? []
    const refused = applied.failed.filter((one) => !isOutdated(one) || overtaken >= OVERTAKEN)
    if (refused.length > 0) return { ...failed('WritesRefused', refusals(refused), results), applied }
    const problem = ran.problem ?? panicsIn(results)
    if (problem !== undefined) return { ...failed('RunFailed', `apply-configuration ${problem}`, results), applied }
    const outcome = applied.failed.length > 0 ? 'overtaken' : 'succeeded'
    return { outcome, verdict: { reason: 'AsExpected', message: '' }, results, applied }
  }

  /** Waits until the operator may send one more request. */
  const turn = async (world: World, signal: AbortSignal): Promise<void> => {
    const { requestsPerSecond } = options
    const now = world.clock.now()
    bucket ??= new TokenBucket(requestsPerSecond, Math.max(1, BURST_SECONDS * requestsPerSecond), now)
    const waitMs = bucket.reserve(now)
    if (waitMs > 0) await sleep(world.clock, waitMs, signal)
  }

  /** Says on the operator's own object how it is doing; gives what that is called and its version, if it was written. */
  const tell = async ({ outcome, verdict, results }: Ended, world: World): Promise<[string, string] | undefined> => {
    if (state.isRestless) {
      world.log.warn('An operator keeps itself busy', { operator: name, runs: state.selfCaused })
    }
    if (report === undefined || outcome === 'overtaken') return undefined
    const { destination, resource, namespace } = report
    const cluster = world.cluster(clusters[destination])
    const object = cluster
      .cache<KubeObject & { status?: { conditions?: Partial<Condition>[] } }>(resource, scopeOf(report))
      .get(namespace === undefined ? report.name : `${namespace}/${report.name}`)
    if (object === undefined) return undefined
    if (outcome === 'failed') {
      note(world, object, 'Warning', `Operator${verdict.reason}`, `${name}: ${verdict.message}`)
    }
    if (state.isRestless) {
      const message = `${name} has run ${state.selfCaused} times in a row only because of what it wrote itself; it is run more rarely until that ends`
      note(world, object, 'Warning', 'OperatorNeverAtRest', message)
    }
    const before = object.status?.conditions ?? []
    const conditions = degradedConditions(results, verdict, before, world.clock.now())
    if (saysTheSame(conditions, before)) return undefined
    const { apiVersion, kind } = object
    const metadata = { name: report.name, ...(namespace !== undefined && { namespace }) }
    let written: KubeObject
    try {
      written = await cluster.client.apply(
        resource,
        { apiVersion, kind, metadata, status: { conditions } } as KubeObject,
        {
          fieldManager: `locktender-operator-${name}`,
          subresource: 'status',
        },
      )
    } catch (error) {
      world.log.warn('The state of an operator could not be told', { operator: name, error: errorText(error) })
      return undefined
    }
    const { group, plural } = resource
    const id = objectId(clusters[destination], { group, plural, namespace: namespace ?? '', name: report.name })
    return [id, written.metadata.resourceVersion ?? '']
  }

  const note = (world: World, object: KubeObject, type: 'Warning', reason: string, message: string): void => {
    if (report?.eventNamespace === undefined) return
    world.events.record(clusters[report.destination], object, { type, reason, message })
  }

  const count = (world: World, outcome: string, milliseconds?: number): void => {
    const { metrics } = world
    metrics
      .counter({
        name: 'locktender_operator_runs_total',
        help: 'Runs of operators by how they ended; unchanged ones were not needed',
        labels: ['operator', 'outcome'],
      })
      .increase({ operator: name, outcome })
    if (milliseconds === undefined) return
    metrics
      .histogram({
        name: 'locktender_operator_run_seconds',
        help: 'How long runs of operators took, with what they wrote',
        labels: ['operator'],
        buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      })
      .observe(milliseconds / 1000, { operator: name })
  }

  return {
    name: `operator-${name}`,
    atStart: [KEY],
    reads: watchesOf(options, () => state.changed()),
    writes: writesOf(options),
    async reconcile(_key, world, signal) {
      const unrestMs = state.unrestMs(world.clock.now())
      if (unrestMs > 0) return { requeueAfterMs: unrestMs }
      if (world.clock.now() < seenBy) {
        unseen = unseenWrites(world, unseen, { access, clusters })
        if (unseen.length > 0) return { requeueAfterMs: seenBy - world.clock.now() }
      }
      let given = await gatherFromCaches(world, options.inputs, { access, clusters })
      const pauseMs = state.pauseMs(given, world.clock.now())
      if (pauseMs > 0) {
        if (state.isKnown(given)) count(world, 'unchanged')
        return { requeueAfterMs: pauseMs }
      }
      const hasWaited = await slots.take(signal)
      try {
        if (hasWaited) given = await gatherFromCaches(world, options.inputs, { access, clusters })
        await run(given, world, signal)
      } finally {
        slots.release()
      }
      return { requeueAfterMs: overtaken > 0 ? Math.max(1, options.coolDownMs) : options.resyncMs }
    },
  }
}

function failed(reason: RunVerdict['reason'], message: string, results: readonly ControllerResult[] = []): Ended {
  return { outcome: 'failed', verdict: { reason, message }, results }
}

function refusals(refused: readonly RefusedRequest[]): string {
  const texts = refused.map(
    ({ destination, request, error }) => `${describeRequest(destination, request)}: ${error.message}`,
  )
  return `what it wanted to write was refused: ${texts.join('; ')}`
}

/** Programs of other makers take panics lightly. */
function panicsIn(results: readonly ControllerResult[]): string | undefined {
  const panicked = results.filter(({ status }) => status === 'Panicked')
  if (panicked.length === 0) return undefined
  return `panicked in ${panicked.map(({ controllerName }) => controllerName).join(', ')}`
}

/** One watch for each distinct read, also of those that differ only in what of it is wanted. */
function watchesOf({ access, clusters, report }: OperatorControllerOptions, changed: () => void): Watch[] {
  const reads = new Map<string, { readonly read: InputRead; readonly prefixes: (string | undefined)[] }>()
  const id = ({ destination, resource, namespace, name, labelSelector }: InputRead) =>
    JSON.stringify([clusters[destination], resource.group, resource.plural, namespace, name, labelSelector])
  for (const read of access.reads) {
    const known = reads.get(id(read))
    if (known === undefined) reads.set(id(read), { read, prefixes: [read.prefix] })
    else known.prefixes.push(read.prefix)
  }
  const watches = [...reads.values()].map(({ read, prefixes }): Watch => {
    const { destination, resource, prefix: _, ...scope } = read
    const isWanted = (name: string) => prefixes.some((prefix) => prefix === undefined || name.startsWith(prefix))
    return {
      cluster: clusters[destination],
      resource,
      ...scope,
      keys: ({ key }) => {
        if (!isWanted(key.slice(key.indexOf('/') + 1))) return []
        changed()
        return [KEY]
      },
    }
  })
  if (report === undefined) return watches
  const own: InputRead = { destination: report.destination, resource: report.resource, ...scopeOf(report) }
  if (reads.has(id(own))) return watches
  const { destination, resource, ...scope } = own
  return [
    ...watches,
    { cluster: clusters[destination], resource, ...scope, fields: ['status.conditions'], keys: () => [] },
  ]
}

function writesOf(options: OperatorControllerOptions): Write[] {
  const { access, clusters, report } = options
  const writes: Write[] = access.writes.map(({ destination, ...write }) => ({
    cluster: clusters[destination],
    ...write,
  }))
  if (report === undefined) return writes
  const cluster = clusters[report.destination]
  return [
    ...writes,
    { cluster, resource: report.resource, ...scopeOf(report), subresource: 'status' },
    ...(report.eventNamespace === undefined
      ? []
      : [{ cluster, resource: coreEvents, namespace: report.eventNamespace }]),
  ]
}

function scopeOf({ namespace, name }: ReportObject): { name: string; namespace?: string } {
  return { name, ...(namespace !== undefined && { namespace }) }
}
