import { httpCases } from './conformance/cases.ts'
import { describeConformance } from './support/conformance-suite.ts'

describeConformance(httpCases, 6, 180_000)
