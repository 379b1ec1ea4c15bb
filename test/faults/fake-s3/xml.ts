import { malformedXml } from './s3-error.ts'

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

export const escapeXml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')

/** `<name>value</name>`, the value escaped. */
export const leaf = (name: string, value: string | number | boolean): string =>
  `<${name}>${escapeXml(String(value))}</${name}>`

/** An element around finished elements; those that are `undefined` are left out. */
export const branch = (name: string, children: readonly (string | undefined)[]): string =>
  `<${name}>${children.join('')}</${name}>`

/** A whole answer. Errors never have a namespace, and RunPod's answers have none either. */
export function xmlDocument(
  root: string,
  children: readonly (string | undefined)[],
  { named }: { named: boolean },
): string {
  const opening = named ? `<${root} xmlns="${namespace}">` : `<${root}>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${opening}${children.join('')}</${root}>`
}

export interface XmlElement {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

/** Elements and text only, as in the bodies that S3 takes. Throws MalformedXML for everything else. */
export function parseXml(source: string): XmlElement {
  const tokens = source.match(/<[^>]*>|[^<]+/g) ?? []
  if (tokens.join('') !== source) throw malformedXml()
  const top: XmlElement = { name: '', children: [], text: '' }
  const open = [top]
  for (const token of tokens) {
    const within = open.at(-1) ?? top
    if (!token.startsWith('<')) within.text += unescapeXml(token)
    else if (token.startsWith('<?')) continue
    else if (token.startsWith('</')) {
      if (open.length === 1 || token.slice(2, -1).trim() !== within.name) throw malformedXml()
      open.pop()
    } else {
      const name = /^<([A-Za-z][\w.-]*)(?:\s[^<]*)?>$/.exec(token)?.[1]
      if (name === undefined) throw malformedXml()
      const element: XmlElement = { name, children: [], text: '' }
      within.children.push(element)
      if (!token.endsWith('/>')) open.push(element)
    }
  }
  const [root] = top.children
  if (open.length !== 1 || root === undefined || top.children.length !== 1) throw malformedXml()
  return root
}

/** The text of the child of that name, or `undefined`. */
export const childText = (element: XmlElement, name: string): string | undefined =>
  element.children.find((child) => child.name === name)?.text

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  return text.replace(/&([^;]*);/g, (_, entity: string) => {
    const code = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(entity)
    if (code !== null) return String.fromCodePoint(code[1] ? Number.parseInt(code[1], 16) : Number(code[2]))
    const known = entities[entity]
    if (known === undefined) throw malformedXml()
    return known
  })
}
