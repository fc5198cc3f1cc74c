import { StepServer } from '@locktender/apiserver'
import { Client, customResourceDefinitions, type Transport } from '@locktender/kube'
import type { Controller } from '../controller.ts'
import { declaredAccess } from '../manage/declared-access.ts'
import { operatorController } from '../manage/operator-controller.ts'
import { RunSlots } from '../manage/run-slots.ts'
import { ServedResources } from '../manage/served-resources.ts'
import { type OperatorProgram, operatorProgram } from '../once/program.ts'
import type { Destination } from '../once/recorded-request.ts'
import { DESTINATION_OF, type InputResources } from '../once/resource-lists.ts'
import { CONFIGURATION, MANAGEMENT, type Operator, USER_WORKLOAD } from '../operator.ts'
import { runBinaryNow } from './edge/run-binary-now.ts'
import { BEGINNING_MS } from './prepared-server.ts'
import type { ClusterSetup, Scenario } from './scenario.ts'
import type { SequenceScenario } from './sequence/sequence-scenario.ts'
import { once } from './steps.ts'

/** Requests of its output that a program may send in a second: its pace is not what is tried here. */
const REQUESTS_PER_SECOND = 1_000_000
/** Later than any schedule ends. */
const NEVER_MS = 365 * 24 * 3_600_000

/**
 * A sequence with an operator that is made from controllers. API servers that the sequence does not have are its first
 * one under other names.
 */
export function operatorScenario(sequence: SequenceScenario, operator: Operator): Scenario {
  const controllers = () => operator.controllers({ startedAt: BEGINNING_MS })
  const used = controllers().flatMap(({ reads, writes }: Controller) => [...reads, ...writes])
  const names = [...new Set(used.map(({ cluster }) => cluster))]
  return {
    ...sequence,
    clusters: withNames(sequence.clusters, names),
    processes: { [operator.name]: controllers },
  }
}

/**
 * A sequence with the program of an operator, in whatever language it is written: each of its runs is one step, in which
 * nothing else happens. What a run answers to the same inputs at the same time is remembered.
 *
 * @throws ProgramError when the program does not say what it reads and writes
 * @throws ResourceListError when its inputs may be on several API servers
 */
export async function programScenario(
  sequence: SequenceScenario,
  name: string,
  command: readonly string[],
): Promise<Scenario> {
  const program = operatorProgram({ command, run: runBinaryNow })
  const [inputs, outputs] = [await program.inputResources(), await program.outputResources()]
  const clusters = withNames(sequence.clusters, [CONFIGURATION, MANAGEMENT, USER_WORKLOAD])
  const servers = Object.fromEntries(
    Object.entries(DESTINATION_OF).map(([cluster, destination]) => [destination, clusters[cluster]?.sameAs ?? cluster]),
  ) as Record<Destination, string>
  const { served, client } = await servedBy(clusters, inputs)
  const access = declaredAccess({
    inputs,
    outputs,
    rules: [],
    reach: () => ({ clusterScoped: true }),
    served: (_, resource) => served.find(client, resource),
    isSame: (one, other) => servers[one] === servers[other],
  })
  const remembered = remembering(program)
  const controller = () =>
    operatorController({
      name,
      program: remembered,
      inputs,
      outputs,
      access,
      clusters: servers,
      slots: new RunSlots(1),
      requestsPerSecond: REQUESTS_PER_SECOND,
      debounceMs: 0,
      coolDownMs: 0,
      resyncMs: NEVER_MS,
    })
  // Called like its controller, so that people need not read both.
  return { ...sequence, clusters, processes: { [controller().name]: () => [controller()] }, remembers: true }
}

function withNames(
  clusters: Readonly<Record<string, ClusterSetup>>,
  names: readonly string[],
): Record<string, ClusterSetup> {
  const [first = ''] = Object.keys(clusters)
  const main = clusters[first]?.sameAs ?? first
  const others = names.filter((name) => clusters[name] === undefined)
  return { ...clusters, ...Object.fromEntries(others.map((name) => [name, { sameAs: main }])) }
}

/** What the API servers call the resources of the inputs. */
async function servedBy(clusters: Readonly<Record<string, ClusterSetup>>, inputs: InputResources) {
  const definitions = Object.values(clusters).flatMap(({ definitions = [] }) => definitions)
  const distinct = new Map(definitions.map((definition) => [definition.metadata.name, definition]))
  const server = await StepServer.open(BEGINNING_MS, async (client) => {
    for (const definition of distinct.values()) await client.create(customResourceDefinitions, definition)
  })
  const transport: Transport = {
    async request(request) {
      const { status, headers, body } = await server.step(server.initial, request, BEGINNING_MS)
      return { status, headers, body: once(body) }
    },
    close: () => Promise.resolve(),
  }
  const client = new Client({ transport })
  const served = new ServedResources()
  const {
    exactResources = [],
    generatedNameResources = [],
    labelSelectedResources = [],
    resourceReferences = [],
  } = inputs.applyConfigurationResources
  const referred = resourceReferences.flatMap(({ referringResource, implicitNamespacedReference: reference }) =>
    reference === undefined ? [referringResource] : [referringResource, reference],
  )
  for (const resource of [...exactResources, ...generatedNameResources, ...labelSelectedResources, ...referred]) {
    await served.ask(client, resource)
  }
  return { served, client }
}

function remembering(program: OperatorProgram): Pick<OperatorProgram, 'apply'> {
  const runs = new Map<string, ReturnType<OperatorProgram['apply']>>()
  return {
    apply(files, options) {
      const id = JSON.stringify([options.now, ...files])
      const run = runs.get(id) ?? program.apply(files, options)
      runs.set(id, run)
      return run
    },
  }
}
