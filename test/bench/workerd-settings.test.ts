import { describe, expect, it } from 'vitest'
import { compatibilityOf } from '../../bench/export/workerd/bundle.ts'
import { workerdSettings } from '../../bench/export/workerd/settings.ts'

const compatibility = { date: '2026-11-01', flags: ['nodejs_compat', 'enable_request_signal'] }

describe('the settings of a measured workerd', () => {
  it('ask of the runtime what wrangler.toml asks', () => {
    const toml =
      'name = "x"\ncompatibility_date = "2026-11-01"\ncompatibility_flags = ["nodejs_compat", "enable_request_signal"]\n'
    expect(compatibilityOf(toml)).toEqual(compatibility)
    expect(() => compatibilityOf('name = "x"\n')).toThrow('wrangler.toml says no compatibility')
  })

  it('give the Worker its variables, whatever is in them', () => {
    const text = workerdSettings('worker.js', { compatibility, env: { STORE: 's3', QUOTED: '"a\\b"' } })
    expect(text).toContain('(name = "STORE", text = "s3"), (name = "QUOTED", text = "\\"a\\\\b\\"")')
    expect(text).toContain('esModule = embed "worker.js"')
    expect(text).toContain('compatibilityFlags = ["nodejs_compat", "enable_request_signal"]')
    expect(() => workerdSettings('worker.js', { compatibility, env: { NAME: 'łódź' } })).toThrow('not plain ASCII')
  })
})
