import { isRecord } from '../objects/object.ts'

/** Keywords version 2 does not know; `x-kubernetes-int-or-string` and the like say the same. */
const UNKNOWN = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable'])

/** A document of version 3 rewritten as version 2, which some clients still ask for. */
export function toVersion2(document: {
  readonly paths: Readonly<Record<string, unknown>>
  readonly schemas: Readonly<Record<string, unknown>>
}): object {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths: mapValues(document.paths, pathItem),
    definitions: mapValues(document.schemas, schema),
  }
}

function mapValues(
  record: Readonly<Record<string, unknown>>,
  change: (value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function schema(value: unknown): unknown {
  if (!isRecord(value)) return value
  const result: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(value)) {
    if (key === '$ref') result[key] = String(part).replace('#/components/schemas/', '#/definitions/')
    else if (key === 'properties') result[key] = mapValues(part as Record<string, unknown>, schema)
    else if (key === 'items' || key === 'additionalProperties') result[key] = schema(part)
    else if (!UNKNOWN.has(key)) result[key] = part
  }
  const [only] = Array.isArray(value['allOf']) ? (value['allOf'] as unknown[]) : []
  if (isRecord(only) && '$ref' in only) Object.assign(result, schema(only))
  if (Array.isArray(value['oneOf']) && result['type'] === undefined) result['type'] = 'string'
  return result
}

const METHODS = new Set(['get', 'put', 'post', 'patch', 'delete'])

function pathItem(value: unknown): unknown {
  const item = value as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(item).map(([key, part]) => [
      key,
      METHODS.has(key) ? operation(part as Record<string, unknown>) : (part as unknown[]).map(parameter),
    ]),
  )
}

function operation(value: Record<string, unknown>): object {
  const { requestBody, responses, parameters = [], ...rest } = value
  const body = isRecord(requestBody) ? (requestBody['content'] as Record<string, { schema: unknown }>) : undefined
  return {
    ...(body === undefined ? {} : { consumes: Object.keys(body) }),
    produces: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
    parameters: [
      ...(body === undefined
        ? []
        : [{ name: 'body', in: 'body', required: true, schema: schema(Object.values(body)[0]!.schema) }]),
      ...(parameters as unknown[]).map(parameter),
    ],
    responses: mapValues(responses as Record<string, unknown>, response),
    ...rest,
  }
}

function parameter(value: unknown): object {
  const { schema: inner, ...rest } = value as { schema: object }
  return { ...rest, ...inner }
}

function response(value: unknown): object {
  const { content, ...rest } = value as { content: Record<string, { schema: unknown }> }
  return { ...rest, schema: schema(Object.values(content)[0]!.schema) }
}
