import { DEFAULT_COMPONENT } from '@locktender/fleet'
import type { ComponentFix } from '@locktender/fleet'
import { compareVersions, parseVersion, releaseLine } from '@locktender/releases'
import { effectiveEntries } from './effective-images.ts'
import type { EffectiveImage } from './effective-images.ts'
import { overridePlatforms } from './platforms.ts'

export interface OverrideExport {
  /** YAML in the format of HyperShift's override file. */
  readonly text: string
  /** What the format cannot say, one sentence each. */
  readonly omitted: readonly string[]
}

/**
 * Writes fixes as an override file with the same effective image for every platform and version. Sections carry the
 * ticket in the file's convention, so that importing it again finds them. Section "testing" is not part of any fix.
 */
export function exportOverrides(fixes: readonly ComponentFix[]): OverrideExport {
  const entries = [...effectiveEntries(fixes, DEFAULT_COMPONENT).values()]
  const text = overridePlatforms
    .map(({ key, type }) =>
      platformText(
        key,
        entries.filter((entry) => entry.platform === type),
      ),
    )
    .join('')
  return { text: text === '' ? 'platforms: {}\n' : `platforms:\n${text}`, omitted: omissions(fixes) }
}

function platformText(key: string, entries: readonly EffectiveImage[]): string {
  if (entries.length === 0) return ''
  const sorted = entries.toSorted((left, right) =>
    compareVersions(parseVersion(left.version), parseVersion(right.version)),
  )
  const lines = [`  ${key}:`, '    overrides:']
  let open: string | undefined
  for (const { version, image, fix } of sorted) {
    const section = `${fix.spec.ticket} overrides ${releaseLine(parseVersion(version))} section`
    if (section !== open) {
      if (open !== undefined) lines.push(`      # End of ${open}`)
      lines.push(`      # Beginning of ${section}`)
      open = section
    }
    lines.push(`      - version: ${version}`, `        cpoImage: ${plainScalar(image)}`)
  }
  lines.push(`      # End of ${open}`)
  return `${lines.join('\n')}\n`
}

function omissions(fixes: readonly ComponentFix[]): string[] {
  const known: readonly string[] = overridePlatforms.map((platform) => platform.type)
  const omitted: string[] = []
  for (const { metadata, spec } of fixes) {
    if (spec.component !== DEFAULT_COMPONENT) {
      omitted.push(
        `ComponentFix ${metadata.name} is left out: the format has no place for the component ${spec.component}`,
      )
      continue
    }
    const platforms = new Set(spec.targets.flatMap((target) => target.platforms))
    const unknown = [...platforms].filter((platform) => !known.includes(platform))
    if (unknown.length > 0) {
      omitted.push(`ComponentFix ${metadata.name} is incomplete: the format has no place for ${unknown.join(', ')}`)
    }
  }
  return omitted
}

/** Image references are plain YAML scalars; anything else is quoted. */
function plainScalar(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._/@:-]*[A-Za-z0-9]$/.test(text) ? text : JSON.stringify(text)
}
