import type { Change } from '@locktender/apiserver'
import { targetOf } from '../api-path.ts'
import type { Informer } from './informer.ts'
import type { Operation, Slot } from './process.ts'
import { nameOf } from './write-watch.ts'

/** `process/controller`, or one of them where they are called alike. */
export function slotName({ process, controller }: Slot): string {
  return process.name === controller.name ? controller.name : `${process.name}/${controller.name}`
}

/** Who asks for what: `process/controller key: patches deployments.apps default/web`. */
export function operationText(operation: Operation): string {
  const { slot } = operation
  const who = `${slotName(slot)} ${slot.key ?? ''}`
  if ('url' in operation) return `${who}: asks ${operation.url}`
  const { method, path } = operation.request
  const target = targetOf(path)
  if (target === undefined) return `${who}: ${method} ${path}`
  const { group, plural, subresource, namespace, name } = target
  const resource = `${group === '' ? plural : `${plural}.${group}`}${subresource === undefined ? '' : `/${subresource}`}`
  const object = [namespace, name].filter((part) => part !== undefined).join('/')
  return `${who}: ${VERBS[method]} ${resource} ${object}`.trimEnd()
}

const VERBS = { GET: 'reads', POST: 'creates', PUT: 'replaces', PATCH: 'patches', DELETE: 'deletes' }

/** What happened to which object. */
export function changeText({ key, before, after }: Change): string {
  return `${nameOf(key)} is ${before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'}`
}

/** What narrows a read, to tell several of one resource apart. */
export function scopeText({ watch }: Informer): string {
  const { namespace, name, labelSelector } = watch
  const parts = [namespace, name, labelSelector].filter((part) => part !== undefined)
  return parts.length === 0 ? '' : ` (read of ${parts.join(' ')})`
}
