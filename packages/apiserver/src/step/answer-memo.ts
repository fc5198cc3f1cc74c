import type { RangeOptions } from '../store/store-state.ts'
import { creationsOf, rangeHash, valueAt, writesBefore } from './server-state.ts'
import type { Change, ServerState } from './server-state.ts'

/** What a request wanted to know on its way to an answer. */
export type Question =
  | { readonly about: 'object'; readonly key: string }
  | { readonly about: 'range'; readonly prefix: string; readonly options: RangeOptions }
  /** The time in whole seconds, as objects carry it. */
  | { readonly about: 'time' }
  /** What makes uids and generated names differ from those before. */
  | { readonly about: 'creations'; readonly shelf: string; readonly generated: boolean }
  /** All that the server itself works by. */
  | { readonly about: 'configuration' }

/** An answer and what it did to the state. */
export interface Effect {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly changes: readonly Change[]
}

interface Fork {
  readonly question: Question
  readonly ways: Map<number, Fork | Effect>
}

/**
 * Answers of requests by what they depend on. A server finds its answer by asking the state one thing after the other;
 * what it asks next depends only on the request and on the answers so far. So each request has a tree of questions,
 * and a state in which they have the same answers as before gives the same result, whatever else is different in it.
 */
export class AnswerMemo {
  readonly #roots = new Map<string, Fork | Effect>()

  /** What a request to `state` led to before; undefined when that is not known. */
  find(request: string, state: ServerState, nowMs: number): Effect | undefined {
    let place = this.#roots.get(request)
    while (place !== undefined && 'question' in place) place = place.ways.get(ask(place.question, state, nowMs))
    return place
  }

  /** Remembers what a request to `state` led to, by the questions it asked in this order. */
  remember(request: string, state: ServerState, nowMs: number, questions: readonly Question[], effect: Effect): void {
    const [first] = questions
    if (first === undefined) {
      this.#roots.set(request, effect)
      return
    }
    let fork = this.#roots.get(request) as Fork | undefined
    if (fork === undefined) this.#roots.set(request, (fork = { question: first, ways: new Map() }))
    for (let index = 1; index < questions.length; index++) {
      const way = ask(fork.question, state, nowMs)
      let next = fork.ways.get(way) as Fork | undefined
      if (next === undefined) fork.ways.set(way, (next = { question: questions[index]!, ways: new Map() }))
      fork = next
    }
    fork.ways.set(ask(fork.question, state, nowMs), effect)
  }
}

/** The answer as a number: the same for the same answer. */
function ask(question: Question, state: ServerState, nowMs: number): number {
  switch (question.about) {
    case 'object':
      return valueAt(state, question.key)?.hash ?? -1 - writesBefore(state, question.key)
    case 'range':
      return rangeHash(state, question.prefix, question.options)
    case 'time':
      return Math.floor(nowMs / 1000)
    case 'creations':
      return creationNumber(state, question.shelf, question.generated)
    case 'configuration':
      return state.configuration
  }
}

/** Differs from that of every earlier creation which has the same request. */
export function creationNumber(state: ServerState, shelf: string, generated: boolean): number {
  const { gone, present } = creationsOf(state, shelf)
  return generated ? gone + present : gone
}
