import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { stringListMap } from '../json.ts'
import { transformation } from '../prices.ts'
import { celBool, celString, listOf, mapOf, opaqueType } from '../types.ts'
import { CelOpaque } from '../values.ts'
import { escapedPath, hostname, parseUrl, port, queryParameters } from './url-syntax.ts'
import type { ParsedUrl } from './url-syntax.ts'

const urlType = opaqueType('kubernetes.URL')

class Url extends CelOpaque {
  readonly type = urlType
  readonly url: ParsedUrl

  constructor(url: ParsedUrl) {
    super()
    this.url = url
  }

  equals(other: CelOpaque): boolean {
    return other instanceof Url && other.url.text === this.url.text
  }
}

function toUrl(text: string): Url {
  // A fragment is not allowed to break what is checked, but it belongs to neither path nor query.
  const checked = parseUrl(text, false)
  const result = checked.ok ? parseUrl(text, true) : checked
  if (!result.ok) throw new CelEvaluationError(`URL parse error during conversion from string: ${result.reason}`)
  return new Url(result.url)
}

const part = (name: string, id: string, read: (url: ParsedUrl) => string): FunctionDeclaration =>
  define(
    name,
    member(id, [urlType], celString, ({ url }: Url) => read(url)),
  )

export const urlFunctions: readonly FunctionDeclaration[] = [
  define('url', overload('string_to_url', [celString], urlType, toUrl, transformation)),
  define(
    'isURL',
    overload('is_url_string', [celString], celBool, (text: string) => parseUrl(text, false).ok),
  ),
  part('getScheme', 'url_get_scheme', ({ scheme }) => scheme),
  part('getHost', 'url_get_host', ({ host }) => host),
  part('getHostname', 'url_get_hostname', hostname),
  part('getPort', 'url_get_port', port),
  part('getEscapedPath', 'url_get_escaped_path', escapedPath),
  define(
    'getQuery',
    member('url_get_query', [urlType], mapOf(celString, listOf(celString)), ({ url }: Url) =>
      stringListMap(queryParameters(url)),
    ),
  ),
]
