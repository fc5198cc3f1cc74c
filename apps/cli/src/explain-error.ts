import { ApiError, ConnectionError, errorText, KubeconfigError } from '@locktender/kube'
import { InputError } from '@locktender/releases'
import { CommandError } from './command-error.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'

const exitCodeOfReason: Readonly<Record<string, ExitCode>> = {
  NotFound: exitCodes.notFound,
  Unauthorized: exitCodes.notPermitted,
  Conflict: exitCodes.conflict,
  AlreadyExists: exitCodes.conflict,
  Invalid: exitCodes.refused,
  BadRequest: exitCodes.usage,
  ServiceUnavailable: exitCodes.unavailable,
  Timeout: exitCodes.unavailable,
  TooManyRequests: exitCodes.unavailable,
}

/** The line on stderr and the exit code for whatever a command threw. */
export function explainError(error: unknown): { readonly message: string; readonly exitCode: ExitCode } {
  if (error instanceof CommandError) return { message: `error: ${error.message}`, exitCode: error.exitCode }
  if (error instanceof ApiError) {
    return {
      message: `Error from server (${error.reason}): ${error.message}`,
      exitCode: exitCodeOfApiError(error),
    }
  }
  if (error instanceof ConnectionError) {
    return {
      message: `error: no answer from the server: ${error.message}; is it running, and is KUBECONFIG set to its file?`,
      exitCode: exitCodes.unavailable,
    }
  }
  if (error instanceof KubeconfigError || error instanceof InputError || error instanceof RangeError) {
    return { message: `error: ${error.message}`, exitCode: exitCodes.usage }
  }
  return { message: `error: ${errorText(error)}`, exitCode: exitCodes.failed }
}

/** Admission answers Forbidden for refusals of policy and RBAC for missing rights; only the words tell them apart. */
function exitCodeOfApiError(error: ApiError): ExitCode {
  if (error.reason === 'Forbidden') {
    return / cannot [a-z]+ (resource|path) "/.test(error.message) ? exitCodes.notPermitted : exitCodes.refused
  }
  return exitCodeOfReason[error.reason] ?? exitCodes.failed
}
