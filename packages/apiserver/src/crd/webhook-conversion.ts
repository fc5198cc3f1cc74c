import { ApiError } from '@locktender/kube'
import type { WebhookClient } from '../admission/webhook-client.ts'
import { WebhookUnreachable } from '../admission/webhook-client.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { validateMeta } from '../objects/object-meta.ts'
import type { WebhookClientConfig } from './definition.ts'

/** How long a webhook may take for one question, as with kube-apiserver's client. */
const TIMEOUT_MS = 30_000

/** Who converts the objects of a definition between its versions. */
export interface WebhookConversion {
  readonly config: WebhookClientConfig
  /** In the order of the webhook's preference. */
  readonly reviewVersions: readonly string[]
}

export interface ConversionRequest {
  readonly client: WebhookClient
  /** Name of the logical cluster. */
  readonly cluster: string
  readonly conversion: WebhookConversion
  /** Of one kind, and none of them in the wanted version. */
  readonly objects: readonly AnyObject[]
  readonly apiVersion: string
  /** Of the question. */
  readonly uid: string
}

/**
 * Asks a webhook for objects in another version. Of their metadata it may change labels and annotations.
 * @throws ApiError when it cannot be asked, refuses, or answers with something else than was asked for
 */
export async function convertByWebhook(request: ConversionRequest): Promise<AnyObject[]> {
  const { client, cluster, conversion, objects, apiVersion, uid } = request
  const [first] = objects
  const kind = first === undefined ? '' : `${first.apiVersion}, Kind=${first.kind}`
  const failed = (why: string): Error => conversionError(`conversion webhook for ${kind} ${why}`)
  const version = conversion.reviewVersions.find((name) => name === 'v1' || name === 'v1beta1')
  if (version === undefined) throw conversionError('no supported conversion review versions')
  const review = `apiextensions.k8s.io/${version}`
  const body = {
    kind: 'ConversionReview',
    apiVersion: review,
    request: { uid, desiredAPIVersion: apiVersion, objects },
  }
  let answer: unknown
  try {
    answer = await client.post({ cluster, config: conversion.config, body, timeoutMs: TIMEOUT_MS })
  } catch (error) {
    if (error instanceof WebhookUnreachable) throw failed(`failed: ${error.message}`)
    throw error
  }
  const converted = readAnswer(answer, version === 'v1' ? { review, uid } : undefined)
  if (typeof converted === 'string') throw failed(`failed: ${converted}`)
  if (converted.length !== objects.length) {
    throw failed(`returned ${converted.length} objects, expected ${objects.length}`)
  }
  return objects.map((object, index) => {
    const [result, why] = accept(object, converted[index], apiVersion)
    if (result === undefined) throw failed(`returned invalid converted object at index ${index}: ${why}`)
    return result
  })
}

/** A failure that says nothing about the request: 500 without a reason, as an error that nobody has wrapped. */
function conversionError(message: string): Error {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    code: 500,
  })
}

/** The converted objects of a review, or why there are none. Since v1 an answer must say what it answers. */
function readAnswer(
  answer: unknown,
  expected: { readonly review: string; readonly uid: string } | undefined,
): readonly unknown[] | string {
  if (!isRecord(answer)) return 'no response provided'
  const { apiVersion, kind, response } = answer
  if (expected !== undefined && (apiVersion !== expected.review || kind !== 'ConversionReview')) {
    const wanted = `${expected.review}, Kind=ConversionReview`
    return `expected webhook response of ${wanted}, got ${String(apiVersion)}, Kind=${String(kind)}`
  }
  if (!isRecord(response)) return 'no response provided'
  const { uid, result, convertedObjects } = response
  if (expected !== undefined && uid !== expected.uid) {
    return `expected response.uid=${JSON.stringify(expected.uid)}, got ${JSON.stringify(uid ?? '')}`
  }
  const { status = '', message = '' } = isRecord(result) ? result : {}
  if (status !== 'Success') {
    return message === '' ? `response.result.status was '${String(status)}', not 'Success'` : String(message)
  }
  return Array.isArray(convertedObjects) ? convertedObjects : []
}

/** The converted object with the metadata it had, but for labels and annotations; or why it cannot be taken. */
function accept(original: AnyObject, converted: unknown, apiVersion: string): [AnyObject, ''] | [undefined, string] {
  if (!isRecord(converted)) return [undefined, 'it is not an object']
  if (converted['apiVersion'] !== apiVersion) {
    return [undefined, `invalid groupVersion (expected ${apiVersion}, received ${String(converted['apiVersion'])})`]
  }
  if (converted['kind'] !== original.kind) {
    return [undefined, `invalid kind (expected ${original.kind}, received ${String(converted['kind'])})`]
  }
  const { metadata } = converted
  if (metadata === undefined) return [undefined, 'missing metadata in converted object']
  if (!isRecord(metadata)) return [undefined, `invalid metadata of type ${typeof metadata} in converted object`]
  for (const [field, name] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before, after] = [original.metadata[field] ?? '', metadata[field] ?? '']
    if (before !== after) return [undefined, `must have the same ${name}: ${before} != ${JSON.stringify(after)}`]
  }
  const { labels: _labels, annotations: _annotations, ...rest } = original.metadata
  const restored: AnyObject['metadata'] = rest
  for (const field of ['labels', 'annotations'] as const) {
    const map = metadata[field]
    if (map === undefined || map === null) continue
    if (!isRecord(map)) return [undefined, `invalid metadata.${field} of type ${typeof map} in converted object`]
    restored[field] = map as Record<string, string>
  }
  const [error] = validateMeta(restored, { names: 'subdomain' }).filter(({ field }) => /labels|annotations/.test(field))
  if (error !== undefined) return [undefined, `${error.field}: ${error.message}`]
  return [{ ...converted, metadata: restored } as unknown as AnyObject, '']
}
