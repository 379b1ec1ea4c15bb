import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { repository } from '../servers/child.ts'

/** Runs `npm run test:ceph` where no other programs can be found than these. */
async function testCeph(programs: readonly string[]) {
  const path = await mkdtemp(join(tmpdir(), 'few-programs-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  for (const program of programs) {
    const found = execFileSync('bash', ['-c', `command -v ${program}`], { encoding: 'utf8' })
    await symlink(found.trim(), join(path, program))
  }
  const env = { PATH: path, HOME: path }
  return spawnSync(process.execPath, ['scripts/test-ceph.ts'], { cwd: repository, env, encoding: 'utf8' })
}

describe('npm run test:ceph', () => {
  for (const programs of [[], ['bash']]) {
    it(`says why it is skipped, and nothing else, where there is ${programs[0] ?? 'nothing'}`, async () => {
      const { status, stdout, stderr } = await testCeph(programs)
      expect(stdout).toMatch(/^test:ceph skipped: [^\n]+\n$/)
      expect(stderr).toBe('')
      expect(status).toBe(0)
    })
  }
})
