import { errorText } from '@locktender/kube'
import { RE2JS } from 're2js'

/** Accepted strings remembered per pattern: statuses repeat the same few values over and over. */
const rememberedLimit = 512
/** Longer strings are matched afresh rather than kept in memory. */
const rememberedLength = 256

/**
 * The matcher of a pattern in RE2 syntax, as Kubernetes reads patterns: anywhere in the text, in linear time
 * whatever the pattern. Throws when the pattern is not valid RE2.
 */
export function patternMatcher(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern)
  const accepted = new Set<string>()
  return (text) => {
    if (accepted.has(text)) return true
    if (!compiled.test(text)) return false
    if (text.length <= rememberedLength) {
      if (accepted.size >= rememberedLimit) accepted.clear()
      accepted.add(text)
    }
    return true
  }
}

/** Why `pattern` is not valid RE2; undefined when it is. */
export function patternError(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}
