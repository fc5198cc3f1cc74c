export { labelKeyProblems, labelValueProblems, subdomainRule } from '@locktender/kube'
