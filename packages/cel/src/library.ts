import type { FunctionDeclaration, Overload } from './functions.ts'
import { authorizerFunctions } from './library/authorizer.ts'
import { conversionFunctions } from './library/conversions.ts'
import { kubernetesFormat, standardFormat } from './library/format.ts'
import { formatFunctions } from './library/formats.ts'
import { ipFunctions } from './library/ips.ts'
import { listFunctions } from './library/lists.ts'
import { operatorFunctions } from './library/operators.ts'
import { optionalFunctions } from './library/optionals.ts'
import { quantityFunctions } from './library/quantities.ts'
import { regexFunctions } from './library/regex.ts'
import { semverFunctions } from './library/semvers.ts'
import { setFunctions } from './library/sets.ts'
import { standardFunctions } from './library/standard.ts'
import { stringFunctions } from './library/strings.ts'
import { urlFunctions } from './library/urls.ts'

/** Functions with all their overloads, by name. */
export type Library = ReadonlyMap<string, readonly Overload[]>

const FUNCTIONS: readonly FunctionDeclaration[] = [
  ...operatorFunctions,
  ...conversionFunctions,
  ...standardFunctions,
  ...optionalFunctions,
  ...stringFunctions,
  ...listFunctions,
  ...setFunctions,
  ...regexFunctions,
  ...urlFunctions,
  ...ipFunctions,
  ...quantityFunctions,
  ...semverFunctions,
  ...formatFunctions,
  ...authorizerFunctions,
]

/** Several files may add overloads to a function: strings and lists both have indexOf. */
function library(functions: readonly FunctionDeclaration[]): Library {
  const byName = new Map<string, Overload[]>()
  for (const { name, overloads } of functions) byName.set(name, [...(byName.get(name) ?? []), ...overloads])
  return byName
}

export const kubernetesLibrary: Library = library([...FUNCTIONS, kubernetesFormat])
export const standardLibrary: Library = library([...FUNCTIONS, standardFormat])
