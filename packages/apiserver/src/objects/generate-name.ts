import type { Random } from '@locktender/kube'

/** Letters and digits that make no words, as in apimachinery util/rand. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX_LENGTH = 5
const MAX_NAME_LENGTH = 63

/** `prefix`, cut so that the result has at most 63 characters, and five random ones. */
export function randomSuffix(prefix: string, random: Random): string {
  let name = prefix.slice(0, MAX_NAME_LENGTH - SUFFIX_LENGTH)
  for (let index = 0; index < SUFFIX_LENGTH; index++) name += ALPHABET[Math.floor(random.next() * ALPHABET.length)]
  return name
}
