import type { KubeObject } from '@locktender/kube'
import { DocumentReader, type Path } from '../document-reader.ts'
import { TEST_API } from '../plan-file.ts'
import type { AccessVerb, OutsideReply } from '../scenario.ts'
import { durationMs } from './duration.ts'

const KIND = 'EventSequence'

/** What happens to clusters from outside, one thing after the other, and what is expected of them in between. */
export interface EventSequence {
  readonly name: string
  /** By name; the first is meant where a step names none. */
  readonly clusters: Readonly<Record<string, SequenceCluster>>
  readonly steps: readonly SequenceStep[]
}

/** An API server at the beginning. */
export interface SequenceCluster {
  /** Another cluster of the sequence that this one is. */
  readonly sameAs?: string
  readonly objects: readonly KubeObject[]
  /** Files with manifests, folders of such, and must-gathers; relative to the file of the sequence. */
  readonly files: readonly string[]
}

export interface KindOfObject {
  readonly apiVersion: string
  readonly kind: string
}

export interface NamedObject extends KindOfObject {
  readonly name: string
  readonly namespace?: string
}

export type SequenceStep =
  | { readonly create: KubeObject; readonly cluster?: string }
  | { readonly change: NamedObject; readonly to: object; readonly subresource?: string; readonly cluster?: string }
  | { readonly delete: NamedObject; readonly cluster?: string }
  | { readonly settle: true }
  /** Milliseconds. */
  | { readonly advance: number }
  | { readonly answer: string; readonly with: OutsideReply }
  | { readonly nodeLost: string; readonly cluster?: string }
  | {
      readonly deny: string
      readonly resource: KindOfObject
      readonly verbs?: readonly AccessVerb[]
      readonly cluster?: string
    }
  | { readonly allow: string; readonly resource: KindOfObject; readonly cluster?: string }
  | { readonly restart: string }
  | { readonly outage: string }
  | { readonly restore: string }
  | { readonly expect: string; readonly that: readonly Expectation[] }

export type Expectation = { readonly cluster?: string } & (
  | { readonly exists: NamedObject }
  | { readonly absent: NamedObject }
  /** The object has these fields with these values; of a list, items like these. */
  | { readonly matches: KubeObject }
  | {
      readonly count: KindOfObject & {
        readonly namespace?: string
        readonly labels?: Readonly<Record<string, string>>
      }
      readonly is: number
    }
  | { readonly condition: NamedObject; readonly type: string; readonly status: string }
)

const VERBS: readonly AccessVerb[] = ['get', 'list', 'create', 'update', 'patch', 'delete']

/** Fields of a step by the field that says what it is. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  create: ['cluster'],
  change: ['to', 'subresource', 'cluster'],
  delete: ['cluster'],
  settle: [],
  advance: [],
  answer: ['with'],
  nodeLost: ['cluster'],
  deny: ['resource', 'verbs', 'cluster'],
  allow: ['resource', 'cluster'],
  restart: [],
  outage: [],
  restore: [],
  expect: ['that'],
}

const EXPECTATIONS: Readonly<Record<string, readonly string[]>> = {
  exists: [],
  absent: [],
  matches: [],
  count: ['is'],
  condition: ['type', 'status'],
}

/**
 * Reads an event sequence.
 * @throws DocumentError for anything else, with its line
 */
export function parseSequence(text: string, source: string): EventSequence {
  return new SequenceReader(text, source).read()
}

class SequenceReader {
  readonly #reader: DocumentReader

  constructor(text: string, source: string) {
    this.#reader = new DocumentReader(text, source)
  }

