import { notAcceptable, noSuchRepresentation } from '@locktender/kube'

/** Kubernetes' own wire format: accepted in requests for built-in kinds, never written. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

const YAML = 'application/yaml'

/** How an answer is shown. */
export type Representation = 'object' | 'table' | 'metadata' | 'metadata-list'

/** Versions of the group in which tables and metadata alone are. */
export type MetaVersion = 'meta.k8s.io/v1' | 'meta.k8s.io/v1beta1'

/** What a client wants to be shown. */
export interface Form {
  readonly representation: Representation
  readonly metaVersion: MetaVersion
}

interface MediaClause {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

/** Clauses of an Accept header, best first; without one anything is accepted. */
function parseAccept(header: string | undefined): MediaClause[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map(), quality: 1 }]
  const clauses = header.split(',').map((clause): MediaClause => {
    const [type = '', ...pairs] = clause.split(';')
    const parameters = new Map<string, string>()
    for (const pair of pairs) {
      const [name = '', value = ''] = pair.split('=')
      parameters.set(name.trim().toLowerCase(), value.trim())
    }
    const quality = Number(parameters.get('q') ?? 1)
    return { type: type.trim().toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality }
  })
  return clauses.toSorted((left, right) => right.quality - left.quality)
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === '*/*' || type === 'application/*'
}

const REPRESENTATIONS: Readonly<Record<string, Representation>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata-list',
}

const PLAIN_ACCEPTS = new Set(['application/json', '*/*', '', 'application/json, */*'])

/** Whether a client wants its answer in YAML rather than JSON. */
export function prefersYaml(header: string | undefined): boolean {
  if (header === undefined || !header.includes(YAML)) return false
  return parseAccept(header).find(({ type }) => isJson(type) || type === YAML)?.type === YAML
}

const PLAIN: Form = { representation: 'object', metaVersion: 'meta.k8s.io/v1' }

/**
 * The form a client wants most of those that exist here.
 * @throws ApiError NotAcceptable
 */
export function negotiate(header: string | undefined, custom: boolean, stream: boolean): Form {
  if (header === undefined || PLAIN_ACCEPTS.has(header)) return PLAIN
  for (const { type, parameters } of parseAccept(header)) {
    // A stream has no form in YAML.
    if (!(isJson(type) || (type === YAML && !stream))) continue
    const form = formOf(parameters)
    if (form !== undefined) return form
  }
  // Of built-in kinds it depends on what has been looked at: the type alone, or what is wanted in it.
  const readable = parseAccept(header).some(({ type }) => isJson(type) || type === YAML)
  throw custom || readable ? notAcceptable(PRODUCED) : noSuchRepresentation(PRODUCED)
}

/** Undefined when the parameters ask for a form that nothing has. */
function formOf(parameters: ReadonlyMap<string, string>): Form | undefined {
  if (!['as', 'g', 'v'].some((name) => parameters.has(name))) return PLAIN
  const as = parameters.get('as') ?? ''
  const metaVersion = `${parameters.get('g') ?? ''}/${parameters.get('v') ?? ''}`
  if (metaVersion !== 'meta.k8s.io/v1' && metaVersion !== 'meta.k8s.io/v1beta1') return undefined
  const representation = Object.hasOwn(REPRESENTATIONS, as) ? REPRESENTATIONS[as] : undefined
  return representation === undefined ? undefined : { representation, metaVersion }
}

const PRODUCED = ['application/json', 'application/yaml']

/** Whether, and in which version, a client prefers the aggregated discovery document over the older ones. */
export function negotiateDiscovery(header: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters, quality } of parseAccept(header)) {
    if (!isJson(type) || quality === 0) continue
    if (parameters.get('as') === undefined) return undefined
    const version = parameters.get('v')
    if (
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      (parameters.get('profile') ?? '') === '' &&
      (version === 'v2' || version === 'v2beta1')
    ) {
      return version
    }
  }
  return undefined
}

/** The media type without its parameters. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/** Whether a body of an object is YAML rather than JSON; other media types have been refused before. */
export function isYamlBody(header: string | undefined): boolean {
  return mediaType(header) === 'application/yaml'
}

/** Whether a body of this type is no text. */
export function isBinary(header: string | undefined): boolean {
  return mediaType(header) === PROTOBUF
}
