import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A page on an origin of its own that makes the dashboard's calls as that makes them, and shows what it reads of the answers. */
const html = `<!doctype html><meta charset="utf-8"><title>dashboard</title>
<form id="form"><input type="file" id="files" multiple><input id="name"><input type="checkbox" id="cleanup" checked>
<button id="upload" type="button">Upload</button></form>
<button id="train" type="button">Train</button> <button id="bulk" type="button">Download selected</button>
<button id="each" type="button">Download all files</button> <p id="said"></p> <ul id="jobs"></ul> <ul id="images"></ul>
<script type="module">
const api = new URLSearchParams(location.search).get('api')
const { yaml } = await (await fetch('/yaml.json')).json()
const $ = (id) => document.getElementById(id)
const say = (text) => { $('said').textContent = text }
const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer ' + 'U2FsdGVkX1'.padEnd(152, 'x'), 'X-RunPod-Token': 'rpa_NOBODYS' }
const call = async (path, init = {}) => {
  const answer = await fetch(api + path, { headers, ...init })
  const json = await answer.json()
  if (!answer.ok) throw new Error(json.message ?? 'Http failure response: ' + answer.status)
  return json
}
const post = (path, json) => call(path, { method: 'POST', body: JSON.stringify(json) })
const openWindow = (url) => window.open(url, '_blank')
const list = (ul, items) => ul.replaceChildren(...items.map(({ text, id, data = {}, onclick }) => {
  const li = document.createElement('li')
  const button = document.createElement('button')
  Object.assign(button, { textContent: text, onclick })
  Object.assign(button.dataset, { id, ...data })
  li.append(button)
  return li
}))
let folder = 'output'
let jobs = []
window.polls = 0
async function poll() {
  try {
    jobs = (await call('/processes')).processes
    window.polls += 1
    list($('jobs'), jobs.map((job) => ({
      id: job.id, text: job.name + ' ' + job.status + ' ' + job.progress + '%', data: { status: job.status },
      onclick: async () => {
        if (job.status !== 'completed') return say((await call('/processes/' + job.id, { method: 'DELETE' })).message)
        openWindow((await call('/download/' + job.id)).data.url)
      },
    })))
  } catch (error) { say(error.message) }
}
let images = []
async function files() {
  const { data } = await call('/files/list')
  images = data.image_files
  list($('images'), images.map((file) => ({
    id: file.id, text: file.filename,
    onclick: async () => {
      const { url } = (await call('/download/' + file.process_id)).data
      const bytes = Uint8Array.from(atob(url.data), (letter) => letter.charCodeAt(0))
      const link = Object.assign(document.createElement('a'), { download: url.filename })
      link.href = URL.createObjectURL(new Blob([bytes], { type: url.content_type }))
      link.click()
    },
  })))
}
window.reloadFiles = files
$('upload').onclick = async () => {
  const form = new FormData()
  for (const file of $('files').files) form.append('files', file)
  form.append('training_name', $('name').value)
  form.append('trigger_word', '')
  form.append('cleanup_existing', String($('cleanup').checked))
  const { Authorization } = headers
  try {
    const { data } = await call('/upload/training-data', { method: 'POST', body: form, headers: { Authorization } })
    folder = data.training_folder
    const failed = data.debug_info?.total_files_failed ?? 0
    say('uploaded ' + data.total_images + ' images, ' + data.total_captions + ' captions, ' + failed + ' failed')
  } catch (error) { say(error.message) }
}
$('train').onclick = async () => {
  const config = yaml.replace(/training_folder:.*/, 'training_folder: ' + folder).replace(/folder_path:.*/, 'folder_path: ' + folder)
  try { say('started ' + (await post('/train', { config })).data.process_id) } catch (error) { say(error.message) }
}
const selected = () => ({ process_ids: images.map((one) => one.process_id), include_images: true, include_loras: true })
$('bulk').onclick = async () => {
  const { data } = await post('/download/bulk', selected())
  say('Downloading ' + data.total_files + ' files')
  if (data.zip_url) openWindow(data.zip_url)
}
$('each').onclick = async () => {
  const { data } = await post('/download/bulk', selected())
  data.download_items.forEach((item, index) => setTimeout(() => openWindow(item.url), 200 * index))
}
await Promise.all([poll(), call('/lora'), files(), call('/logs/tail/app?lines=100'), call('/logs/stats')])
window.ready = true
setInterval(poll, 250)
</script>`

/** Where the page is; its service is named in the query, as `?api=`. Stops at the end of the test. */
export async function serveDashboardPage({ yaml }: { yaml: string }): Promise<string> {
  const server: Server = createServer((request, response) => {
    const isYaml = request.url === '/yaml.json'
    response.writeHead(200, { 'content-type': isYaml ? 'application/json' : 'text/html' })
    response.end(isYaml ? JSON.stringify({ yaml }) : html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
