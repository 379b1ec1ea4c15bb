import { boundary, field, file, form, part } from '../../adapters/busboy/forms.ts'
import { type Bytes, latin1, rawRequest } from '../raw-http.ts'

export interface HostileRequest {
  readonly name: string
  readonly bytes: readonly Bytes[]
  /** The client closes its side when it has sent this. */
  readonly hangUp?: boolean
}

/** Ways to write `../`, of which none may lead out. */
const climbs = [
  '../',
  '..%2f',
  '..%2F',
  '%2e%2e/',
  '%2E%2e%2f',
  '.%2e/',
  '%2e./',
  '..%5c',
  '%2e%2e%5c',
  '..\\',
  '..//',
  './',
  '%2e/',
  '%c0%ae%c0%ae/',
  '%c0%ae%c0%ae%c0%af',
  '%e0%80%ae%e0%80%ae/',
  '%ff%ff/',
  '%uff0e%uff0e/',
  '..%00/',
  '..%0a/',
  '\xc0\xae\xc0\xae/',
  '\xc5\x82/',
]

/** Escaped characters that no name may have. */
const badCharacters = [
  '%00',
  '%01',
  '%07',
  '%0a',
  '%0d%0a',
  '%1b',
  '%7f',
  '%c2%80',
  '%c2%9b',
  '%c2%ad',
  '%e2%80%8b',
  '%e2%80%8f',
  '%e2%80%ae',
  '%e2%81%a6',
  '%e2%80%a8',
  '%ef%bb%bf',
  '%f3%a0%81%81',
  '%5c',
  '%ed%a0%80',
]

const formHeaders = [`Content-Type: multipart/form-data; boundary=${boundary}`]
const sendForm = (body: Uint8Array, headers: readonly string[] = [], dataset = 'd') =>
  rawRequest('POST', `/v1/datasets/${dataset}/files`, { headers: [...formHeaders, ...headers], body })

const caption = (name: string) => file(name, 'a caption', 'text/plain')

/** Requests of which none may succeed. `authorization` is a header line that each of them has. */
export function hostileRequests(authorization: readonly string[] = []): HostileRequest[] {
  return [...targets(), ...heads(), ...lengths(), ...forms()].map(({ bytes, ...rest }) => {
    const [head, ...body] = bytes
    const withLines = typeof head === 'string' && authorization.length > 0
    const first = withLines ? head.replace('\r\n', `\r\n${authorization.join('\r\n')}\r\n`) : head
    return { ...rest, bytes: first === undefined ? [] : [first, ...body] }
  })
}

function targets(): HostileRequest[] {
  const found: HostileRequest[] = []
  const add = (method: string, target: string, body?: Bytes) =>
    found.push({ name: `${method} ${target}`, bytes: rawRequest(method, target, body === undefined ? {} : { body }) })
  for (const climb of climbs) {
    for (const many of [climb, climb.repeat(3)]) {
      add('PUT', `/v1/objects/files/${many}written.txt`, 'written')
      add('PUT', `/v1/objects/${many}written.txt`, 'written')
      add('GET', `/v1/objects/files/${many}canary.txt`)
      add('DELETE', `/v1/objects/files/${many}canary.txt`)
    }
    add('GET', `/v1/datasets/${climb}canary`)
    add('DELETE', `/v1/processes/${climb}canary`)
    add('GET', `/v1/exports/${climb}canary`)
    add('GET', `/v1/links/${climb}canary/a.txt`)
    found.push({ name: `dataset ${climb}`, bytes: sendForm(form(caption('a.txt')), [], `${climb}x`) })
  }
  for (const bad of badCharacters) {
    add('PUT', `/v1/objects/files/a${bad}b.txt`, 'written')
    add('GET', `/v1/datasets/a${bad}b`)
    add('GET', `/v1/processes/a${bad}b`)
    found.push({ name: `dataset a${bad}b`, bytes: sendForm(form(caption('a.txt')), [], `a${bad}b`) })
  }
  add('PUT', '/v1/objects/files/a#b', 'written')
  add('PUT', '/v1/objects/files\\a', 'written')
  add('PUT', '/v1/objects/catalog/dataset/x.json', 'written')
  add('PUT', '/v1/objects/processes/state/x.json', 'written')
  add('PUT', '/v1/objects/', 'written')
  add('PUT', '/v1/objects/files', 'written')
  add('PUT', '/v1/objects/files/', 'written')
  add('PUT', `/v1/objects/files/${'x/'.repeat(600)}y`, 'written')
  add('PUT', `/v1/objects/files/${'x'.repeat(256)}`, 'written')
  add('PUT', 'http://evil.example/v1/objects/files/a', 'written')
  add('PUT', 'https://evil.example/v1/objects/files/a', 'written')
  add('PUT', '//evil.example/v1/objects/files/a', 'written')
  add('PUT', 'ftp://evil.example/v1/objects/files/a', 'written')
  add('PUT', 'v1/objects/files/a', 'written')
  add('GET', 'http://evil.example/')
  add('GET', '//evil.example/a')
  add('GET', 'http://')
  add('CONNECT', 'evil.example:443')
  add('TRACE', '/v1/objects')
  add('BREW', '/v1/objects')
  return found
}

