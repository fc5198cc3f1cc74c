import { isAlreadyExists } from '@locktender/kube'
import type { Client } from '@locktender/kube'
import type { HubObject } from './fleet-objects.ts'

/** Creates `object` unless it exists: what a restart finds is left as it is. */
export async function createMissing(client: Client, { resource, object }: HubObject): Promise<void> {
  try {
    await client.create(resource, object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
