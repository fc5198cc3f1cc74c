export { runOperator } from './edge/run-operator.ts'
