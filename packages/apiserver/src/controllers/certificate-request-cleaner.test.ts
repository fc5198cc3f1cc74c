import { VirtualClock } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CertificateRequestCleaner } from './certificate-request-cleaner.ts'
import { parseKey } from './object-writer.ts'
import type { ObjectWriter } from './object-writer.ts'

const HOUR = 60 * 60 * 1000

let clock: VirtualClock
let deleted: string[]
let cleaner: CertificateRequestCleaner

beforeEach(() => {
  clock = new VirtualClock()
  deleted = []
  const writer: Pick<ObjectWriter, 'delete'> = {
    delete: (ref, { uid }) => {
      deleted.push(`${ref.name} ${uid}`)
      observe(ref.name, undefined)
      return Promise.resolve()
    },
  }
  cleaner = new CertificateRequestCleaner({ clock, writer: writer as ObjectWriter })
})

afterEach(() => cleaner.stop())

function observe(name: string, status: object | undefined): void {
  const key = `/c/certificates.k8s.io/certificatesigningrequests//${name}`
  const creationTimestamp = new Date(clock.now()).toISOString()
  const object = { metadata: { name, uid: `u-${name}`, creationTimestamp }, spec: {}, status }
  cleaner.observe(key, parseKey(key)!, status === undefined ? undefined : (object as unknown as KubeObject))
}

function condition(type: string): object {
  return { conditions: [{ type, status: 'True', lastUpdateTime: new Date(clock.now()).toISOString() }] }
}

test('what is decided goes after an hour, at the next look, what nobody minds after a day', async () => {
  await clock.advance(HOUR / 2)
  observe('pending', {})
  observe('denied', condition('Denied'))
  observe('failed', condition('Failed'))
  observe('issued', { ...condition('Approved'), certificate: 'bm9uZQ==' })
  observe('unissued', condition('Approved'))
  // A look each hour, from the first request on: after one hour nothing is older than an hour.
  await clock.advance(HOUR)
  expect(deleted).toEqual([])
  await clock.advance(HOUR)
  expect(deleted).toEqual(['denied u-denied', 'failed u-failed', 'issued u-issued'])
  await clock.advance(22 * HOUR)
  expect(deleted).toHaveLength(3)
  await clock.advance(HOUR)
  expect(deleted.slice(3)).toEqual(['pending u-pending'])
  await clock.advance(100 * HOUR)
  expect(deleted).toHaveLength(4)
})

test('what has changed meanwhile counts anew, and what is gone is left alone', async () => {
  observe('again', condition('Denied'))
  observe('gone', condition('Denied'))
  await clock.advance(HOUR * 1.5)
  observe('again', condition('Failed'))
  observe('gone', undefined)
  await clock.advance(HOUR * 0.6)
  expect(deleted).toEqual([])
  await clock.advance(HOUR)
  expect(deleted).toEqual(['again u-again'])
})
