import {
  API_VERSION,
  componentFixes,
  controlPlanes,
  fixMatcher,
  imageForControlPlane,
  parseDuration,
  PLATFORMS,
  type ComponentFix,
  type ComponentFixTarget,
  type ControlPlane,
} from '@locktender/fleet'
import { imageDigest, parseVersion, parseVersionRange, releaseLine } from '@locktender/releases'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { printObjects, resourceName, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'
import { strategyNamed } from '../strategy-source.ts'
import { fixColumns } from './fix-columns.ts'

export interface FixRequestOptions {
  readonly ticket: string
  readonly summary?: string
  readonly component: string
  /** `AWS,Azure` */
  readonly platform: string
  /** `4.20.0-4.20.12,4.21.3` */
  readonly affects: string
  /** `4.20=registry/repository@sha256:…`, or one reference for every line. */
  readonly image: readonly string[]
  readonly strategy: string
  readonly deadline: string
  readonly supersedes?: string
  readonly dryRun: 'none' | 'client' | 'server'
  readonly output: OutputFormat
}

/** Creates a ComponentFix after checking that it concerns anything at all; a fix for nobody is a mistake. */
export async function fixRequest(session: Session, name: string, options: FixRequestOptions): Promise<void> {
  const fix = fixFromOptions(name, options)
  const client = await session.client()
  await strategyNamed(client, options.strategy)
  const { items } = await client.listAll<ControlPlane>(controlPlanes)
  const matcher = fixMatcher(fix)
  const affected = items.filter((controlPlane) => imageForControlPlane(matcher, controlPlane) !== undefined).length
  if (affected === 0) {
    throw new CommandError(
      exitCodes.refused,
      `the fix concerns none of the ${items.length} control planes: none runs ${options.affects} on ${options.platform}; ` +
        'check --affects and --platform against "kubectl get controlplanes -A". Nothing was written',
    )
  }
  let created = fix
  if (options.dryRun !== 'client') {
    created = await client.create(componentFixes, fix, {
      fieldValidation: 'Strict',
      ...(options.dryRun === 'server' ? { dryRun: true } : {}),
    })
  }
  if (options.output !== 'table' && options.output !== 'wide') {
    printObjects(session, options.output, componentFixes, [created], fixColumns(session.now()), true)
    return
  }
  const suffix = options.dryRun === 'none' ? '' : options.dryRun === 'client' ? ' (dry run)' : ' (server dry run)'
  session.out(`${resourceName(componentFixes, name)} created${suffix}\n`)
  session.note(`concerns ${affected} of ${items.length} control planes, due in ${options.deadline}`)
  if (options.dryRun === 'none') session.note(`next: lkt fix status ${name} --watch`)
}

/** The object that the options describe. Throws CommandError or InputError with what, why and what to do. */
export function fixFromOptions(name: string, options: FixRequestOptions): ComponentFix {
  parseDuration(options.deadline)
  const images = imagesByLine(options.image)
  const platforms = options.platform.split(',').map(parsePlatform)
  const targets: ComponentFixTarget[] = options.affects.split(',').map((text) => {
    const [from = '', to = from] = text.trim().split('-', 2)
    const versions = { from, to }
    parseVersionRange(versions)
    const line = releaseLine(parseVersion(from))
    const image = images.get(line) ?? images.get('')
    if (image === undefined) {
      throw new CommandError(
        exitCodes.usage,
        `no image for release line ${line}; add --image ${line}=REFERENCE@sha256:…`,
      )
    }
    return { platforms, versions, image }
  })
  return {
    apiVersion: API_VERSION,
    kind: componentFixes.kind,
    metadata: { name },
    spec: {
      ticket: options.ticket,
      ...(options.summary === undefined ? {} : { summary: options.summary }),
      component: options.component,
      targets,
      strategy: options.strategy,
      deadline: options.deadline,
      ...(options.supersedes === undefined ? {} : { supersedes: options.supersedes.split(',') }),
    },
  }
}

function imagesByLine(texts: readonly string[]): Map<string, string> {
  const images = new Map<string, string>()
  for (const text of texts) {
    const match = /^(\d+\.\d+)=(.+)$/.exec(text)
    const line = match?.[1] ?? ''
    const image = match?.[2] ?? text
    imageDigest(image)
    if (images.has(line)) {
      throw new CommandError(exitCodes.usage, `two images for ${line === '' ? 'all release lines' : line}; give one`)
    }
    images.set(line, image)
  }
  return images
}

function parsePlatform(text: string): (typeof PLATFORMS)[number] {
  const found = PLATFORMS.find((platform) => platform.toLowerCase() === text.trim().toLowerCase())
  if (found === undefined) {
    throw new CommandError(exitCodes.usage, `unknown platform "${text}"; use one or more of ${PLATFORMS.join(', ')}`)
  }
  return found
}
