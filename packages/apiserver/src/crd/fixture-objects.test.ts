import { clone } from '@locktender/kube'
import type { JsonObject, StructuralSchema } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from '../testing/test-cluster.ts'
import type { CustomResourceDefinition, DefinitionVersion } from './definition.ts'
import { baseObject, collectionPath, merge } from './fixture-base-objects.ts'
import { fixtureDefinitions, haveFixtures, unfinishedDefinitions, withoutRules } from './fixture-definitions.ts'
import { mutationsOf, partsOf, pathOf, valueAt } from './sample-mutations.ts'
import type { SchemaPart } from './sample-mutations.ts'
import { NoSample, sampleValue } from './sample-values.ts'

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** What became of the generated objects of one version. */
class Tally {
  readonly accepted: string[] = []
  /** Samples that only the rules between fields refuse, which the generator does not read. */
  readonly refusedByRules: string[] = []
  readonly wrong: string[] = []
  readonly skipped = new Map<string, number>()
  mutations = 0

  skip(rule: string, times = 1): void {
    this.skipped.set(rule, (this.skipped.get(rule) ?? 0) + times)
  }

  add(other: Tally): void {
    this.accepted.push(...other.accepted)
    this.refusedByRules.push(...other.refusedByRules)
    this.mutations += other.mutations
    for (const [rule, times] of other.skipped) this.skip(rule, times)
  }

  toString(): string {
    const skipped = [...this.skipped].map(([rule, count]) => `${rule} ${count}`).join(', ')
    return (
      `${this.accepted.length} samples accepted, ${this.refusedByRules.length} refused by rules alone, ` +
      `${this.mutations} mutations refused, skipped: ${skipped === '' ? 'none' : skipped}`
    )
  }
}

class Subject {
  readonly #cluster: TestCluster
  readonly #definition: CustomResourceDefinition
  readonly #version: DefinitionVersion
  readonly #tally: Tally
  readonly #stored: JsonObject
  readonly #messages: readonly string[]

  private constructor(
    cluster: TestCluster,
    definition: CustomResourceDefinition,
    version: DefinitionVersion,
    stored: JsonObject,
    tally: Tally,
  ) {
    this.#cluster = cluster
    this.#definition = definition
    this.#version = version
    this.#stored = stored
    this.#tally = tally
    this.#messages = messagesOf(this.schema)
  }

  static async open(definition: CustomResourceDefinition, version: DefinitionVersion, tally: Tally): Promise<Subject> {
    const cluster = await openTestCluster()
    const installed = await cluster.send('POST', CRD, { body: definition })
    if (installed.code !== 201) throw new Error(statusOf(installed).message)
    const body = baseObject(definition, version)
    const path = collectionPath(definition, version)
    const created = await cluster.send('POST', path, { body })
    if (created.code !== 201) throw new Error(statusOf(created).message)
    return new Subject(cluster, definition, version, created.json<JsonObject>(), tally)
  }

  get schema(): StructuralSchema {
    return this.#version.schema!.openAPIV3Schema!
  }

  /** Sends an object without storing it: its status, where that has an endpoint of its own, otherwise the whole. */
  #try(object: JsonObject, part: SchemaPart): Promise<RawAnswer> {
    const path = collectionPath(this.#definition, this.#version)
    const [first] = part.steps
    const inStatus = typeof first === 'object' && first.property === 'status'
    const query = '?dryRun=All&fieldValidation=Strict'
    if (inStatus && this.#version.subresources?.status !== undefined) {
      const body = { ...this.#stored, status: object['status'] ?? {} }
      return this.#cluster.send('PUT', `${path}/cluster/status${query}`, { body })
    }
    const body = { ...object, metadata: { ...(object['metadata'] as JsonObject), name: 'other' } }
    const onlyOne = (this.schema['x-kubernetes-validations'] ?? []).some(({ rule }) => rule.includes('metadata.name'))
    if (!onlyOne) return this.#cluster.send('POST', `${path}${query}`, { body })
    // There can be one object only, which has to make room for each.
    return this.#cluster.send('PUT', `${path}/cluster${query}`, {
      body: { ...object, metadata: this.#stored['metadata']! },
    })
  }

