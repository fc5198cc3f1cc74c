import type { Choice, ChoiceKind } from './choice.ts'

/**
 * A choice other than the default as plans write it. Actions and points are called as in Sieve's test plans where there
 * is such a thing there.
 */
export interface Perturbation {
  readonly action: string
  /** The process that it happens to. */
  readonly controller?: string
  readonly trigger: Trigger
  /** How a request fails. */
  readonly with?: string
  /** When what was put off happens after all. */
  readonly until?: string
  /** Which caches are behind, by how many changes of which resource. */
  readonly view?: { readonly caches: 'one' | 'all'; readonly of: string; readonly changesBefore: number }
  /** What happens before its turn. */
  readonly first?: string
  /** For choices that have no word of their own. */
  readonly choice?: { readonly kind: ChoiceKind; readonly at: string; readonly take: string }
}

/** When it happens: the nth time that somebody is about to do this. */
export interface Trigger {
  readonly observationPoint: string
  readonly by?: string
  /** What the controller reconciles. */
  readonly key?: string
  readonly verb?: string
  readonly resource?: string
  /** Namespace and name; for creations the namespace. */
  readonly object?: string
  readonly url?: string
  readonly event?: string
  /** Which of several reads of the resource. */
  readonly read?: string
  /** What would happen next. */
  readonly before?: string
  readonly occurrence: number
}

type Words = Omit<Perturbation, 'trigger'> & { readonly trigger: Omit<Trigger, 'occurrence'> }

const VERBS = { reads: 'read', creates: 'create', replaces: 'update', patches: 'patch', deletes: 'delete' } as const

const FATES: Readonly<Record<string, { readonly action: string; readonly point: string; readonly with?: string }>> = {
  'crash before': { action: 'restartController', point: 'before' },
  'crash after': { action: 'restartController', point: 'after' },
  'answer lost': { action: 'loseAnswer', point: 'after' },
  late: { action: 'delayRequest', point: 'before' },
  conflict: { action: 'failRequest', point: 'before', with: 'conflict' },
  'fails with 500': { action: 'failRequest', point: 'before', with: '500' },
  'fails with 429': { action: 'failRequest', point: 'before', with: '429' },
  'no connection': { action: 'failRequest', point: 'before', with: 'no connection' },
}

const IDLE = 'nothing else is left to do'
const NEXT_STEP = 'the next step'

const HOLDS: Readonly<Record<string, { readonly action: string; readonly until: string }>> = {
  [`hears of it when ${IDLE}`]: { action: 'delayEvents', until: IDLE },
  [`hears only of the last state when ${IDLE}`]: { action: 'skipEvents', until: IDLE },
  [`hears of it after ${NEXT_STEP}`]: { action: 'delayEvents', until: NEXT_STEP },
  [`hears only of the last state after ${NEXT_STEP}`]: { action: 'skipEvents', until: NEXT_STEP },
}

/** Puts a choice into the words of plans. {@link choiceOf} leads back to the same choice, whatever it is. */
export function perturbationOf(choice: Choice): Perturbation {
  const { kind, at, take, nth } = choice
  const found = wordsOf(choice)
  const words: Words =
    found !== undefined && isSame(choice, found)
      ? found
      : { action: 'choose', trigger: { observationPoint: 'choice' }, choice: { kind, at, take } }
  return { ...words, trigger: { ...words.trigger, occurrence: nth } }
}

/** The choice that a perturbation stands for; undefined for words that stand for none. */
export function choiceOf(perturbation: Perturbation): Choice | undefined {
  const { action, choice, trigger } = perturbation
  const { occurrence: nth } = trigger
  if (action === 'choose') return choice === undefined ? undefined : { ...choice, nth }
  const at = READERS[action]?.(perturbation)
  return at === undefined ? undefined : { ...at, nth }
}

/** Every action that plans know. */
export function actions(): string[] {
  return [...Object.keys(READERS), 'choose']
}

function isSame(choice: Choice, words: Words): boolean {
  const back = choiceOf({ ...words, trigger: { ...words.trigger, occurrence: choice.nth } })
  return back !== undefined && back.kind === choice.kind && back.at === choice.at && back.take === choice.take
}

function wordsOf(choice: Choice): Words | undefined {
  switch (choice.kind) {
    case 'request':
      return requestWords(choice)
    case 'cache':
      return cacheWords(choice)
    case 'relist':
      return startWords(choice)
    case 'order':
      return orderWords(choice)
  }
}

function requestWords({ at, take }: Choice): Words | undefined {
  const fate = FATES[take]
  const request = /^(\S+) (.+): (asks|reads|creates|replaces|patches|deletes) (\S+)(?: (\S+))?$/.exec(at)
  if (fate === undefined || request === null) return undefined
  const [, by = '', key = '', verb = '', resource = '', object] = request
  const what = verb === 'asks' ? 'Call' : verb === 'reads' ? 'Read' : 'Write'
  return {
    action: fate.action,
    ...(fate.action !== 'failRequest' && { controller: processOf(by) }),
    ...(fate.with !== undefined && { with: fate.with }),
    trigger: {
      observationPoint: `${fate.point}Controller${what}`,
      by,
      key,
      ...(verb === 'asks'
        ? { url: resource }
        : { verb: VERBS[verb as keyof typeof VERBS], resource, ...(object !== undefined && { object }) }),
    },
  }
}

