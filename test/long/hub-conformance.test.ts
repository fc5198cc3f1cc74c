import { hubCases } from '../conformance/cases.ts'
import { describeConformance } from '../support/conformance-suite.ts'

describeConformance(hubCases, 2, 600_000)
