import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { problems } from '../../src/app/http/problem.ts'
import { repository } from '../servers/child.ts'

const page = await readFile(join(repository, 'docs/workers.md'), 'utf8')
const example = (file: string) => readFile(join(repository, 'examples/workers', file), 'utf8')

it.each([
  { file: 'worker.py', language: 'python', heading: '## In Python' },
  { file: 'worker.sh', language: 'sh', heading: '## With curl alone' },
])('docs/workers.md shows $file as it is', async ({ file, language, heading }) => {
  const section = page.slice(page.indexOf(heading))
  const block = section.slice(section.indexOf('```')).split(/^```/m)[1]
  expect(block).toBe(`${language}\n${await example(file)}`)
})

it('the Python worker is forty lines, without imports, docstrings and the training', async () => {
  const source = (await example('worker.py'))
    .replace(/^def train\(.*\n(?:[ \n].*\n|\n)*/m, '')
    .replace(/^ *"""[^"]*(?:"(?!"")[^"]*)*"""$/gm, '')
  const lines = source.split('\n').filter((line) => line.trim() !== '' && !/^(?:#|import |from )/.test(line))
  expect(lines).not.toEqual([])
  expect(lines.length).toBeLessThanOrEqual(40)
})

it('docs/workers.md names only codes that the service has, with their status', () => {
  const named = [...page.matchAll(/\b(\d{3}) `([a-z]+(?:-[a-z]+)*)`/g)].map(([, status, code]) => [
    code,
    Number(status),
  ])
  expect(named.length).toBeGreaterThan(4)
  const table = new Map<string, number>(Object.entries(problems).map(([code, { status }]) => [code, status]))
  expect(named).toEqual(named.map(([code]) => [code, table.get(`${code}`)]))
})
