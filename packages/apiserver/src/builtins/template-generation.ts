/** The annotation of daemon sets that says how often their template changed; for clients of a version that is gone. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'
