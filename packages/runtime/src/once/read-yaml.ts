import { load } from 'js-yaml'

/**
 * The value of a YAML 1.2 or JSON text with one document; null when there is nothing in it. The library is the one that
 * is quickest to load: a program of an operator lives for a tenth of a second.
 *
 * @throws Error with the place of what is wrong in the text
 */
export function readYaml(text: string): unknown {
  if (text.trim() === '') return null
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      // YAML may begin like this, too.
    }
  }
  return load(text) ?? null
}
