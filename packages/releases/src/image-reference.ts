import { InputError } from './input-error.ts'

/** A container image reference taken apart. */
export interface ImageReference {
  /** Host and optional port; empty when the reference names none. */
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string
}

const DIGEST = /^sha256:[0-9a-f]{64}$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const REPOSITORY = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/
const REGISTRY = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/

/** Reads `registry/repository[:tag][@digest]` (the grammar of the distribution project). Throws {@link InputError}. */
export function parseImageReference(text: string): ImageReference {
  const refuse = (why: string): InputError =>
    new InputError(
      `"${text}" is not an image reference: ${why}; write it like registry/repository@sha256:<64 hex digits>`,
    )
  if (text === '') throw refuse('it is empty')
  if (/\s/.test(text)) throw refuse('it contains a blank')

  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !DIGEST.test(digest)) {
    throw refuse(`its digest "${digest}" is not sha256: and 64 lower-case hexadecimal digits`)
  }
  const slash = name.indexOf('/')
  const head = slash < 0 ? '' : name.slice(0, slash)
  // As in the distribution project: without a dot or port the first part belongs to the repository.
  const registry = head.includes('.') || head.includes(':') || head === 'localhost' ? head : ''
  if (registry !== '' && !REGISTRY.test(registry)) throw refuse(`"${registry}" is not a registry host`)
  const path = registry === '' ? name : name.slice(slash + 1)
  const colon = path.lastIndexOf(':')
  const repository = colon < 0 ? path : path.slice(0, colon)
  const tag = colon < 0 ? undefined : path.slice(colon + 1)
  if (!REPOSITORY.test(repository)) throw refuse(`"${repository}" is not a repository name`)
  if (tag !== undefined && !TAG.test(tag)) throw refuse(`"${tag}" is not a tag`)
  return { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

/**
 * The digest of an image reference. Throws {@link InputError} for a reference without one: what a tag means can
 * change while a rollout is under way.
 */
export function imageDigest(text: string): string {
  const { digest, tag } = parseImageReference(text)
  if (digest === undefined) {
    const has = tag === undefined ? 'has neither tag nor digest' : `has the tag "${tag}" and no digest`
    throw new InputError(
      `image "${text}" ${has}: a tag can point to other content tomorrow, and then control planes of one rollout would differ; use the digest, registry/repository@sha256:<64 hex digits>`,
    )
  }
  return digest
}

/** Whether two references name the same content: equal digests, or equal text where a digest is missing. */
export function sameImage(left: string, right: string): boolean {
  if (left === right) return true
  const leftDigest = digestPart(left)
  return leftDigest !== undefined && leftDigest === digestPart(right)
}

function digestPart(text: string): string | undefined {
  const at = text.indexOf('@')
  return at < 0 ? undefined : text.slice(at + 1)
}
