import { kubectlCases } from './conformance/kubectl-cases.ts'
import { describeConformance } from './support/conformance-suite.ts'

// The other versions have their turn in test/long.
describeConformance(
  kubectlCases.filter(({ tags }) => tags.includes('1.35')),
  4,
  180_000,
)
