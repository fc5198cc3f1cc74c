import { conflict, isAlreadyExists } from '@locktender/kube'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import type { ServedResource } from '../served-resource.ts'
import { groupResourceOf } from '../served-resource.ts'
import { RevisionMismatch } from '../store/store-types.ts'

/** How often a write is tried again when others keep coming in between, as in apiserver's patch handler. */
const MAX_RETRIES = 5

/**
 * Runs `attempt`, which reads the stored object and writes its next state, again from the start when another write
 * came in between. That happens only while admission webhooks are asked: everything else is synchronous.
 * @throws ApiError Conflict when it keeps happening
 */
export async function retryOnRace<T>(served: ServedResource, name: string, attempt: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof RevisionMismatch)) throw error
      if (retries === MAX_RETRIES) {
        throw conflict(
          groupResourceOf(served),
          name,
          'the object has been modified; please apply your changes to the latest version and try again',
        )
      }
    }
  }
}

/**
 * Runs the creation of an object that a PUT or an apply did not find. One that somebody else has created meanwhile is
 * a race like any other.
 * @throws RevisionMismatch, and what `create` throws
 */
export async function createMissing<T>(context: RequestContext, create: () => Promise<T>): Promise<T> {
  try {
    return await create()
  } catch (error) {
    const key = keyOf(context)
    const actual = context.cluster.database.store.get(key)?.revision ?? 0
    if (isAlreadyExists(error) && actual !== 0) throw new RevisionMismatch(key, 0, actual)
    throw error
  }
}
