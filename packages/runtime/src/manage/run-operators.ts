import { type Client, errorText, sleep } from '@locktender/kube'
import type { Controller } from '../controller.ts'
import { hostedNamespaces } from '../hosted-namespaces.ts'
import { runControllers } from '../live.ts'
import type { ManagedOperator, ManageOptions, OperatorRole } from '../manage-operators.ts'
import { type OperatorProgram, operatorProgram } from '../once/program.ts'
import { type Destination, DESTINATIONS } from '../once/recorded-request.ts'
import { DESTINATION_OF, type InputResources, type ResourceId, ResourceListError } from '../once/resource-lists.ts'
import { type DeclaredAccess, declaredAccess, type Reach } from './declared-access.ts'
import { operatorController, type OperatorControllerOptions, type ReportObject } from './operator-controller.ts'
import { RunSlots } from './run-slots.ts'
import { ServedResources } from './served-resources.ts'

const DEFAULTS = { debounceMs: 1000, coolDownMs: 10_000, resyncMs: 600_000, requestsPerSecond: 5 }
const RUNS_AT_ONCE = 4
/** How often it is looked again at operators that could not be begun, and for kinds that were not served. */
const LOOK_AGAIN_MS = 60_000

/** An operator that is ready to run. */
interface Prepared {
  readonly controller: Controller
  readonly missing: DeclaredAccess['missing']
}

/** See manageOperators; `programOf` makes the programs. */
export async function runOperators(
  options: ManageOptions,
  programOf: (operator: ManagedOperator) => OperatorProgram = operatorProgram,
): Promise<void> {
  const { clock, random, log, signal, surroundings } = options
  const clients = clientsOf(options)
  const slots = new RunSlots(options.runsAtOnce ?? RUNS_AT_ONCE)
  const programs = new Map(options.operators.map((operator) => [operator, programOf(operator)]))
  const prepareAll = async () => {
    const served = new ServedResources()
    const prepared = new Map<string, Prepared>()
    const waiting: string[] = []
    for (const operator of options.operators) {
      try {
        const made = await prepare(operator, programs.get(operator)!, { options, clients, served, slots })
        prepared.set(operator.name, made)
        for (const { destination, resource } of made.missing) {
          waiting.push(`${operator.name}: ${resource.resource}.${resource.group} of ${destination} is not served`)
        }
      } catch (error) {
        waiting.push(`${operator.name}: ${errorText(error)}`)
      }
    }
    return { prepared, waiting }
  }
  let told = ''
  while (!signal.aborted) {
    const { prepared, waiting } = await prepareAll()
    if (signal.aborted) return
    const text = waiting.join('\n')
    if (text !== told) for (const why of waiting) log.warn('Something is missing for an operator', { why })
    told = text
    const again = new AbortController()
    const running = runControllers({
      ...surroundings,
      controllers: [...prepared.values()].map(({ controller }) => controller),
      clusters: clients,
      clock,
      random,
      log,
      signal: AbortSignal.any([signal, again.signal]),
    })
    // A watch of what is served only now needs controllers that are made anew.
    const watching = (async () => {
      while (waiting.length > 0 && !again.signal.aborted) {
        await sleep(clock, LOOK_AGAIN_MS, AbortSignal.any([signal, again.signal]))
        if ((await prepareAll()).waiting.join('\n') !== text) again.abort()
      }
    })().catch(() => {})
    try {
      await running
      if (prepared.size === 0) await watching
    } finally {
      again.abort()
      await watching
    }
  }
}

