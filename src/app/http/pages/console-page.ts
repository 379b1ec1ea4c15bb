/** Upload a dataset, watch processes, download everything: the main job by hand, through the public API alone. */
export const consolePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Lora Storage</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, currentColor 20%, transparent) }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
  h2 { margin: 0 0 .5rem; font-size: 1.1rem }
  input, button { font: inherit; padding: .35rem .6rem; border-radius: .35rem; border: 1px solid var(--line) }
  form { display: flex; gap: .5rem; flex-wrap: wrap; align-items: center }
  table { border-collapse: collapse; width: 100% } td, th { border-top: 1px solid var(--line); padding: .3rem .5rem .3rem 0; text-align: left }
  progress { width: 100% } .bad { color: #c0392b } .note { opacity: .75 }
</style>
<h1>Lora Storage</h1>
<p class="note"><a href="/docs">API</a> · <a href="/readyz">health</a> · <a href="/v1/capabilities">capabilities</a></p>
<section><h2>Access</h2><form><input id="token" type="password" placeholder="API token (none needed on loopback)" size="40" autocomplete="off"></form></section>
<section><h2>Upload a training set</h2>
  <form id="upload"><input name="dataset" required placeholder="dataset name" pattern="[^\\/]+"><input name="triggerWord" placeholder="trigger word"><input name="files" type="file" multiple required><button>Upload</button></form>
  <progress id="bar" max="1" value="0" hidden></progress><div id="report"></div></section>
<section><h2>Datasets</h2><table id="datasets"></table></section>
<section><h2>Processes</h2><table id="processes"></table></section>
<script>
const $ = id => document.getElementById(id)
const el = (tag, props, ...children) => { const node = Object.assign(document.createElement(tag), props); node.append(...children); return node }
const size = n => n < 1e3 ? n + ' B' : n < 1e6 ? (n / 1e3).toFixed(1) + ' kB' : n < 1e9 ? (n / 1e6).toFixed(1) + ' MB' : (n / 1e9).toFixed(2) + ' GB'
const headers = () => $('token').value ? { authorization: 'Bearer ' + $('token').value } : {}
const call = async (method, path, body) => {
  const answer = await fetch(path, { method, headers: { ...headers(), ...(body ? { 'content-type': 'application/json' } : {}) }, body: body && JSON.stringify(body) })
  const json = answer.status === 204 ? undefined : await answer.json()
  if (!answer.ok) throw new Error(json.detail || answer.statusText)
  return json
}
const download = async include => { location.href = (await call('POST', '/v1/exports', { include })).url }
const guarded = work => async () => { try { await work() } catch (error) { alert(error.message) } }
async function datasets() {
  const { datasets } = await call('GET', '/v1/datasets')
  $('datasets').replaceChildren(...datasets.map(({ name }) => el('tr', {}, el('td', { textContent: name }),
    el('td', {}, el('button', { textContent: 'Download zip', onclick: guarded(() => download([{ dataset: name }])) })))))
}
async function processes() {
  const { processes } = await call('GET', '/v1/processes?limit=50')
  $('processes').replaceChildren(...processes.map(p => el('tr', {}, el('td', { textContent: p.name }), el('td', { textContent: p.status + (p.liveness === 'none' ? '' : ' · ' + p.liveness) }),
    el('td', {}, el('progress', { max: 100, value: p.progress.percent || 0 })), el('td', {}, el('button', { textContent: 'Results', onclick: guarded(() => download([{ process: p.id }])) })))))
}
const refresh = async () => { try { await Promise.all([datasets(), processes()]) } catch (error) { $('report').replaceChildren(el('p', { className: 'bad', textContent: error.message })) } }
$('upload').onsubmit = event => {
  event.preventDefault()
  const form = new FormData(event.target), dataset = form.get('dataset'); form.delete('dataset')
  const request = new XMLHttpRequest()
  request.open('POST', '/v1/datasets/' + encodeURIComponent(dataset) + '/files')
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value)
  $('bar').hidden = false
  request.upload.onprogress = e => { $('bar').value = e.total ? e.loaded / e.total : 0 }
  request.onerror = () => $('report').replaceChildren(el('p', { className: 'bad', textContent: 'The connection was lost. Files that were stored stay; send them again, nothing is stored twice.' }))
  request.onload = () => {
    const report = JSON.parse(request.responseText)
    if (!report.files) return $('report').replaceChildren(el('p', { className: 'bad', textContent: report.detail }))
    const { stored, unchanged, rejected, failed, bytes } = report.totals
    $('report').replaceChildren(el('p', { textContent: stored + ' stored, ' + unchanged + ' unchanged, ' + rejected + ' refused, ' + failed + ' failed, ' + size(bytes) }),
      ...report.files.filter(f => f.problem).map(f => el('p', { className: 'bad', textContent: f.name + ': ' + f.problem.detail })),
      ...report.warnings.map(w => el('p', { className: 'note', textContent: w.detail })))
    refresh()
  }
  request.send(form)
}
$('token').onchange = refresh
refresh()
setInterval(() => { if (!document.hidden) processes().catch(() => undefined) }, 5000)
</script>
</html>
`
