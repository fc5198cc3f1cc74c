import { dirname, resolve } from 'node:path'
import { parseDuration } from '@locktender/fleet'
import { errorText, isObject, yaml, type Json, type JsonObject } from '@locktender/kube'
import type { ManagedOperator, OperatorRole } from '@locktender/runtime'

/** An API server of operators, as the file says it. */
export interface OperatorsCluster {
  /** Absent for the management cluster of the agent itself. */
  readonly kubeconfig?: string
  readonly context?: string
  /** Real namespaces by the names that operators have for them. */
  readonly namespaces?: Readonly<Record<string, string>>
  readonly clusterScoped?: boolean
}

/** What the agent is told about operators. */
export interface OperatorsFile {
  readonly clusters: Readonly<Record<string, OperatorsCluster>>
  readonly operators: readonly ManagedOperator[]
  readonly runsAtOnce?: number
}

/** The file says something that cannot be done; each line names a place in it. */
export class OperatorsFileError extends Error {
  override readonly name = 'OperatorsFileError'
}

const ROLES = ['configuration', 'management', 'userWorkload'] as const satisfies readonly OperatorRole[]
/** Names become part of metrics, of field managers and of events. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * Reads the file of `--operators`. Paths in it are meant from the folder it lies in.
 * @throws OperatorsFileError with all that is wrong
 */
export function readOperatorsFile(text: string, path: string): OperatorsFile {
  let document: Json
  try {
    document = yaml().parse(text) as Json
  } catch (error) {
    throw new OperatorsFileError(`${path}: ${errorText(error).trim()}`)
  }
  const problems: string[] = []
  const folder = dirname(resolve(path))
  const reader = new Reader('', document, problems)
  const clusters = Object.fromEntries(
    reader.members('clusters').map(([name, cluster]) => [name, readCluster(cluster, folder)]),
  )
  const operators = reader.list('operators').map((operator) => readOperator(operator, Object.keys(clusters), folder))
  const runsAtOnce = reader.number('runsAtOnce', 1)
  reader.end()
  if (operators.length === 0) problems.push('operators: there is none')
  const names = operators.map(({ name }) => name)
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) {
    problems.push(`operators: ${name} is there twice`)
  }
  if (problems.length > 0) throw new OperatorsFileError(problems.map((problem) => `${path}: ${problem}`).join('\n'))
  return { clusters, operators, ...(runsAtOnce !== undefined && { runsAtOnce }) }
}

function readCluster(reader: Reader, folder: string): OperatorsCluster {
  const kubeconfig = reader.text('kubeconfig')
  const context = reader.text('context')
  const namespaces = reader.texts('namespaces')
  const clusterScoped = reader.flag('clusterScoped')
  reader.end()
  return {
    ...(kubeconfig !== undefined && { kubeconfig: resolve(folder, kubeconfig) }),
    ...(context !== undefined && { context }),
    ...(namespaces !== undefined && { namespaces }),
    ...(clusterScoped !== undefined && { clusterScoped }),
  }
}

function readOperator(reader: Reader, clusters: readonly string[], folder: string): ManagedOperator {
  const name = reader.required('name', (text) =>
    NAME.test(text) ? undefined : 'must be lower case letters, digits and -',
  )
  const [program, ...args] = reader.strings('command') ?? []
  if (program === undefined) reader.problem('command', 'is required: a list of the program and its first arguments')
  const optional = {
    controllers: reader.strings('controllers'),
    environment: reader.texts('environment'),
    timeLimitMs: reader.duration('timeLimit'),
    debounceMs: reader.duration('debounce'),
    coolDownMs: reader.duration('coolDown'),
    resyncMs: reader.duration('resync'),
    requestsPerSecond: reader.number('requestsPerSecond', 0.001),
  }
  const inputs = reader.list('inputs').map((rule) => {
    const place = {
      group: rule.text('group'),
      resource: rule.text('resource'),
      namespace: rule.text('namespace'),
    }
    const role = rule.role('from')
    rule.end()
    return { ...present(place), role }
  })
  const report = reader.part('report')
  const reported = report && {
    role: report.role('on'),
    group: report.text('group') ?? '',
    version: report.required('version'),
    resource: report.required('resource'),
    name: report.required('name'),
    ...present({ namespace: report.text('namespace') }),
  }
  report?.end()
  const operator = {
    name,
    // A bare name is looked up in PATH.
    command: program === undefined ? [] : [program.includes('/') ? resolve(folder, program) : program, ...args],
    clusters: reader.roles(clusters),
    ...present(optional),
    ...(inputs.length > 0 && { inputs }),
    ...(reported && { report: reported }),
  }
  reader.end()
  return operator
}

