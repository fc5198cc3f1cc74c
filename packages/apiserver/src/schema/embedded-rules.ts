import { fieldInvalid, fieldRequired } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { failure, isObject } from './failure.ts'
import type { Check, Failure } from './failure.ts'

const kindPattern = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/

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
      if (value[name] === undefined) add(name, (path) => fieldRequired(path, why))
      else add(name, (path) => fieldInvalid(path, value[name], why))
    }
    const { metadata } = value
    if (metadata !== undefined && !isObject(metadata)) {
      add('metadata', (path) => fieldInvalid(path, metadata, 'must be an object'))
    } else if (metadata !== undefined) {
      for (const name of ['labels', 'annotations']) {
        const map = metadata[name]
        if (map === undefined || isStringMap(map)) continue
        add('metadata', (path) => fieldInvalid(`${path}.${name}`, map, 'must be a map of strings'))
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
  return value.length <= 63 && kindPattern.test(value.toLowerCase())
    ? undefined
    : 'must consist of letters, digits and dashes, starting with a letter and ending with a letter or digit'
}

function isStringMap(value: Json): boolean {
  return isObject(value) && Object.values(value).every((item) => typeof item === 'string')
}
