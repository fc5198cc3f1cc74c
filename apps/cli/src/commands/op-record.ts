import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Client, ObjectCache, Reflector, type Resource, seededRandom, sleep } from '@locktender/kube'
import { durationMs, SequenceRecorder } from '@locktender/runtime/explore'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

export interface OpRecordOptions {
  /** `plural` or `plural.group`. */
  readonly resource: readonly string[]
  readonly namespace?: string
  readonly selector?: string
  readonly name: string
  readonly for?: string
  readonly status: boolean
  readonly file?: string
}

interface ApiGroups {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[]
}

interface ApiResources {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[]
}

/** Watches resources of an API server and writes what happens to them as an event sequence. */
export async function opRecord(session: Session, options: OpRecordOptions): Promise<ExitCode> {
  const lastMs = options.for === undefined ? undefined : durationMs(options.for)
  if (options.for !== undefined && lastMs === undefined) {
    throw new CommandError(exitCodes.usage, `--for takes a duration such as 30s or 5m, not ${options.for}`)
  }
  const client = await session.client()
  const resources: Resource[] = []
  for (const name of options.resource) resources.push(await resourceCalled(client, name))
  const recorder = new SequenceRecorder({ name: options.name, status: options.status })
  const select = {
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    ...(options.selector !== undefined && { labelSelector: options.selector }),
  }
  const end = new AbortController()
  const watches = resources.map((resource) => watching(session, client, resource, select, recorder))
  const ends = Promise.all(watches.map((watch) => watch.run(AbortSignal.any([end.signal, session.signal]))))
  await Promise.all(watches.map(({ synced }) => synced))
  session.note(lastMs === undefined ? 'Recording; Ctrl-C ends it' : `Recording for ${options.for}`)
  const over = lastMs === undefined ? session.untilStopped() : sleep(session.clock, lastMs, session.signal)
  // Who stops waiting early wants what was recorded until then.
  await Promise.race([over.catch(() => {}), ends])
  end.abort()
  await ends
  write(session, options.file, recorder.text())
  session.note(`${recorder.steps} steps recorded`)
  return exitCodes.done
}

/** Records what there is, then what changes, however often the watch breaks off. */
function watching(
  session: Session,
  client: Client,
  resource: Resource,
  select: { readonly namespace?: string; readonly labelSelector?: string },
  recorder: SequenceRecorder,
): Reflector {
  const cache = new ObjectCache()
  let isRecording = false
  return new Reflector({
    client,
    resource,
    ...select,
    clock: session.clock,
    random: seededRandom(1),
    cache,
    onSynced: () => {
      recorder.start(resource, [...cache.values()], session.clock.now())
      isRecording = true
    },
    onEvent: (change) => {
      if (!isRecording) return
      recorder.add(resource, { type: change.type, object: change.object(), atMs: session.clock.now() })
    },
    onRetry: (error) => session.note(`${resource.plural}: ${error.message}; trying again`),
  })
}

function write(session: Session, file: string | undefined, text: string): void {
  if (file === undefined) {
    session.out(text)
    return
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

async function resourceCalled(client: Client, name: string): Promise<Resource> {
  const dot = name.indexOf('.')
  const [plural, group] = dot === -1 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)]
  const root = group === '' ? '/api/v1' : await rootOf(client, group)
  const { resources } = root === undefined ? { resources: [] } : await client.requestJson<ApiResources>('GET', root)
  const found = resources.find((one) => one.name === plural)
  if (root === undefined || found === undefined) {
    throw new CommandError(exitCodes.notFound, `the API server serves no ${name}; name it as plural or plural.group`)
  }
  return {
    group,
    version: root.slice(root.lastIndexOf('/') + 1),
    plural,
    kind: found.kind,
    namespaced: found.namespaced,
  }
}

async function rootOf(client: Client, group: string): Promise<string | undefined> {
  const { groups } = await client.requestJson<ApiGroups>('GET', '/apis')
  const found = groups.find(({ name }) => name === group)
  return found && `/apis/${found.preferredVersion.groupVersion}`
}