/** What the contract's three API servers are to the operator, and the rest that its controller needs. */
async function prepare(
  operator: ManagedOperator,
  program: OperatorProgram,
  { options, clients, served, slots }: Surroundings,
): Promise<Prepared> {
  const { name, rules, report, pace } = settingsOf(operator)
  const inputs = await program.inputResources(options.signal)
  const outputs = await program.outputResources(options.signal)
  const clusters = byDestination((role) => operator.clusters[role])
  const client = (destination: Destination) => clients[clusters[destination]]!
  const asked = [...resourcesIn(inputs), ...(report === undefined ? [] : [report])]
  for (const { group, version } of asked) {
    for (const destination of DESTINATIONS) await served.ask(client(destination), { group, version })
  }
  const reach = (destination: Destination): Reach => {
    const { namespaces, clusterScoped = false } = options.clusters[clusters[destination]]!
    return { clusterScoped, ...(namespaces && { namespaces: new Set(Object.keys(namespaces)) }) }
  }
  const access = declaredAccess({
    inputs,
    outputs,
    rules,
    reach,
    served: (destination, resource) => served.find(client(destination), resource),
    isSame: (one, other) => clusters[one] === clusters[other],
  })
  const made: OperatorControllerOptions = {
    ...pace,
    name,
    program,
    inputs,
    outputs,
    access,
    clusters,
    slots,
    ...(report && { report: reportObject(report, client, served, reach) }),
  }
  return { controller: operatorController(made), missing: access.missing }
}

interface Surroundings {
  readonly options: ManageOptions
  readonly clients: Readonly<Record<string, Client>>
  readonly served: ServedResources
  readonly slots: RunSlots
}

function settingsOf(operator: ManagedOperator) {
  const { name, inputs = [], report } = operator
  const { debounceMs, coolDownMs, resyncMs, requestsPerSecond } = { ...DEFAULTS, ...operator }
  return {
    name,
    pace: { debounceMs, coolDownMs, resyncMs, requestsPerSecond },
    rules: inputs.map(({ role, ...rule }) => ({ ...rule, destination: DESTINATION_OF[role]! })),
    report,
  }
}

/** API servers by name, with their namespaces called as the operators call them. */
function clientsOf({ clusters, operators }: ManageOptions): Record<string, Client> {
  const names = new Set<string>()
  for (const operator of operators) {
    if (names.has(operator.name)) throw new TypeError(`there are two operators called ${operator.name}`)
    names.add(operator.name)
    for (const cluster of Object.values(operator.clusters)) {
      if (clusters[cluster] === undefined) throw new TypeError(`${operator.name}: there is no cluster ${cluster}`)
    }
  }
  return Object.fromEntries(
    Object.entries(clusters).map(([name, { client, namespaces }]) => [
      name,
      namespaces === undefined ? client : hostedNamespaces(client, namespaces),
    ]),
  )
}

function byDestination(of: (role: OperatorRole) => string): Record<Destination, string> {
  return {
    Configuration: of('configuration'),
    Management: of('management'),
    UserWorkload: of('userWorkload'),
  }
}

function resourcesIn({ applyConfigurationResources: lists }: InputResources): ResourceId[] {
  return [
    ...(lists.exactResources ?? []),
    ...(lists.generatedNameResources ?? []),
    ...(lists.labelSelectedResources ?? []),
    ...(lists.resourceReferences ?? []).flatMap(({ referringResource, implicitNamespacedReference }) => [
      referringResource,
      ...(implicitNamespacedReference === undefined ? [] : [implicitNamespacedReference]),
    ]),
  ]
}

function reportObject(
  { role, namespace, name, ...id }: NonNullable<ManagedOperator['report']>,
  client: (destination: Destination) => Client,
  served: ServedResources,
  reach: (destination: Destination) => Reach,
): ReportObject {
  const destination = DESTINATION_OF[role]!
  const resource = served.find(client(destination), id)
  if (resource === undefined) throw new ResourceListError(`${id.resource} of ${role}, to report on, is not served`)
  const { namespaces, clusterScoped } = reach(destination)
  const isWithin = (one: string) => namespaces === undefined || namespaces.has(one)
  if (namespace === undefined ? namespaces !== undefined && !clusterScoped : !isWithin(namespace)) {
    throw new ResourceListError(`${id.resource} ${name} of ${role}, to report on, is out of the operator's reach`)
  }
  const events = namespace ?? 'default'
  return {
    destination,
    resource,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(isWithin(events) && { eventNamespace: events }),
  }
}
