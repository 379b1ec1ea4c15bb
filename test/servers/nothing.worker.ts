/** A Worker must have one; the bucket's S3 API stands beside it. */
export default { fetch: () => new Response('nothing here', { status: 404 }) }
