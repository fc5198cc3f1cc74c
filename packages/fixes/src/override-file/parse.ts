import { compareVersions, formatVersion, parseImageReference, parseVersion, releaseLine } from '@locktender/releases'
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, YAMLMap } from 'yaml'
import { OverrideFileError } from './finding.ts'
import type { Finding } from './finding.ts'
import { overridePlatforms } from './platforms.ts'
import type { OverridePlatformKey } from './platforms.ts'
import { ticketsByLine } from './tickets.ts'

/** One row that takes effect: the image of the control-plane-operator for one platform and exact version. */
export interface OverrideRow {
  readonly platform: OverridePlatformKey
  readonly version: string
  readonly image: string
  /** 1-based line of the version. */
  readonly line: number
  /** From the section comments around the row. */
  readonly ticket?: string
}

export interface OverrideFile {
  /** Rows that take effect, in file order: of rows for the same version only the last, as HyperShift's loader has it. */
  readonly rows: readonly OverrideRow[]
  /** In line order. */
  readonly findings: readonly Finding[]
}

/**
 * Reads HyperShift's control-plane-operator override file as its loader does (unknown keys ignored, the last of
 * duplicate rows wins, an empty image is no override) and reports what that loader keeps silent about.
 *
 * @throws {@link OverrideFileError} when the text is not YAML or not of the file's shape.
 */
export function parseOverrideFile(text: string): OverrideFile {
  return new Parser(text).parse()
}

class Parser {
  readonly #lineCounter = new LineCounter()
  readonly #text: string
  readonly #lines: readonly string[]
  readonly #tickets: readonly (string | undefined)[]
  readonly #findings: Finding[] = []

  constructor(text: string) {
    this.#text = text
    this.#lines = text.split(/\r?\n/)
    this.#tickets = ticketsByLine(this.#lines)
  }

  parse(): OverrideFile {
    const document = parseDocument(this.#text, { lineCounter: this.#lineCounter, uniqueKeys: false })
    const error = document.errors[0]
    if (error !== undefined) {
      const line = this.#lineCounter.linePos(error.pos[0]).line
      const what = error.message.split(' at line ')[0]!
      throw new OverrideFileError(line, `not valid YAML: ${what}`, 'correct the syntax')
    }
    const rows: OverrideRow[] = []
    const root = this.#map(document.contents, 'the file', 'with the key "platforms"')
    this.#unknownKeys(root, ['platforms'], 'the file')
    const platforms = this.#child(root, 'platforms')
    if (platforms === undefined) {
      throw new OverrideFileError(
        1,
        'the key "platforms" is missing',
        'give a file in the format of HyperShift overrides',
      )
    }
    const platformMap = this.#map(platforms, '"platforms"', 'of platform to overrides')
    const keys = overridePlatforms.map((platform) => platform.key)
    this.#unknownKeys(platformMap, keys, '"platforms"')
    for (const { key } of overridePlatforms) {
      const platform = this.#child(platformMap, key)
      if (platform !== undefined) rows.push(...this.#platform(key, platform))
    }
    for (const [index, line] of this.#lines.entries()) {
      if (/\S[ \t]+$/.test(line)) {
        this.#report('trailing-blank', 'warning', index + 1, 'the line ends in blanks', [
          'they become part of the value as soon as it is quoted or matched by a script',
          'delete them',
        ])
      }
    }
    this.#findings.sort((left, right) => left.line - right.line)
    rows.sort((left, right) => left.line - right.line)
    return { rows, findings: this.#findings }
  }

  #platform(platform: OverridePlatformKey, node: Node): OverrideRow[] {
    const map = this.#map(node, `platform "${platform}"`, 'with the keys "overrides" and "testing"')
    this.#unknownKeys(map, ['overrides', 'testing'], `platform "${platform}"`)
    const testing = this.#child(map, 'testing')
    if (isMap(testing)) this.#unknownKeys(testing, ['latest', 'previous', 'runTests'], `"testing" of ${platform}`)
    const overrides = this.#child(map, 'overrides')
    if (overrides === undefined) return []
    if (!isSeq(overrides)) {
      throw new OverrideFileError(
        this.#line(overrides),
        '"overrides" is not a list',
        'list rows of version and cpoImage',
      )
    }
    const effective = new Map<string, OverrideRow | { readonly line: number }>()
    for (const item of overrides.items) this.#row(platform, item as Node | null, effective)
    const rows = [...effective.values()].filter((row): row is OverrideRow => 'image' in row)
    this.#gaps(platform, rows)
    return rows
  }

