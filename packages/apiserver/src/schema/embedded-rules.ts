import { fieldInvalid, fieldRequired, isObject, labelKeyProblems, labelValueProblems } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { dnsLabelError } from '../objects/dns-names.ts'
import { failure } from './failure.ts'
import type { Check, Failure } from './failure.ts'

/** What `x-kubernetes-embedded-resource` asks of a value: to be a Kubernetes object of some kind. */
export function embeddedRules(schema: StructuralSchema): Check | undefined {
  if (schema['x-kubernetes-embedded-resource'] !== true) return undefined
  return (value) => {
    if (!isObject(value)) return undefined
    const failures: Failure[] = []
    const add = (name: string, describe: Failure['describe']) => failures.push(failure(describe, name))
    for (const name of ['apiVersion', 'kind']) {
      const why = wordProblem(name, value[name])
      if (why === undefined) continue
      if (value[name] === undefined) add(name, (path) => fieldRequired(path))
      else add(name, (path) => fieldInvalid(path, value[name], why))
    }
    const { metadata } = value
    if (metadata !== undefined && !isObject(metadata)) {
      add('metadata', (path) => fieldInvalid(path, metadata, 'must be an object'))
    } else if (metadata !== undefined) {
      for (const name of ['labels', 'annotations']) {
        const map = metadata[name]
        if (map === undefined) continue
        if (isStringMap(map)) addMapProblems(name, map, failures)
        else add('metadata', (path) => fieldInvalid(`${path}.${name}`, map, 'must be a map of strings'))
      }
    }
    return failures.length === 0 ? undefined : failures
  }
}

function wordProblem(name: string, value: Json | undefined): string | undefined {
  if (value === undefined || value === '') return 'must not be empty'
  if (typeof value !== 'string') return 'must be a string'
  if (name === 'apiVersion')
    return value.split('/').length <= 2 ? undefined : `unexpected GroupVersion string: ${value}`
  const why = dnsLabelError(value.toLowerCase())
  return why === undefined ? undefined : `may have mixed case, but should otherwise match: ${why}`
}

function addMapProblems(name: string, map: Readonly<Record<string, string>>, failures: Failure[]): void {
  const add = (value: string, why: string): void => {
    failures.push(failure((path) => fieldInvalid(`${path}.${name}`, value, why), 'metadata'))
  }
  for (const [key, value] of Object.entries(map)) {
    // Prefixes of annotations may have capitals.
    for (const why of labelKeyProblems(name === 'labels' ? key : key.toLowerCase())) add(key, why)
    if (name === 'labels') for (const why of labelValueProblems(value)) add(value, why)
  }
}

function isStringMap(value: Json): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === 'string')
}
