import type { Client, Clock } from '@locktender/kube'
import type { Metrics } from './metrics.ts'
import type { QueueObserver } from './work-queue.ts'

/** controller-runtime's buckets of the time a reconcile takes, in seconds. */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
]
/** controller-runtime's buckets of work queues, in seconds. */
const QUEUE_BUCKETS = [10e-9, 100e-9, 1e-6, 10e-6, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000]
/** client-go's buckets of requests, in seconds. */
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

/** How a reconcile ended, as controller-runtime names it. */
export type ReconcileOutcome = 'success' | 'error' | 'requeue_after'

/** What is asked of a controller when its numbers are read. */
export interface Workload {
  /** Keys that are ready and wait. */
  depth(): number
  /** When the keys that are being worked on were begun, in milliseconds since the epoch. */
  begun(): Iterable<number>
}

/** The numbers of one controller. */
export interface Telemetry {
  readonly queue: QueueObserver
  ended(outcome: ReconcileOutcome, durationMs: number): void
  /** It gave up until something changes. */
  gaveUp(): void
  /** It was paused for running in circles. */
  looped(): void
}

/** The numbers of a controller, under the names that controller-runtime and client-go give them. */
export function telemetryOf(
  controller: string,
  concurrency: number,
  workload: Workload,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
): Telemetry {
  const labels = { controller }
  const queueLabels = { name: controller, controller }
  const counter = (name: string, help: string) => {
    const made = metrics.counter({ name, help, labels: ['controller'] })
    made.increase(labels, 0)
    return () => made.increase(labels)
  }
  const total = metrics.counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciliations by controller and result',
    labels: ['controller', 'result'],
  })
  for (const result of ['success', 'error', 'requeue_after']) total.increase({ controller, result }, 0)
  const errors = counter('controller_runtime_reconcile_errors_total', 'Reconciliations that failed')
  const terminal = counter('controller_runtime_terminal_reconcile_errors_total', 'Failures that are not tried again')
  const loops = counter('locktender_reconcile_loops_total', 'Keys paused because they ran in circles')
  const time = metrics.histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time that reconciliations took',
    labels: ['controller'],
    buckets: RECONCILE_BUCKETS,
  })
  metrics
    .gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Keys reconciled side by side at most',
      labels: ['controller'],
    })
    .set(concurrency, labels)
  const ages = () => [...workload.begun()].map((begun) => (clock.now() - begun) / 1000)
  metrics.gauge(
    { name: 'controller_runtime_active_workers', help: 'Keys being reconciled', labels: ['controller'] },
    (gauge) => gauge.set(ages().length, labels),
  )
  const ofQueue = { labels: ['name', 'controller'] }
  metrics.gauge({ name: 'workqueue_depth', help: 'Keys that are ready and wait', ...ofQueue }, (gauge) =>
    gauge.set(workload.depth(), queueLabels),
  )
  metrics.gauge(
    {
      name: 'workqueue_unfinished_work_seconds',
      help: 'Time that the keys being worked on have taken so far, together',
      ...ofQueue,
    },
    (gauge) =>
      gauge.set(
        ages().reduce((sum, age) => sum + age, 0),
        queueLabels,
      ),
  )
  metrics.gauge(
    {
      name: 'workqueue_longest_running_processor_seconds',
      help: 'Time that the slowest key being worked on has taken so far',
      ...ofQueue,
    },
    (gauge) => gauge.set(Math.max(0, ...ages()), queueLabels),
  )
  const adds = metrics.counter({ name: 'workqueue_adds_total', help: 'Keys that became ready', ...ofQueue })
  const retries = metrics.counter({ name: 'workqueue_retries_total', help: 'Keys to be tried again', ...ofQueue })
  const waited = metrics.histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Time that keys waited',
    ...ofQueue,
    buckets: QUEUE_BUCKETS,
  })
  const worked = metrics.histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Time that keys were worked on',
    ...ofQueue,
    buckets: QUEUE_BUCKETS,
  })
  return {
    queue: {
      added: () => adds.increase(queueLabels),
      taken: (waitedMs) => waited.observe(waitedMs / 1000, queueLabels),
      retried: () => retries.increase(queueLabels),
    },
    ended(outcome, durationMs) {
      total.increase({ controller, result: outcome })
      if (outcome === 'error') errors()
      time.observe(durationMs / 1000, labels)
      worked.observe(durationMs / 1000, queueLabels)
    },
    gaveUp: terminal,
    looped: loops,
  }
}

/** `client`, counting what is asked and how long answers take; `host` is the name of the API server here. */
export function countedClient(client: Client, host: string, clock: Clock, metrics: Metrics): Client {
  const requests = metrics.counter({
    name: 'rest_client_requests_total',
    help: 'Requests by status code, method and API server',
    labels: ['code', 'method', 'host'],
  })
  const durations = metrics.histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Time until the answer to a request began',
    labels: ['verb', 'host'],
    buckets: REQUEST_BUCKETS,
  })
  return client.through((transport) => ({
    async request(request) {
      const started = clock.now()
      let code = '<error>'
      try {
        const answer = await transport.request(request)
        code = String(answer.status)
        return answer
      } finally {
        requests.increase({ code, method: request.method, host })
        durations.observe((clock.now() - started) / 1000, { verb: request.method, host })
      }
    },
    close: () => transport.close(),
  }))
}
