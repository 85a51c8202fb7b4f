/** How the server certificate of a set of ports is renewed. Times are ISO 8601. */
export type RenewalStatus =
  | {
      readonly kind: 'automatic'
      /** When the next renewal, or the next attempt after a failure, is due. */
      readonly due: string
      /** Failed attempts in a row. */
      readonly failures: number
      readonly lastError: string | null
    }
  /** Nobody here can issue: `why` says what is missing, `remedy` is the command or step. */
  | { readonly kind: 'byHand'; readonly why: string; readonly remedy: string }
