import { kubectlCases } from '../conformance/kubectl-cases.ts'
import { describeConformance } from '../support/conformance-suite.ts'

// The version left out has its turn in every run of the tests.
describeConformance(
  kubectlCases.filter(({ tags }) => !tags.includes('1.35')),
  4,
  900_000,
)