function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** Reads one object of the file, and takes down what is wrong with it. */
class Reader {
  readonly #path: string
  readonly #object: JsonObject
  readonly #problems: string[]
  readonly #read = new Set<string>()

  constructor(path: string, value: Json | undefined, problems: string[]) {
    this.#path = path
    this.#problems = problems
    this.#object = isObject(value) ? value : {}
    if (!isObject(value)) problems.push(`${path === '' ? 'it' : path} must hold members`)
  }

  problem(member: string, why: string): void {
    this.#problems.push(`${this.#at(member)} ${why}`)
  }

  /** Nothing else may be there: a misspelt member would be taken for its default. */
  end(): void {
    for (const member of Object.keys(this.#object)) {
      if (!this.#read.has(member)) this.problem(member, 'is not known')
    }
  }

  text(member: string): string | undefined {
    const value = this.#take(member)
    if (value === undefined || typeof value === 'string') return value
    this.problem(member, 'must be a text')
    return undefined
  }

  required(member: string, problem: (text: string) => string | undefined = () => undefined): string {
    const text = this.text(member) ?? ''
    const why = text === '' ? 'is required' : problem(text)
    if (why !== undefined) this.problem(member, why)
    return text
  }

  strings(member: string): string[] | undefined {
    const value = this.#take(member)
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
    this.problem(member, 'must be a list of texts')
    return undefined
  }

  texts(member: string): Record<string, string> | undefined {
    const value = this.#take(member)
    if (value === undefined) return undefined
    if (isObject(value) && Object.values(value).every((one) => typeof one === 'string')) {
      return value as Record<string, string>
    }
    this.problem(member, 'must hold texts by name')
    return undefined
  }

  flag(member: string): boolean | undefined {
    const value = this.#take(member)
    if (value === undefined || typeof value === 'boolean') return value
    this.problem(member, 'must be true or false')
    return undefined
  }

  number(member: string, atLeast: number): number | undefined {
    const value = this.#take(member)
    if (value === undefined || (typeof value === 'number' && value >= atLeast)) return value
    this.problem(member, `must be a number of ${atLeast} or more`)
    return undefined
  }

  /** In milliseconds. */
  duration(member: string): number | undefined {
    const text = this.text(member)
    if (text === undefined) return undefined
    try {
      return parseDuration(text)
    } catch (error) {
      this.problem(member, `cannot be used: ${errorText(error)}`)
      return undefined
    }
  }

  role(member: string): OperatorRole {
    const text = this.required(member)
    const role = ROLES.find((known) => known === text)
    if (role === undefined && text !== '') this.problem(member, `must be one of ${ROLES.join(', ')}`)
    return role ?? 'configuration'
  }

  /** Which API server is what to an operator: one for all, or one for each. */
  roles(known: readonly string[]): Record<OperatorRole, string> {
    const one = this.text('cluster')
    const each = this.part('clusters')
    if ((one === undefined) === (each === undefined)) this.problem('cluster', 'or clusters is required, and not both')
    const named = (reader: Reader, member: string, name: string) => {
      if (!known.includes(name)) reader.problem(member, `names ${name}, which is none of the clusters`)
      return name
    }
    if (each === undefined) {
      const cluster = one === undefined ? '' : named(this, 'cluster', one)
      return { configuration: cluster, management: cluster, userWorkload: cluster }
    }
    const entries = ROLES.map((role) => {
      const name = each.required(role)
      return [role, name === '' ? name : named(each, role, name)]
    })
    each.end()
    return Object.fromEntries(entries) as Record<OperatorRole, string>
  }

  part(member: string): Reader | undefined {
    const value = this.#take(member)
    return value === undefined ? undefined : new Reader(this.#at(member), value, this.#problems)
  }

  members(member: string): [string, Reader][] {
    const value = this.#take(member)
    if (isObject(value)) {
      // A cluster of which nothing is said is the agent's own.
      return Object.entries(value).map(([name, one]) => [
        name,
        new Reader(`${member}.${name}`, one ?? {}, this.#problems),
      ])
    }
    this.problem(member, 'must hold members by name')
    return []
  }

  list(member: string): Reader[] {
    const value = this.#take(member) ?? []
    if (Array.isArray(value)) {
      return value.map((one, index) => new Reader(`${this.#at(member)}[${index}]`, one, this.#problems))
    }
    this.problem(member, 'must be a list')
    return []
  }

  #take(member: string): Json | undefined {
    this.#read.add(member)
    return this.#object[member] ?? undefined
  }

  #at(member: string): string {
    return this.#path === '' ? member : `${this.#path}.${member}`
  }
}
