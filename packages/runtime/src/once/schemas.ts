import type { KubeObject, StructuralSchema } from '@locktender/kube'
import type { InputDirectory } from './input-directory.ts'

interface DefinitionVersion {
  readonly name: string
  readonly schema?: { readonly openAPIV3Schema?: StructuralSchema }
  readonly subresources?: { readonly status?: object }
}

interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: readonly DefinitionVersion[]
  }
}

/** What is known of how objects of a resource are written. */
export interface WriteRules {
  /** How lists merge when they are applied. */
  readonly schema: StructuralSchema
  /** Whether `status` is written by requests of its own only. */
  readonly hasStatus: boolean
}

const ANYTHING: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true }

/**
 * Stands in where no definition is at hand. Nearly every kind has a list of conditions, with one condition of each type;
 * other lists are taken as one value.
 */
const CONVENTIONS: WriteRules = {
  schema: {
    type: 'object',
    ...ANYTHING,
    properties: {
      status: {
        type: 'object',
        ...ANYTHING,
        properties: {
          conditions: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['type'],
            items: {
              type: 'object',
              ...ANYTHING,
              required: ['type'],
              properties: { type: { type: 'string' } },
            },
          },
        },
      },
    },
  },
  hasStatus: true,
}

/** Rules of the kinds that are defined in an input directory; conventions for all others. */
export class WriteRulesOf {
  readonly #input: InputDirectory
  #known: Map<string, WriteRules> | undefined

  constructor(input: InputDirectory) {
    this.#input = input
  }

  find(group: string, version: string, plural: string): WriteRules {
    this.#known ??= this.#read()
    return this.#known.get(`${group}/${version}/${plural}`) ?? CONVENTIONS
  }

  #read(): Map<string, WriteRules> {
    const rules = new Map<string, WriteRules>()
    const place = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' }
    const { listed, single } = this.#input.objects(place)
    for (const { spec } of [...(listed ?? []), ...single] as Definition[]) {
      for (const { name, schema, subresources } of spec.versions) {
        rules.set(`${spec.group}/${name}/${spec.names.plural}`, {
          schema: schema?.openAPIV3Schema ?? CONVENTIONS.schema,
          hasStatus: subresources?.status !== undefined,
        })
      }
    }
    return rules
  }
}
