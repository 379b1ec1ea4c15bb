/** How a listing is asked for. Servers are reported that refuse the one or the other with 400. */
export interface ListForm {
  /** Names are asked for in URL encoding, as XML cannot hold every character. */
  readonly encoded: boolean
  /** The server is told to stop at `/`; otherwise it gives every name, and we cut them. */
  readonly delimited: boolean
  /** A prefix keeps the slash at its end; otherwise more is given than was asked for, and left out by us. */
  readonly slashed: boolean
}

export const wholeForm: ListForm = { encoded: true, delimited: true, slashed: true }

/** What of a listing goes out. */
export interface ListParameters {
  readonly Prefix: string
  readonly Delimiter?: '/'
  readonly EncodingType?: 'url'
}

/** Without the slash at its end a prefix must not meet a delimiter: the answer would be the folder and not what is in it. */
export function listParameters(
  { encoded, delimited, slashed }: ListForm,
  { prefix, delimiter }: { prefix: string; delimiter: '/' | undefined },
): ListParameters {
  const cut = !slashed && prefix.endsWith('/')
  return {
    Prefix: cut ? prefix.slice(0, -1) : prefix,
    ...(delimiter !== undefined && delimited && !cut && { Delimiter: delimiter }),
    ...(encoded && { EncodingType: 'url' as const }),
  }
}

const withouts: readonly Partial<ListForm>[] = [
  {},
  { encoded: false },
  { delimited: false },
  { slashed: false },
  { encoded: false, delimited: false },
  { encoded: false, slashed: false },
]

/** `form`, and the forms to try when it is refused: those that differ for this request, the least change first. */
export function formsToTry(form: ListForm, request: { prefix: string; delimiter: '/' | undefined }): ListForm[] {
  const forms = new Map<string, ListForm>()
  for (const without of withouts) {
    const candidate = { ...form, ...without }
    const wire = JSON.stringify(listParameters(candidate, request))
    if (!forms.has(wire)) forms.set(wire, candidate)
  }
  return [...forms.values()]
}
