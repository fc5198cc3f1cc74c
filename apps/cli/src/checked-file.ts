import { ApiServer } from '@locktender/apiserver'
import { crds, customResourceDefinitions, fleetAdmission } from '@locktender/fleet'
import { ApiError, Client, type Clock, errorText, forkRandom, type KubeObject, type Resource } from '@locktender/kube'
import { parse } from 'yaml'
import { CommandError } from './command-error.ts'
import { exitCodes } from './exit-codes.ts'

/**
 * The one object of kind `resource` in a file of YAML or JSON. A server in this process judges it, so that what it lacks
 * is filled in and what is wrong is refused exactly as it will be when the file is applied, without writing it anywhere.
 * Throws CommandError with the file and what to mend.
 */
export async function checkedObject<T extends KubeObject>(
  resource: Resource,
  { path, text }: { readonly path: string; readonly text: string },
  clock: Clock,
): Promise<T> {
  const refuse = (why: string) => new CommandError(exitCodes.usage, `${path}: ${why}`)
  let object: Partial<T> | null
  try {
    object = parse(text) as typeof object
  } catch (error) {
    throw refuse(errorText(error).trim())
  }
  if (object?.kind !== resource.kind) {
    const found = object?.kind === undefined ? 'no object with a kind' : `a ${object.kind}`
    throw refuse(`it holds ${found}, not a ${resource.kind}`)
  }
  const server = await ApiServer.open({ clock, random: forkRandom(0, 'check'), admission: [fleetAdmission()] })
  try {
    await server.cluster('check')
    const transport = server.transport({ cluster: 'check', user: { name: 'lkt', groups: ['system:masters'] } })
    const client = new Client({ transport })
    const definition = crds().find(({ spec }) => spec.names.kind === resource.kind)
    await client.create(customResourceDefinitions, definition!)
    const metadata = { name: object.metadata?.name ?? '' }
    const stored = await client.create<T>(resource, { ...object, metadata } as T, { fieldValidation: 'Strict' })
    // Neither identity nor age are those of an object on a server that people know.
    return { ...stored, metadata }
  } catch (error) {
    if (error instanceof ApiError) throw refuse(error.message)
    throw error
  } finally {
    await server.close()
  }
}
