import { inRange, parseVersion, parseVersionRange } from '@locktender/releases'
import type { Version, VersionRange } from '@locktender/releases'
import type { ComponentFix, ComponentFixTarget } from './kinds/component-fix.ts'
import type { ControlPlaneStatus } from './kinds/control-plane.ts'

/** A fix made ready to be asked about many control planes. */
export interface FixMatcher {
  readonly name: string
  readonly component: string
  readonly supersedes: readonly string[]
  /** Fixes of the same component whose images contain this one. */
  readonly supersededBy: ReadonlySet<string>
  /** The image for control planes of this platform and version; undefined when the fix does not concern them. */
  imageFor(platform: string, version: string): string | undefined
}

/** Reads the ranges of a fix once; `others` are the fixes that may supersede it. Throws InputError for ranges that admission would have refused. */
export function fixMatcher(fix: ComponentFix, others: Iterable<ComponentFix> = []): FixMatcher {
  const targets = fix.spec.targets.map((target) => ({ target, range: parseVersionRange(target.versions) }))
  // A fleet has far fewer versions than control planes, so each pair is looked up once.
  const images = new Map<string, string | undefined>()
  return {
    name: fix.metadata.name,
    component: fix.spec.component,
    supersedes: fix.spec.supersedes ?? [],
    supersededBy: new Set(
      [...others]
        .filter(({ spec }) => spec.component === fix.spec.component)
        .filter(({ spec }) => spec.supersedes?.includes(fix.metadata.name) === true)
        .map(({ metadata }) => metadata.name),
    ),
    imageFor(platform, version) {
      const key = `${platform}/${version}`
      if (!images.has(key)) images.set(key, findImage(targets, platform, parseVersion(version)))
      return images.get(key)
    },
  }
}

/** The image a fix has for one control plane; undefined when it does not concern it or nothing was reported yet. */
export function imageForControlPlane(
  matcher: FixMatcher,
  controlPlane: { readonly status?: Pick<ControlPlaneStatus, 'identity' | 'version'> | undefined },
): string | undefined {
  const { status } = controlPlane
  return status === undefined ? undefined : matcher.imageFor(status.identity.platform, status.version.controlPlane)
}

function findImage(
  targets: readonly { readonly target: ComponentFixTarget; readonly range: VersionRange }[],
  platform: string,
  version: Version,
): string | undefined {
  return targets.find(({ target, range }) => includes(target.platforms, platform) && inRange(version, range))?.target
    .image
}

function includes(words: readonly string[], text: string): boolean {
  return words.includes(text)
}
