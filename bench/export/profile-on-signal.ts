// For `node --import`: SIGUSR2 starts the CPU profiler, and the next one writes what it saw to PROFILE_FILE.
import { renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const samplingMicroseconds = 250

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: samplingMicroseconds })
let running = false

process.on('SIGUSR2', async () => {
  running = !running
  if (running) return session.post('Profiler.start')
  const { profile } = await session.post('Profiler.stop')
  const file = process.env.PROFILE_FILE ?? 'export.cpuprofile'
  // Whoever waits for it finds all of it.
  writeFileSync(`${file}.part`, JSON.stringify(profile))
  renameSync(`${file}.part`, file)
})