  async checkPart(part: SchemaPart): Promise<void> {
    const seed = part.steps.length
    let sample: JsonObject
    try {
      sample = merge(sampleValue(this.schema, 0, part.steps), baseObject(this.#definition, this.#version)) as JsonObject
    } catch (error) {
      if (!(error instanceof NoSample)) throw error
      this.#tally.skip('sample')
      return
    }
    await this.#checkSample(sample, part)
    for (const mutation of mutationsOf(part, sample, seed, (rule) => this.#tally.skip(rule))) {
      const answer = await this.#try(mutation.object, part)
      const causes = answer.code === 422 ? (statusOf(answer).details?.causes ?? []) : []
      const found = causes.some(({ field, reason }) => field === mutation.field && reason === mutation.reason)
      if (found) this.#tally.mutations++
      else {
        const said = answer.text.slice(0, 600)
        this.#tally.wrong.push(`${mutation.rule} of ${mutation.field}: ${answer.code} ${said}`)
      }
    }
    await this.#checkUnknownField(sample, part)
  }

  async #checkSample(sample: JsonObject, part: SchemaPart): Promise<void> {
    const answer = await this.#try(sample, part)
    const path = pathOf(part.steps)
    if (answer.code < 300) this.#tally.accepted.push(path)
    else if (this.#isFromRules(answer)) this.#tally.refusedByRules.push(path)
    else this.#tally.wrong.push(`sample with ${path}: ${answer.code} ${answer.text.slice(0, 600)}`)
  }

  /** Whether all that is wrong with an object are rules written in its schema. */
  #isFromRules(answer: RawAnswer): boolean {
    if (answer.code !== 422) return false
    const causes = statusOf(answer).details?.causes ?? []
    return causes.every(({ message = '' }) => this.#messages.some((text) => message.endsWith(text)))
  }

  async #checkUnknownField(sample: JsonObject, part: SchemaPart): Promise<void> {
    const { schema, steps } = part
    if (schema.properties === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true) return
    const object = clone(sample)
    const target = valueAt(object, steps) as JsonObject
    target['surelyUnknown'] = 1
    const answer = await this.#try(object, part)
    const path = [pathOf(steps), 'surelyUnknown'].filter((text) => text !== '').join('.')
    const refused = answer.code === 400 && statusOf(answer).message?.includes(`unknown field "${path}"`) === true
    if (refused) this.#tally.mutations++
    else this.#tally.wrong.push(`unknown field in ${path}: ${answer.code} ${answer.text.slice(0, 300)}`)
  }
}

/** What the rules of a schema say when they are broken. */
function messagesOf(schema: StructuralSchema): string[] {
  return partsOf(schema).flatMap((part) =>
    (part.schema['x-kubernetes-validations'] ?? []).map(({ rule, message }) => (message ?? rule).trim()),
  )
}

describe.skipIf(!haveFixtures)('objects made from definitions of real products', () => {
  const definitions = fixtureDefinitions().map(({ file, definition }) => ({
    file,
    definition: unfinishedDefinitions.has(file) ? withoutRules(definition) : definition,
  }))
  const versions = definitions.flatMap(({ file, definition }) =>
    definition.spec.versions.filter(({ served }) => served).map((version) => [file, version.name, definition] as const),
  )
  const totals = new Tally()

  test.each(versions)('%s %s', async (_file, versionName, definition) => {
    const version = definition.spec.versions.find(({ name }) => name === versionName)!
    const tally = new Tally()
    const subject = await Subject.open(definition, version, tally)
    for (const part of partsOf(subject.schema)) await subject.checkPart(part)
    expect(tally.wrong.slice(0, 10)).toEqual([])
    expect(tally.mutations).toBeGreaterThan(0)
    totals.add(tally)
  })

  test('cover nearly every rule of every schema', async ({ annotate }) => {
    // How much could not be made is part of the result.
    await annotate(totals.toString())
    const skipped = [...totals.skipped.values()].reduce((sum, times) => sum + times, 0)
    expect(skipped).toBeLessThan(totals.mutations * 0.01)
  })
})