function heads(): HostileRequest[] {
  const put = (name: string, headers: readonly string[], body: Bytes = 'written'): HostileRequest => ({
    name,
    bytes: rawRequest('PUT', '/v1/objects/files/head.txt', { headers, body }),
  })
  return [
    put('another host', ['Host: evil.example']),
    put('no host', ['Host: ']),
    put('a host with a path', ['Host: 127.0.0.1/x']),
    put('a host with a user', ['Host: user@127.0.0.1']),
    put('two hosts', ['Host: 127.0.0.1', 'Host: evil.example']),
    put('70 KB of header', [`X-Large: ${'x'.repeat(70_000)}`]),
    put(
      '2,500 headers',
      Array.from({ length: 2500 }, (_, i) => `X-${i}: ${'y'.repeat(8)}`),
    ),
    put('a header without a colon', ['broken']),
    put('a blank before a colon', ['X-Broken : x']),
    put('a folded header', ['X-Folded: a', ' b']),
    put('NUL in a header', ['X-Nul: a\0b']),
    put('a foreign origin', ['Origin: https://evil.example']),
    put('a null origin', ['Origin: null']),
    put('a wrong condition', ['If-Match: x']),
    put('a digest of nothing', ['Content-Digest: sha-256=:AAAA:']),
    put('a type that is no type', ['Content-Type: \x80\xff']),
    { name: 'HTTP/0.9', bytes: ['GET /v1/objects\r\n\r\n'] },
    { name: 'HTTP/2 preface', bytes: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'] },
    { name: 'TLS hello', bytes: [latin1('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')], hangUp: true },
    { name: 'nothing', bytes: [], hangUp: true },
    { name: 'half of a head', bytes: ['PUT /v1/objects/files/half.txt HTTP/1.1\r\nHost: 12'], hangUp: true },
  ]
}

function lengths(): HostileRequest[] {
  const put = (name: string, headers: readonly string[], body: Bytes, hangUp = false): HostileRequest => ({
    name,
    bytes: rawRequest('PUT', '/v1/objects/files/length.txt', { headers, body }),
    hangUp,
  })
  const large = new Uint8Array(3 * 2 ** 20)
  const oneChunk = Buffer.concat([latin1(`${large.byteLength.toString(16)}\r\n`), large, latin1('\r\n0\r\n\r\n')])
  return [
    put('a length that is too long, then gone', ['Content-Length: 100'], 'short', true),
    put('length and chunks', ['Content-Length: 7', 'Transfer-Encoding: chunked'], '7\r\nwritten\r\n0\r\n\r\n'),
    put('two lengths', ['Content-Length: 7', 'Content-Length: 8'], 'written'),
    put('a signed length', ['Content-Length: +7'], 'written'),
    put('a negative length', ['Content-Length: -7'], 'written'),
    put('a length in hex', ['Content-Length: 0x7'], 'written'),
    put('a length of 2^64', ['Content-Length: 18446744073709551616'], 'written'),
    put('an announced body over the limit', ['Content-Length: 99999999999'], 'x', true),
    put('chunks over the limit', ['Transfer-Encoding: chunked'], oneChunk),
    put('chunks without an end', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n', true),
    put('chunks of a broken size', ['Transfer-Encoding: chunked'], 'xyz\r\nhello\r\n0\r\n\r\n'),
    put('an unknown encoding', ['Transfer-Encoding: xchunked'], '5\r\nhello\r\n0\r\n\r\n'),
    {
      name: 'a JSON body over the limit',
      bytes: [
        ...rawRequest('POST', '/v1/processes', {
          headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        }),
        ...[1, 2, 3].flatMap(() => [`${large.byteLength.toString(16)}\r\n`, large, '\r\n']),
        '0\r\n\r\n',
      ],
    },
    {
      name: 'JSON nested without end',
      bytes: rawRequest('POST', '/v1/processes', {
        headers: ['Content-Type: application/json'],
        body: `{"type":"training","config":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      }),
    },
    {
      name: 'JSON with a prototype',
      bytes: rawRequest('POST', '/v1/processes', {
        headers: ['Content-Type: application/json'],
        body: '{"type":"x","__proto__":{"type":"training"},"constructor":{"prototype":{"a":1}}}',
      }),
    },
  ]
}

const badNames = [
  '',
  '.',
  '..',
  '../written.txt',
  '../../../written.txt',
  '..\\written.txt',
  '/etc/written.txt',
  'C:\\written.txt',
  'a/written.txt',
  '.written.txt',
  'nul.txt',
  'written.txt.',
  'a\0b.txt',
  'a\x1b[31mb.txt',
  'a\x7fb.txt',
  'a\xc2\x85b.txt',
  'a\xe2\x80\xaeb.txt',
  'a\xe2\x80\x8bb.txt',
  'a\xef\xbb\xbfb.txt',
  'a\xff\xfeb.txt',
  'a\xc0\xaeb.txt',
  `${'x'.repeat(300)}.txt`,
]

function forms(): HostileRequest[] {
  const found: HostileRequest[] = badNames.map((name) => ({
    name: `file ${JSON.stringify(name).slice(0, 60)}`,
    bytes: sendForm(Buffer.concat([named(name), form()])),
  }))
  const broken = (name: string, body: Uint8Array, headers: readonly string[] = [], hangUp = false) =>
    found.push({ name, bytes: sendForm(body, headers, 'broken'), hangUp })
  broken('no final boundary', caption('kept.txt'))
  broken('no form at all', latin1('hello'))
  broken('an empty body', new Uint8Array())
  broken('a file that is cut off', caption('cut.txt').subarray(0, -10), ['Content-Length: 5000'], true)
  broken('headers that are cut off', latin1(`--${boundary}\r\nContent-Disposition: form-da`))
  broken(
    'two dispositions',
    form(
      part(
        ['Content-Disposition: form-data; name="a"; filename="a.txt"', 'Content-Disposition: form-data; name="b"'],
        'x',
      ),
    ),
  )
  broken('no disposition', form(part(['Content-Type: text/plain'], 'x')))
  broken(
    'a name that is given twice',
    form(part(['Content-Disposition: form-data; name="a"; filename="a.txt"; filename="../b.txt"'], 'x')),
  )
  broken(
    'an encoding',
    form(
      part(['Content-Disposition: form-data; name="a"; filename="a.txt"', 'Content-Transfer-Encoding: base64'], 'eA=='),
    ),
  )
  broken(
    'headers of 20 KB',
    form(part([`Content-Disposition: form-data; name="a"; filename="${'x'.repeat(20_000)}.txt"`], 'x')),
  )
  broken('10,000 fields', form(...Array.from({ length: 10_000 }, (_, i) => field(`f${i}`, 'x'))))
  broken('10,000 files', form(...Array.from({ length: 10_000 }, (_, i) => file(`${i}.txt`, '', 'text/plain'))))
  broken('a field of 100 KB', form(field('triggerWord', 'x'.repeat(100_000))))
  found.push({
    name: 'a boundary of nothing',
    bytes: rawRequest('POST', '/v1/datasets/broken/files', {
      headers: ['Content-Type: multipart/form-data; boundary='],
      body: form(caption('a.txt')),
    }),
  })
  return found
}

/** A file whose name is written byte by byte. */
const named = (name: string): Uint8Array =>
  latin1(`--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n\r\na caption\r\n`)
