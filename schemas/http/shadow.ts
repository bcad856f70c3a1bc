/** How often a candidate was compared with what answered, and with what result. */
export type ShadowCount = {
  tenant: string
  /** Digest of the bundle that answered. */
  against: string
  /** Digest of the candidate. */
  digest: string
  agreed: number
  differed: number
}
