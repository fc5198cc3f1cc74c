import type { Counter, Gauge, MetricDescription, Metrics } from '../metrics.ts'

/** Metrics that can be read in the text format of Prometheus. */
export interface PrometheusMetrics extends Metrics {
  readonly contentType: string
  read(): Promise<string>
}

/** Keeps metrics for Prometheus, with those of the process itself. The library is loaded only here. */
export async function prometheusMetrics(): Promise<PrometheusMetrics> {
  const { default: prometheus } = await import('prom-client')
  const registry = new prometheus.Registry()
  prometheus.collectDefaultMetrics({ register: registry })
  const readers: (() => void)[] = []
  const described = ({ name, help, labels = [] }: MetricDescription) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  /** Several controllers describe one metric; it is made once. */
  function single<T>(name: string, make: () => T): T {
    return (registry.getSingleMetric(name) as T | undefined) ?? make()
  }
  return {
    contentType: registry.contentType,
    read() {
      for (const reader of readers) reader()
      return registry.metrics()
    },
    counter(description): Counter {
      const counter = single(description.name, () => new prometheus.Counter(described(description)))
      return { increase: (labels = {}, by = 1) => counter.inc(labels, by) }
    },
    gauge(description, read): Gauge {
      const made = single(description.name, () => new prometheus.Gauge(described(description)))
      const gauge: Gauge = { set: (value, labels = {}) => made.set(labels, value) }
      if (read !== undefined) readers.push(() => read(gauge))
      return gauge
    },
    histogram(description) {
      const histogram = single(
        description.name,
        () => new prometheus.Histogram({ ...described(description), buckets: [...description.buckets] }),
      )
      return { observe: (value, labels = {}) => histogram.observe(labels, value) }
    },
  }
}
