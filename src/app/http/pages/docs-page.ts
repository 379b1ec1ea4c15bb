/** Renders `/openapi.json` in the browser. One page without dependencies: the service must read well offline too. */
export const docsPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Lora Storage API</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, currentColor 20%, transparent) }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  h2 { margin-top: 2.5rem; text-transform: capitalize }
  details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .75rem }
  summary { cursor: pointer; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap }
  .method { font: 600 .8rem ui-monospace, monospace; min-width: 4rem; text-transform: uppercase }
  code, pre { font: .85rem ui-monospace, monospace }
  pre { overflow: auto; max-height: 24rem; border-top: 1px solid var(--line); padding-top: .5rem }
  table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .25rem .5rem .25rem 0; vertical-align: top }
  .scope { margin-left: auto; font-size: .8rem; opacity: .7 }
</style>
<h1>Lora Storage API</h1>
<p id="about">Loading …</p>
<p><a href="/openapi.json">openapi.json</a> · <a href="/">console</a></p>
<main></main>
<script>
const el = (tag, props, ...children) => { const node = Object.assign(document.createElement(tag), props); node.append(...children); return node }
const show = (operation, method, path) => {
  const rows = operation.parameters.map(p => el('tr', {}, el('td', {}, el('code', { textContent: p.name })), el('td', { textContent: p.in + (p.required ? ', required' : '') }), el('td', { textContent: p.description || JSON.stringify(p.schema) })))
  const body = operation.requestBody ? Object.entries(operation.requestBody.content) : []
  return el('details', {},
    el('summary', {}, el('span', { className: 'method', textContent: method }), el('code', { textContent: path }), el('span', { textContent: operation.summary }), el('span', { className: 'scope', textContent: operation['x-scope'] || 'open' })),
    operation.description ? el('p', { textContent: operation.description }) : '',
    rows.length ? el('table', {}, ...rows) : '',
    ...body.map(([type, { schema }]) => el('pre', { textContent: 'request ' + type + '\\n' + JSON.stringify(schema, null, 2) })),
    ...Object.entries(operation.responses).map(([status, r]) => el('pre', { textContent: status + ' ' + r.description + (r.content ? '\\n' + JSON.stringify(Object.values(r.content)[0].schema, null, 2) : '') })))
}
fetch('/openapi.json').then(r => r.json()).then(api => {
  document.getElementById('about').textContent = api.info.description + ' Version ' + api.info.version + '.'
  const groups = Map.groupBy(Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation }))), o => o.operation.tags[0])
  for (const [tag, operations] of groups) document.querySelector('main').append(el('h2', { textContent: tag }), ...operations.map(o => show(o.operation, o.method, o.path)))
}).catch(error => { document.getElementById('about').textContent = 'The document could not be loaded: ' + error.message })
</script>
</html>
`
