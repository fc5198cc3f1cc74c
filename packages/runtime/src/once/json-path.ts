import { jsonpath } from 'json-p3'
import { errorText, type Json } from '@locktender/kube'

/** Why `path` is no JSONPath; undefined when it is one. */
export function jsonPathProblem(path: string): string | undefined {
  try {
    jsonpath.compile(path)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

/**
 * The texts at a JSONPath (RFC 9535); lists of texts count as their members. None when there is nothing.
 * @throws TypeError when there is something else
 */
export function textsAt(path: string, value: Json): string[] {
  return jsonpath
    .query(path, value)
    .values()
    .flatMap((found) => {
      const texts = Array.isArray(found) ? found : [found]
      if (texts.every((text) => typeof text === 'string')) return texts
      throw new TypeError(`there is no name at ${path}, but ${JSON.stringify(found)}`)
    })
}
