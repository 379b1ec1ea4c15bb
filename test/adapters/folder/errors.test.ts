import { expect, it } from 'vitest'
import { translated } from '../../../src/adapters/folder/errors.ts'
import { KeyConflict } from '../../../src/ports/errors.ts'

const system = (code: string) => Object.assign(new Error(`${code}: it failed`), { code, syscall: 'rename', errno: -1 })

it.each([
  ['ENOSPC', 'store-full'],
  ['EDQUOT', 'store-full'],
  ['EACCES', 'store-denied'],
  ['EPERM', 'store-denied'],
  ['EROFS', 'store-denied'],
  ['EXDEV', 'store-denied'],
  ['EMFILE', 'store-unavailable'],
  ['EIO', 'store-unavailable'],
  ['ESTALE', 'store-unavailable'],
])('%s is %s', (code, expected) => {
  const error = system(code)
  expect(translated(error)).toMatchObject({ code: expected, cause: error })
})

it('leaves alone what is ours already, and what is a bug', () => {
  const bug = new TypeError('undefined is not a function')
  const invalid = Object.assign(new TypeError('a bad argument'), { code: 'ERR_INVALID_ARG_TYPE' })
  const conflict = new KeyConflict('taken')
  for (const error of [bug, invalid, conflict, 'text', undefined]) expect(translated(error)).toBe(error)
})