function cacheWords({ at, take }: Choice): Words | undefined {
  const hold = HOLDS[take]
  const change = /^(\S+): (\S+) (\S+) is (created|changed|deleted)(?: \(read of (.+)\))?$/.exec(at)
  if (hold === undefined || change === null) return undefined
  const [, controller = '', resource = '', object = '', event = '', read] = change
  return {
    action: hold.action,
    controller,
    until: hold.until,
    trigger: {
      observationPoint: 'beforeControllerRecv',
      resource,
      object,
      event,
      ...(read !== undefined && { read }),
    },
  }
}

function startWords({ at, take }: Choice): Words | undefined {
  const [, down] = /^(\S+) starts again$/.exec(at) ?? []
  if (down !== undefined) {
    const until = take === `when ${IDLE}` ? IDLE : take === `after ${NEXT_STEP}` ? NEXT_STEP : undefined
    if (until === undefined) return undefined
    return {
      action: 'pauseController',
      controller: down,
      until,
      trigger: { observationPoint: 'beforeControllerStart' },
    }
  }
  const [, controller] = /^(\S+) lists$/.exec(at) ?? []
  const lag =
    /^(.+) as (?:they were|it was) before the last (?:change|(\d+) changes) of (.+), and hears of the rest (?:when|after) (.+)$/.exec(
      take,
    )
  if (controller === undefined || lag === null) return undefined
  const [, caches, changes = '1', of = '', until = ''] = lag
  return {
    action: 'reconnectController',
    controller,
    view: { caches: caches === 'everything' ? 'all' : 'one', of, changesBefore: Number(changes) },
    until,
    trigger: { observationPoint: 'beforeControllerList' },
  }
}

function orderWords({ at, take }: Choice): Words | undefined {
  const [, before] = /^before: (.+)$/s.exec(at) ?? []
  if (before === undefined) return undefined
  const trigger = { observationPoint: 'beforeAction', before }
  const [, controller] = /^(\S+) crashes$/.exec(take) ?? []
  if (controller !== undefined) return { action: 'restartController', controller, trigger }
  return { action: 'reorder', first: take, trigger }
}

type Found = Pick<Choice, 'kind' | 'at' | 'take'> | undefined

const READERS: Readonly<Record<string, (perturbation: Perturbation) => Found>> = {
  restartController(perturbation) {
    const { controller, trigger } = perturbation
    if (trigger.observationPoint !== 'beforeAction') return request(perturbation)
    const take = `${controller} crashes`
    return trigger.before === undefined ? undefined : { kind: 'order', at: `before: ${trigger.before}`, take }
  },
  loseAnswer: request,
  delayRequest: request,
  failRequest: request,
  delayEvents: hold,
  skipEvents: hold,
  pauseController({ controller, until }) {
    const take = until === IDLE ? `when ${IDLE}` : until === NEXT_STEP ? `after ${NEXT_STEP}` : undefined
    return controller === undefined || take === undefined
      ? undefined
      : { kind: 'relist', at: `${controller} starts again`, take }
  },
  reconnectController({ controller, view, until }) {
    if (controller === undefined || view === undefined) return undefined
    const { caches, of, changesBefore } = view
    const what = caches === 'all' ? 'everything as it was' : `${of} as they were`
    const before = `before the last ${changesBefore === 1 ? 'change' : `${changesBefore} changes`} of ${of}`
    const rest = `and hears of the rest ${until === IDLE ? 'when' : 'after'} ${until}`
    return { kind: 'relist', at: `${controller} lists`, take: `${what} ${before}, ${rest}` }
  },
  reorder({ first, trigger }) {
    return first === undefined || trigger.before === undefined
      ? undefined
      : { kind: 'order', at: `before: ${trigger.before}`, take: first }
  },
}

function request({ action, with: failure, trigger }: Perturbation): Found {
  const { observationPoint, by, key, verb, resource, object, url } = trigger
  const take = Object.keys(FATES).find((fate) => {
    const words = FATES[fate]!
    return words.action === action && words.with === failure && observationPoint.startsWith(words.point)
  })
  const does = Object.entries(VERBS).find(([, word]) => word === verb)?.[0]
  const what = url === undefined ? [does, resource, object] : ['asks', url]
  if (take === undefined || by === undefined || key === undefined || what[0] === undefined) return undefined
  return { kind: 'request', at: `${by} ${key}: ${what.filter((part) => part !== undefined).join(' ')}`, take }
}

function hold({ action, controller, until, trigger }: Perturbation): Found {
  const { resource, object, event, read } = trigger
  const take = Object.keys(HOLDS).find((name) => HOLDS[name]!.action === action && HOLDS[name]!.until === until)
  if (take === undefined || controller === undefined) return undefined
  const scope = read === undefined ? '' : ` (read of ${read})`
  return { kind: 'cache', at: `${controller}: ${resource} ${object} is ${event}${scope}`, take }
}

function processOf(slot: string): string {
  const slash = slot.indexOf('/')
  return slash === -1 ? slot : slot.slice(0, slash)
}
