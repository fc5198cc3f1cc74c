import { yaml } from '@locktender/kube'
import type { Choice, Failure } from './choice.ts'
import { DocumentReader, type Path } from './document-reader.ts'
import { actions, choiceOf, perturbationOf, type Perturbation, type Trigger } from './perturbation.ts'
import type { Oracle } from './scenario.ts'

export const TEST_API = 'test.locktender.dev/v1alpha1'
const KIND = 'FailingPlan'
const ORACLES = Object.keys({
  convergence: true,
  stability: true,
  confluence: true,
  'one writer': true,
  'update count': true,
  'undeclared access': true,
  invariant: true,
  expectation: true,
  'endless errors': true,
  exception: true,
  stuck: true,
  step: true,
} satisfies Record<Oracle, true>) as Oracle[]

/** Where the scenario of a plan comes from, as paths relative to the file of the plan. */
export interface PlanSource {
  /** Module that exports a scenario. */
  readonly scenario?: string
  /** File with an event sequence. */
  readonly sequence?: string
  /** Module that exports the operator under test. */
  readonly operator?: string
  /** Program of the operator under test. */
  readonly binary?: string
}

/** A failure that can be kept, read, and replayed. */
export interface FailingPlan {
  /** Name of the scenario. */
  readonly scenario: string
  /** Of the random walk that found it. */
  readonly seed?: number
  readonly source?: PlanSource
  readonly oracle: Oracle
  readonly message: string
  /** Steps of the scenario that the failure does not need, from 1. The steps that are left are counted anew. */
  readonly withoutSteps: readonly number[]
  readonly choices: readonly Choice[]
}

/** A failure as explorers find it, as a plan to keep. */
export function failingPlan({ oracle, message, plan }: Failure, seed?: number): FailingPlan {
  const { scenario, choices } = plan
  return { scenario, ...(seed !== undefined && { seed }), oracle, message, withoutSteps: [], choices }
}

/** The text of a plan, as {@link parsePlan} reads it. */
export function printPlan({ scenario, seed, source, oracle, message, withoutSteps, choices }: FailingPlan): string {
  const document = {
    apiVersion: TEST_API,
    kind: KIND,
    scenario,
    ...(source !== undefined && { source }),
    ...(seed !== undefined && { seed }),
    failure: { oracle, message },
    ...(withoutSteps.length > 0 && { withoutSteps }),
    perturbations: choices.map(perturbationOf),
  }
  return yaml().stringify(document, { lineWidth: 0 })
}

/**
 * Reads a plan.
 * @throws DocumentError for anything else, with its line
 */
export function parsePlan(text: string, source: string): FailingPlan {
  const reader = new DocumentReader(text, source)
  const known = ['apiVersion', 'kind', 'scenario', 'source', 'seed', 'failure', 'withoutSteps', 'perturbations']
  const root = reader.members(reader.value(), [], known, ['scenario', 'failure', 'perturbations'])
  reader.oneOf(root['apiVersion'], ['apiVersion'], [TEST_API])
  reader.oneOf(root['kind'], ['kind'], [KIND])
  const failure = reader.members(root['failure'], ['failure'], ['oracle', 'message'], ['oracle', 'message'])
  const { seed, withoutSteps = [] } = root
  return {
    scenario: reader.text(root['scenario'], ['scenario']),
    ...(seed !== undefined && { seed: reader.count(seed, ['seed'], 0) }),
    ...(root['source'] !== undefined && { source: sourceOf(reader, root['source']) }),
    oracle: reader.oneOf(failure['oracle'], ['failure', 'oracle'], ORACLES),
    message: reader.text(failure['message'], ['failure', 'message']),
    withoutSteps: reader
      .list(withoutSteps, ['withoutSteps'])
      .map((step, index) => reader.count(step, ['withoutSteps', index], 1)),
    choices: reader
      .list(root['perturbations'], ['perturbations'])
      .map((one, index) => readChoice(reader, one, ['perturbations', index])),
  }
}

function sourceOf(reader: DocumentReader, value: unknown): PlanSource {
  const path = ['source']
  const members = reader.members(value, path, ['scenario', 'sequence', 'operator', 'binary'])
  return texts(reader, members, path)
}

const FIELDS = ['action', 'controller', 'trigger', 'with', 'until', 'view', 'first', 'choice']
const TRIGGER = [
  'observationPoint',
  'by',
  'key',
  'verb',
  'resource',
  'object',
  'url',
  'event',
  'read',
  'before',
  'occurrence',
]

function readChoice(reader: DocumentReader, value: unknown, path: Path): Choice {
  const { trigger, view, choice, ...words } = reader.members(value, path, FIELDS, ['action', 'trigger'])
  reader.oneOf(words['action'], [...path, 'action'], actions())
  const at = [...path, 'trigger']
  const { occurrence, ...when } = reader.members(trigger, at, TRIGGER, ['observationPoint', 'occurrence'])
  const perturbation = {
    ...texts(reader, words, path),
    trigger: {
      ...texts(reader, when, at),
      occurrence: reader.count(occurrence, [...at, 'occurrence'], 1),
    } as Trigger,
    ...(view !== undefined && { view: readView(reader, view, [...path, 'view']) }),
    ...(choice !== undefined && { choice: readPlainChoice(reader, choice, [...path, 'choice']) }),
  } as Perturbation
  const found = choiceOf(perturbation)
  if (found === undefined) {
    throw reader.error(path, `says too little, or what does not go together, for the action ${perturbation.action}`)
  }
  return found
}

function readView(reader: DocumentReader, value: unknown, path: Path): NonNullable<Perturbation['view']> {
  const names = ['caches', 'of', 'changesBefore']
  const { caches, of, changesBefore } = reader.members(value, path, names, names)
  return {
    caches: reader.oneOf(caches, [...path, 'caches'], ['one', 'all']),
    of: reader.text(of, [...path, 'of']),
    changesBefore: reader.count(changesBefore, [...path, 'changesBefore'], 1),
  }
}

function readPlainChoice(reader: DocumentReader, value: unknown, path: Path): NonNullable<Perturbation['choice']> {
  const names = ['kind', 'at', 'take']
  const { kind, at, take } = reader.members(value, path, names, names)
  return {
    kind: reader.oneOf(kind, [...path, 'kind'], ['order', 'cache', 'relist', 'request']),
    at: reader.text(at, [...path, 'at']),
    take: reader.text(take, [...path, 'take']),
  }
}

function texts(
  reader: DocumentReader,
  members: Readonly<Record<string, unknown>>,
  path: Path,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, reader.text(value, [...path, name])]))
}