  read(): EventSequence {
    const reader = this.#reader
    const known = ['apiVersion', 'kind', 'metadata', 'clusters', 'steps']
    const root = reader.members(reader.value(), [], known, known)
    reader.oneOf(root['apiVersion'], ['apiVersion'], [TEST_API])
    reader.oneOf(root['kind'], ['kind'], [KIND])
    const metadata = reader.members(root['metadata'], ['metadata'], ['name'], ['name'])
    const clusters = Object.entries(reader.mapping(root['clusters'], ['clusters'])).map(
      ([name, cluster]) => [name, this.#cluster(cluster, ['clusters', name])] as const,
    )
    if (clusters.length === 0) throw reader.error(['clusters'], 'must name one cluster at least')
    const names = clusters.map(([name]) => name)
    for (const [name, { sameAs }] of clusters) {
      if (sameAs !== undefined) reader.oneOf(sameAs, ['clusters', name, 'sameAs'], names)
    }
    const steps = reader.list(root['steps'], ['steps']).map((step, index) => this.#step(step, ['steps', index], names))
    return { name: reader.text(metadata['name'], ['metadata', 'name']), clusters: Object.fromEntries(clusters), steps }
  }

  #cluster(value: unknown, path: Path): SequenceCluster {
    const reader = this.#reader
    const { sameAs, objects = [], files = [] } = reader.members(value ?? {}, path, ['sameAs', 'objects', 'files'])
    return {
      ...(sameAs !== undefined && { sameAs: reader.text(sameAs, [...path, 'sameAs']) }),
      objects: reader
        .list(objects, [...path, 'objects'])
        .map((object, index) => this.#object(object, [...path, 'objects', index])),
      files: reader.list(files, [...path, 'files']).map((file, index) => reader.text(file, [...path, 'files', index])),
    }
  }

  #step(value: unknown, path: Path, clusters: readonly string[]): SequenceStep {
    const reader = this.#reader
    const { what, members } = this.#oneKind(value, path, STEPS)
    const main = members[what]
    const at = [...path, what]
    const cluster = this.#clusterOf(members, path, clusters)
    switch (what) {
      case 'create':
        return { create: this.#object(main, at), ...cluster }
      case 'change': {
        const { to, subresource } = members
        return {
          change: this.#named(main, at),
          to: reader.mapping(to, [...path, 'to']),
          ...(subresource !== undefined && { subresource: reader.text(subresource, [...path, 'subresource']) }),
          ...cluster,
        }
      }
      case 'delete':
        return { delete: this.#named(main, at), ...cluster }
      case 'settle':
        if (main !== true) throw reader.error(at, 'must be true')
        return { settle: true }
      case 'advance':
        return { advance: this.#duration(main, at) }
      case 'answer':
        return { answer: reader.text(main, at), with: this.#reply(members['with'], [...path, 'with']) }
      case 'nodeLost':
        return { nodeLost: reader.text(main, at), ...cluster }
      case 'deny':
      case 'allow': {
        const resource = this.#kind(members['resource'], [...path, 'resource'])
        const who = reader.text(main, at)
        if (what === 'allow') return { allow: who, resource, ...cluster }
        const { verbs } = members
        const listed = verbs === undefined ? undefined : reader.list(verbs, [...path, 'verbs'])
        const denied = listed?.map((verb, index) => reader.oneOf(verb, [...path, 'verbs', index], VERBS))
        return { deny: who, resource, ...(denied !== undefined && { verbs: denied }), ...cluster }
      }
      case 'restart':
        return { restart: reader.text(main, at) }
      case 'outage':
        return { outage: reader.oneOf(main, at, clusters) }
      case 'restore':
        return { restore: reader.oneOf(main, at, clusters) }
      default: {
        const that = reader
          .list(members['that'], [...path, 'that'])
          .map((one, index) => this.#expectation(one, [...path, 'that', index], clusters))
        return { expect: reader.text(main, at), that }
      }
    }
  }

  #expectation(value: unknown, path: Path, clusters: readonly string[]): Expectation {
    const reader = this.#reader
    const known = Object.fromEntries(Object.entries(EXPECTATIONS).map(([name, more]) => [name, [...more, 'cluster']]))
    const { what, members } = this.#oneKind(value, path, known)
    const at = [...path, what]
    const cluster = this.#clusterOf(members, path, clusters)
    switch (what) {
      case 'exists':
        return { exists: this.#named(members[what], at), ...cluster }
      case 'absent':
        return { absent: this.#named(members[what], at), ...cluster }
      case 'matches':
        return { matches: this.#object(members[what], at), ...cluster }
      case 'count': {
        const known = ['apiVersion', 'kind', 'namespace', 'labels']
        const { namespace, labels, ...kind } = reader.members(members[what], at, known)
        const selected = labels === undefined ? undefined : reader.mapping(labels, [...at, 'labels'])
        const count = {
          ...this.#kind(kind, at),
          ...(namespace !== undefined && { namespace: reader.text(namespace, [...at, 'namespace']) }),
          ...(selected !== undefined && { labels: this.#texts(selected, [...at, 'labels']) }),
        }
        return { count, is: reader.count(members['is'], [...path, 'is'], 0), ...cluster }
      }
      default:
        return {
          condition: this.#named(members[what], at),
          type: reader.text(members['type'], [...path, 'type']),
          status: reader.text(members['status'], [...path, 'status']),
          ...cluster,
        }
    }
  }

  /** A mapping that is of exactly one of several kinds, told by a field of its own. */
  #oneKind(value: unknown, path: Path, kinds: Readonly<Record<string, readonly string[]>>) {
    const reader = this.#reader
    const given = reader.mapping(value, path)
    const [what, second] = Object.keys(kinds).filter((kind) => Object.hasOwn(given, kind))
    if (what === undefined) throw reader.error(path, `must have one of ${Object.keys(kinds).join(', ')}`)
    if (second !== undefined) throw reader.error(path, `has both ${what} and ${second}; make two of it`)
    return { what, members: reader.members(given, path, [what, ...kinds[what]!]) }
  }

  #clusterOf(members: Readonly<Record<string, unknown>>, path: Path, clusters: readonly string[]) {
    const { cluster } = members
    return cluster === undefined ? {} : { cluster: this.#reader.oneOf(cluster, [...path, 'cluster'], clusters) }
  }

  #object(value: unknown, path: Path): KubeObject {
    const object = this.#reader.mapping(value, path)
    this.#kind({ apiVersion: object['apiVersion'], kind: object['kind'] }, path)
    const metadata = this.#reader.mapping(object['metadata'], [...path, 'metadata'])
    this.#reader.text(metadata['name'], [...path, 'metadata', 'name'])
    return object as unknown as KubeObject
  }

  #named(value: unknown, path: Path): NamedObject {
    const reader = this.#reader
    const { name, namespace, ...kind } = reader.members(value, path, ['apiVersion', 'kind', 'name', 'namespace'])
    return {
      ...this.#kind(kind, path),
      name: reader.text(name, [...path, 'name']),
      ...(namespace !== undefined && { namespace: reader.text(namespace, [...path, 'namespace']) }),
    }
  }

  #kind(value: unknown, path: Path): KindOfObject {
    const reader = this.#reader
    const { apiVersion, kind } = reader.members(value, path, ['apiVersion', 'kind'])
    return {
      apiVersion: reader.text(apiVersion, [...path, 'apiVersion']),
      kind: reader.text(kind, [...path, 'kind']),
    }
  }

  #reply(value: unknown, path: Path): OutsideReply {
    const reader = this.#reader
    if (value === 'unreachable') return value
    const { status, headers, body } = reader.members(value, path, ['status', 'headers', 'body'], ['status'])
    return {
      status: reader.count(status, [...path, 'status'], 100),
      ...(headers !== undefined && {
        headers: this.#texts(reader.mapping(headers, [...path, 'headers']), [...path, 'headers']),
      }),
      ...(body !== undefined && { body: reader.text(body, [...path, 'body']) }),
    }
  }

  #texts(members: Readonly<Record<string, unknown>>, path: Path): Record<string, string> {
    return Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, this.#reader.text(value, [...path, name])]),
    )
  }

  #duration(value: unknown, path: Path): number {
    const ms = typeof value === 'string' ? durationMs(value) : undefined
    if (ms === undefined) throw this.#reader.error(path, 'must be a duration such as 90s, 5m or 1h30m')
    return ms
  }
}
