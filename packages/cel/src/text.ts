/** Strings are counted in characters (code points), while JavaScript counts UTF-16 units. */

const PAIR = /[\ud800-\udbff][\udc00-\udfff]/

/** Characters in a string. */
export function characterCount(text: string): number {
  if (!PAIR.test(text)) return text.length
  let count = 0
  for (let index = 0; index < text.length; count++) index += text.codePointAt(index)! > 0xffff ? 2 : 1
  return count
}

/** A string as something to index by character. Plain strings are their own index. */
export function characters(text: string): { readonly length: number; slice(from: number, to?: number): string } {
  if (!PAIR.test(text)) return text
  const list = Array.from(text)
  return { length: list.length, slice: (from, to) => list.slice(from, to).join('') }
}

/** The character at which a UTF-16 offset lies. */
export function characterIndex(text: string, offset: number): number {
  return characterCount(text.slice(0, offset))
}

/** The UTF-16 offset of a character. */
export function offsetOf(text: string, character: number): number {
  if (!PAIR.test(text)) return character
  let offset = 0
  for (let index = 0; index < character && offset < text.length; index++) {
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1
  }
  return offset
}
