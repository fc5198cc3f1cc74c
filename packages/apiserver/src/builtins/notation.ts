/**
 * The notation of the files in `data/`, which state what the messages of one API version look like.
 *
 * ```
 * enum Protocol SCTP | TCP | UDP              the words a field may hold, `""` for none
 *
 * Container                                   a message; `kind` after the name: it stands on its own, with apiVersion
 *   1 name string always required             and kind beside its fields; `atomic`: it merges as one value
 *   6 ports []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort)
 *   2 VolumeSource inline                     its fields stand among those of this message, except in protobuf
 * ```
 *
 * A field has its protobuf number, JSON name and type, as in Go: `*T` may be absent as opposed to empty, `[]T` is a list,
 * `map T` has strings for keys, `items T` is a list that protobuf wraps into a message of its own. Names of messages of
 * other files carry the file: `core/v1.PodSpec`. Then come, in any order:
 *
 * - `always`: written even when empty; other fields that are no pointers are left out then;
 * - `required`: clients must state it;
 * - `list=`, `map=`: how server-side apply merges it (`x-kubernetes-list-type`, `x-kubernetes-map-type`);
 * - `patch=`: how a strategic merge patch merges it, with the merge key;
 * - `default=`: JSON, to the end of the line.
 */
export interface Declaration {
  readonly messages: ReadonlyMap<string, MessageDeclaration>
  readonly enums: ReadonlyMap<string, readonly string[]>
}

export interface MessageDeclaration {
  readonly kind: boolean
  readonly atomic: boolean
  readonly lines: readonly string[]
}

export interface FieldDeclaration {
  readonly number: number
  /** Empty when the fields of the type stand in for this one. */
  readonly name: string
  readonly pointer: boolean
  readonly shape: 'single' | 'list' | 'map'
  /** Whether a list, or each list in a map, is wrapped into a message of its own in protobuf. */
  readonly wrapped: boolean
  readonly type: string
  readonly always: boolean
  readonly required: boolean
  readonly listType: 'atomic' | 'set' | 'map' | undefined
  readonly listKeys: readonly string[]
  readonly mapType: 'atomic' | 'granular' | undefined
  readonly patch: readonly string[]
  readonly mergeKey: string | undefined
  readonly default: unknown
}

/** Splits a file into its messages; their fields are read by {@link parseField} when they are needed. */
export function parseDeclarations(text: string): Declaration {
  const messages = new Map<string, MessageDeclaration>()
  const enums = new Map<string, readonly string[]>()
  let lines: string[] = []
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('  ')) {
      lines.push(line)
    } else if (line.startsWith('enum ')) {
      const [, name = '', values = ''] = /^enum (\S+) (.*)$/.exec(line) ?? []
      enums.set(
        name,
        values.split(' | ').map((value) => (value === '""' ? '' : value)),
      )
    } else {
      const [name, ...marks] = line.split(' ')
      lines = []
      messages.set(name!, { kind: marks.includes('kind'), atomic: marks.includes('atomic'), lines })
    }
  }
  return { messages, enums }
}

const FIELD =
  /^ {2}(\d+) (\S+) (?:inline|(\*?)((?:map )?)((?:\[\]|items )?)([\w./]+)((?: [a-z]+)*)((?: (?:list|map|patch)=\S+)*)(?: default=(.*))?)$/

export function parseField(line: string): FieldDeclaration {
  const match = FIELD.exec(line)
  if (match === null) throw new Error(`not a field: ${line}`)
  const [, number, name, star, map, list, type, marks = '', settings = '', fallback] = match
  const inline = type === undefined
  const setting = (key: string): [string, string[]] | undefined => {
    const found = new RegExp(` ${key}=([a-zA-Z,]+)(?:\\(([^)]*)\\))?`).exec(settings)
    return found === null ? undefined : [found[1]!, found[2]?.split(',') ?? []]
  }
  const listed = setting('list')
  const patch = setting('patch')
  return {
    number: Number(number),
    name: inline ? '' : name!,
    pointer: star === '*',
    shape: map !== undefined && map !== '' ? 'map' : list !== undefined && list !== '' ? 'list' : 'single',
    wrapped: list === 'items ',
    type: inline ? name! : type,
    always: marks.includes(' always'),
    required: marks.includes(' required'),
    listType: listed?.[0] as FieldDeclaration['listType'],
    listKeys: listed?.[1] ?? [],
    mapType: setting('map')?.[0] as FieldDeclaration['mapType'],
    patch: patch?.[0].split(',') ?? [],
    mergeKey: patch?.[1][0],
    default: fallback === undefined ? undefined : JSON.parse(fallback),
  }
}
