import { parentPort, workerData } from 'node:worker_threads'
import { simulateCases } from './cases.ts'

// Simulates all cases for some seeds: one message for each case that is done, and one with the results.
const { targets, seeds } = workerData as { readonly targets: number; readonly seeds: readonly number[] }
parentPort?.postMessage({ results: simulateCases(targets, seeds, () => parentPort?.postMessage({ done: 1 })) })
