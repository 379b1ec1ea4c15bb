export type Disposition = 'attachment' | 'inline'

/** What the holder of a link may do. Everything in it is signed. */
export interface LinkGrant {
  /** `object`: the bytes of the key `subject`. `export`: the zip of the export `subject`; `entries`: its files, one by one. */
  readonly purpose: 'object' | 'export' | 'entries'
  readonly subject: string
  /** Whole seconds; a link is good before this instant and not at it. */
  readonly expiresAt: Date
  readonly disposition: Disposition
  /** The name under which a browser saves it. */
  readonly filename: string
}

/** Makes URLs that need no token. Holders can read (GET and HEAD, ranges too) until `expiresAt`, and do nothing else. */
export interface LinkSigner {
  /** The absolute URL. Pure arithmetic: no request is sent and the subject need not exist. */
  sign(grant: LinkGrant): Promise<string>
}

/** The other half of our own links. */
export interface LinkVerifier {
  /** Throws `LinkInvalid` or `LinkExpired`. Takes equally long wherever the token differs. */
  verify(token: string, nowMs: number): Promise<LinkGrant>
}
