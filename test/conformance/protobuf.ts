/** A field of a protobuf message, encoded. */
export type Field = Uint8Array

export const protobufType = 'application/vnd.kubernetes.protobuf'

export function text(number: number, value: string): Field {
  return lengthPrefixed(number, Buffer.from(value))
}

export function message(number: number, ...fields: readonly Field[]): Field {
  return lengthPrefixed(number, Buffer.concat(fields))
}

/** A whole number from 0 on. */
export function whole(number: number, value: number): Field {
  return Buffer.concat([varint(number * 8), varint(value)])
}

export function flag(number: number, value: boolean): Field {
  return whole(number, value ? 1 : 0)
}

/** A map with texts as keys and values. */
export function textMap(number: number, entries: Readonly<Record<string, string>>): Field {
  return Buffer.concat(Object.entries(entries).map(([key, value]) => message(number, text(1, key), text(2, value))))
}

/** An object in the envelope of Kubernetes; `fields` are those of the kind's message. */
export function envelope(apiVersion: string, kind: string, ...fields: readonly Field[]): Uint8Array {
  const unknown = [
    message(1, text(1, apiVersion), text(2, kind)),
    message(2, ...fields),
    // Clients of Go write fields that have no pointer even when they are empty.
    text(3, ''),
    text(4, ''),
  ]
  return Buffer.concat([Buffer.from('k8s\0'), ...unknown])
}

/** ObjectMeta as field 1, with the empty fields that clients of Go write. */
export function metadata(name: string, labels: Readonly<Record<string, string>> = {}): Field {
  return message(
    1,
    text(1, name),
    ...[2, 3, 4, 5, 6].map((number) => text(number, '')),
    whole(7, 0),
    message(8),
    textMap(11, labels),
  )
}

function lengthPrefixed(number: number, bytes: Uint8Array): Field {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.from([...bytes, rest])
}
