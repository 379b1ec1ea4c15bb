import type { Compatibility } from './bundle.ts'

/**
 * The settings of a workerd that runs one Worker on a free port of 127.0.0.1, as text of Cap'n Proto. `module`: the Worker's file,
 * beside the settings. `env`: its variables. It may call what is on this machine, and nothing else.
 */
export function workerdSettings(
  module: string,
  { compatibility, env }: { compatibility: Compatibility; env: Readonly<Record<string, string>> },
): string {
  const bindings = Object.entries(env).map(([name, value]) => `(name = ${quoted(name)}, text = ${quoted(value)})`)
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "worker", worker = .worker), (name = "internet", network = (allow = ["local"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  modules = [(name = ${quoted(module)}, esModule = embed ${quoted(module)})],
  compatibilityDate = ${quoted(compatibility.date)},
  compatibilityFlags = [${compatibility.flags.map(quoted).join(', ')}],
  bindings = [${bindings.join(', ')}],
);
`
}

/** Cap'n Proto knows the escapes of JSON, but for `\u`. Throws where one would be needed. */
function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Error(`not plain ASCII: ${JSON.stringify(text)}`)
  return JSON.stringify(text)
}
