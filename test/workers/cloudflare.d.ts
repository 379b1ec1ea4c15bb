// The package's own types would put Workers' globals over those of Node and the browser, in every file.
declare module 'cloudflare:workers' {
  export const env: { readonly BUCKET: import('@cloudflare/workers-types').R2Bucket }
}
