import { type Call, finalReader, type Say, type Seen } from './history.ts'

/** When all is quiet, every instance tells the same of the same processes, one by one and in the list. */
export function checkAgreement(calls: readonly Call[], say: Say): void {
  const last = calls.filter(({ client }) => client.startsWith(finalReader))
  const lists = last.filter(({ listed }) => listed !== undefined)
  const [first, ...others] = lists
  if (first?.listed === undefined) return
  for (const { client, listed = {} } of others) {
    for (const id of new Set([...Object.keys(first.listed), ...Object.keys(listed)])) {
      if (faceOf(first.listed[id]) !== faceOf(listed[id])) say('I11', id, `${first.client} and ${client} disagree`)
    }
  }
  for (const { client, verb, id, seen } of last) {
    if (verb === 'read' && faceOf(first.listed[id]) !== faceOf(seen)) {
      say('I11', id, `${client} reads something else than ${first.client} lists`)
    }
  }
}

/** Without what time alone changes. */
function faceOf(seen: Seen | undefined): string {
  if (seen === undefined) return 'absent'
  const { version, attempt, worker, status, cancelRequested, step, rivals } = seen
  return JSON.stringify({ version, attempt, worker, status, cancelRequested, step, rivals })
}
