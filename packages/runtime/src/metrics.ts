/** Values of the labels of a metric, by name. */
export type MetricLabels = Readonly<Record<string, string>>

/** What a metric is called and means. Two of the same name are one, and must be described alike. */
export interface MetricDescription {
  /** By convention with the unit at its end: `..._total`, `..._seconds`. */
  readonly name: string
  readonly help: string
  /** Names of its labels. Each combination of values is kept for ever: only values of which there are few. */
  readonly labels?: readonly string[]
}

/** Only grows. */
export interface Counter {
  /** `by` is not negative. @default 1 */
  increase(labels?: MetricLabels, by?: number): void
}

export interface Gauge {
  set(value: number, labels?: MetricLabels): void
}

/** Counts values by size. */
export interface Histogram {
  observe(value: number, labels?: MetricLabels): void
}

/** Where controllers and drivers leave their numbers. */
export interface Metrics {
  counter(description: MetricDescription): Counter
  /** `read` is called before the gauge is read, for what need not be kept up to date all the time. */
  gauge(description: MetricDescription, read?: (gauge: Gauge) => void): Gauge
  /** `buckets` are upper bounds, ascending. */
  histogram(description: MetricDescription & { readonly buckets: readonly number[] }): Histogram
}

/** Keeps nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ increase: () => {} }),
  gauge: () => ({ set: () => {} }),
  histogram: () => ({ observe: () => {} }),
}