  #row(
    platform: OverridePlatformKey,
    item: Node | null,
    effective: Map<string, OverrideRow | { readonly line: number }>,
  ): void {
    const map = this.#map(item, `a row of "${platform}"`, 'of version and cpoImage')
    this.#unknownKeys(map, ['version', 'cpoImage'], `a row of "${platform}"`)
    const versionNode = this.#child(map, 'version')
    const version = scalarText(versionNode)
    const line = this.#line(versionNode ?? map)
    if (version === undefined || !isExactVersion(version)) {
      const given = version === undefined ? 'the row has no version' : `"${version}" is not an exact version`
      this.#report('bad-version', 'error', line, given, [
        'rows are looked up by exact version, so this one never matches',
        'write the full version, for example 4.20.6',
      ])
      return
    }
    const earlier = effective.get(version)
    if (earlier !== undefined) {
      this.#report('duplicate-row', 'error', line, `${platform} ${version} already has a row at line ${earlier.line}`, [
        'the last row silently wins',
        'keep one of the two',
      ])
      effective.delete(version)
    }
    const imageNode = this.#child(map, 'cpoImage')
    const image = scalarText(imageNode)?.trim() ?? ''
    const imageLine = this.#line(imageNode ?? map)
    if (!this.#checkImage(image, imageLine)) {
      effective.set(version, { line })
      return
    }
    const ticket = this.#tickets[line - 1]
    if (ticket === undefined) this.#reportNoTicket(platform, version, line)
    effective.set(version, { platform, version, image, line, ...(ticket === undefined ? {} : { ticket }) })
  }

  /** False when the row overrides nothing. */
  #checkImage(image: string, line: number): boolean {
    if (image === '') {
      this.#report('bad-image', 'error', line, 'the row has no image', [
        'the release keeps the image of its payload',
        'give cpoImage or delete the row',
      ])
      return false
    }
    let digest: boolean
    try {
      digest = parseImageReference(image).digest !== undefined
    } catch {
      this.#report('bad-image', 'error', line, `"${image}" is not an image reference`, [
        'no control plane could pull it',
        'write it like registry/repository@sha256:<64 hex digits>',
      ])
      return false
    }
    if (!digest) {
      this.#report('mutable-tag', 'warning', line, `the image ${image} is named by a tag`, [
        'a tag can be moved, so two control planes with this row may run different code, and a ComponentFix with it is refused',
        'replace the tag with the digest it stands for, as registry/repository@sha256:…',
      ])
    }
    return true
  }

  /** One finding for a whole block of rows without a ticket, not one per row. */
  #reportNoTicket(platform: OverridePlatformKey, version: string, line: number): void {
    const release = releaseLine(parseVersion(version))
    const what = `rows of ${platform} ${release} are in no section that names a ticket`
    if (this.#findings.some((finding) => finding.kind === 'no-ticket' && finding.what === what)) return
    this.#report('no-ticket', 'info', line, what, [
      'nobody can tell from the file why they exist',
      'put them between "# Beginning of KEY-1 overrides" and "# End of KEY-1 overrides"',
    ])
  }

  #gaps(platform: OverridePlatformKey, rows: readonly OverrideRow[]): void {
    const released = rows
      .map((row) => ({ row, version: parseVersion(row.version) }))
      .filter(({ version }) => version.prerelease === undefined)
      .sort((left, right) => compareVersions(left.version, right.version))
    for (const [index, { row, version }] of released.entries()) {
      const before = released[index - 1]?.version
      if (before === undefined || releaseLine(before) !== releaseLine(version)) continue
      const missing = version.patch - before.patch - 1
      if (missing <= 0) continue
      const first = `${releaseLine(version)}.${before.patch + 1}`
      const last = `${releaseLine(version)}.${version.patch - 1}`
      const span = missing === 1 ? first : `${first} to ${last}`
      this.#report('gap', 'warning', row.line, `${platform} ${span} ${missing === 1 ? 'has' : 'have'} no row`, [
        'a control plane that upgrades through the gap loses the override',
        'confirm that those releases contain the fix or add their rows',
      ])
    }
  }

  #unknownKeys(map: YAMLMap, known: readonly string[], where: string): void {
    const seen = new Set<string>()
    for (const pair of map.items) {
      const key = scalarText(pair.key as Node | null) ?? ''
      const line = this.#line(pair.key as Node | null)
      if (!known.includes(key)) {
        this.#report('unknown-key', 'error', line, `unknown key "${key}" in ${where}`, [
          'HyperShift ignores it silently',
          `use one of ${known.join(', ')}, or delete it`,
        ])
      } else if (seen.has(key)) {
        this.#report('duplicate-key', 'error', line, `the key "${key}" appears twice in ${where}`, [
          'only the last one counts',
          'merge the two',
        ])
      }
      seen.add(key)
    }
  }

  /** The value of the last pair with this key; a null value counts as absent. */
  #child(map: YAMLMap, key: string): Node | undefined {
    const pair = map.items.findLast((item) => scalarText(item.key as Node | null) === key)
    const value = pair?.value as Node | null | undefined
    if (value === null || value === undefined || (isScalar(value) && value.value === null)) return undefined
    return value
  }

  #map(node: Node | null | undefined, what: string, expected: string): YAMLMap {
    if (isMap(node)) return node
    throw new OverrideFileError(this.#line(node), `${what} is not a map`, `write a map ${expected}`)
  }

  #line(node: Node | null | undefined): number {
    return node?.range ? this.#lineCounter.linePos(node.range[0]).line : 1
  }

  #report(
    kind: Finding['kind'],
    severity: Finding['severity'],
    line: number,
    what: string,
    [why, todo]: readonly [string, string],
  ): void {
    this.#findings.push({ kind, severity, line, what, why, todo })
  }
}

/** The text of a scalar as written, so that 4.20 stays "4.20" and does not become the number 4.2. */
function scalarText(node: Node | null | undefined): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined
  return typeof node.value === 'string' ? node.value : node.source
}

function isExactVersion(text: string): boolean {
  try {
    return formatVersion(parseVersion(text)) === text
  } catch {
    return false
  }
}
