import { badRequest, yaml } from '@locktender/kube'
import type { Document, Tags } from 'yaml'
import { isRecord } from '../objects/object.ts'

/** A text in YAML as it reads: of several documents the first one, of fields said twice the last one. */
interface YamlBody {
  readonly value: unknown
  /** Fields that are said more than once, as `line 5: key "spec" already set in map`. */
  readonly repeated: readonly string[]
}

/** A text is not YAML; the message says in which line, in the form of Kubernetes. */
class YamlError extends Error {}

/**
 * Reads YAML as Kubernetes does: version 1.1, but dates, times of day and binary values stay texts.
 * @throws YamlError
 */
export function readYaml(text: string): YamlBody {
  const customTags = (tags: Tags): Tags =>
    tags.filter(
      (tag) => typeof tag === 'string' || (tag.format !== 'TIME' && !/:(timestamp|binary)$/.test(tag.tag ?? '')),
    )
  const [document] = yaml().parseAllDocuments(text, { version: '1.1', merge: true, logLevel: 'silent', customTags })
  if (document === undefined) return { value: null, repeated: [] }
  const repeated: string[] = []
  for (const { code, message, pos, linePos } of document.errors) {
    const line = linePos?.[0].line ?? 1
    if (code !== 'DUPLICATE_KEY') throw new YamlError(`yaml: line ${line}: ${message.split(/ at line |\n/, 1)[0]}`)
    repeated.push(`line ${line}: key ${JSON.stringify(keyAt(text, pos[0]))} already set in map`)
  }
  return { value: valueOf(document, text), repeated }
}

/** The value of a document whose aliases may be too many, or inside what they stand for. */
function valueOf(document: Document.Parsed, text: string): unknown {
  try {
    const value: unknown = document.toJS()
    // JSON cannot say what contains itself; without an anchor nothing does.
    if (text.includes('&')) JSON.stringify(value)
    return value
  } catch (error) {
    if (error instanceof ReferenceError) throw new YamlError('yaml: document contains excessive aliasing')
    if (error instanceof TypeError) throw new YamlError('yaml: an anchor contains itself')
    throw error
  }
}

function keyAt(text: string, offset: number): string {
  const { quoted, plain } = /^(?:(["'])(?<quoted>.*?)\1|(?<plain>[^:\n]*?)\s*:)/.exec(text.slice(offset))?.groups ?? {}
  return quoted ?? plain ?? ''
}

/**
 * The configuration an apply sends, and what to warn about in it.
 * @throws ApiError BadRequest
 */
export function readApplied(text: string, strict: boolean): { value: unknown; warnings: readonly string[] } {
  const { value, repeated } = quickly(text) ?? inYaml(text)
  if (strict && repeated.length > 0) {
    const lines = repeated.map((line) => `  ${line}`).join('\n')
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines}`)
  }
  if (value !== null && !isRecord(value)) {
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    )
  }
  return { value, warnings: repeated }
}

/** Texts that machines write are JSON of the same length as their value written again, unless a field is repeated. */
function quickly(text: string): YamlBody | undefined {
  if (!/^\s*\{/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value).length === text.length ? { value, repeated: [] } : undefined
  } catch {
    return undefined
  }
}

function inYaml(text: string): YamlBody {
  try {
    return readYaml(text)
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`)
  }
}
