import { DEFAULT_COMPONENT } from '@locktender/fleet'
import type { ComponentFix, ComponentFixTarget } from '@locktender/fleet'
import { parseVersion, releaseLine } from '@locktender/releases'

/** An image that takes effect for one platform and exact version, and the fix it comes from. */
export interface EffectiveImage {
  readonly platform: string
  readonly version: string
  readonly image: string
  readonly fix: ComponentFix
}

/**
 * What `fixes` put in place of `component`: `platform/version` (`AWS/4.17.3`) to image. Versions are all patch releases
 * of the ranges and the ends of ranges. Where a fix and one it supersedes meet, the superseding one counts.
 */
export function effectiveImages(
  fixes: readonly ComponentFix[],
  component = DEFAULT_COMPONENT,
): ReadonlyMap<string, string> {
  return new Map([...effectiveEntries(fixes, component)].map(([key, entry]) => [key, entry.image]))
}

/** As {@link effectiveImages}, with the fix each image comes from. */
export function effectiveEntries(
  fixes: readonly ComponentFix[],
  component: string,
): ReadonlyMap<string, EffectiveImage> {
  const entries = new Map<string, EffectiveImage>()
  for (const fix of supersededFirst(fixes)) {
    if (fix.spec.component !== component) continue
    for (const { platforms, versions, image } of fix.spec.targets) {
      for (const version of versionsIn(versions)) {
        for (const platform of platforms) entries.set(`${platform}/${version}`, { platform, version, image, fix })
      }
    }
  }
  return entries
}

function versionsIn({ from, to, exclude }: ComponentFixTarget['versions']): string[] {
  const first = parseVersion(from)
  const last = parseVersion(to)
  const line = releaseLine(first)
  const versions = new Set([from])
  for (let patch = first.patch; patch <= last.patch; patch++) {
    const version = `${line}.${patch}`
    // 4.21.0 comes after a range that ends with 4.21.0-rc.1.
    if (patch < last.patch || last.prerelease === undefined) versions.add(version)
  }
  versions.add(to)
  for (const version of exclude ?? []) versions.delete(version)
  return [...versions]
}

/** The given order, except that a fix comes after all that it supersedes. */
function supersededFirst(fixes: readonly ComponentFix[]): ComponentFix[] {
  const byName = new Map(fixes.map((fix) => [fix.metadata.name, fix]))
  const ordered = new Set<ComponentFix>()
  const visiting = new Set<ComponentFix>()
  const visit = (fix: ComponentFix) => {
    if (ordered.has(fix) || visiting.has(fix)) return
    visiting.add(fix)
    for (const name of fix.spec.supersedes ?? []) {
      const superseded = byName.get(name)
      if (superseded !== undefined) visit(superseded)
    }
    ordered.add(fix)
  }
  for (const fix of fixes) visit(fix)
  return [...ordered]
}
