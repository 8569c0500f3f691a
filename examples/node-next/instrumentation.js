// Next.js calls this when its server starts, also that of the `server.js` which `output: 'standalone'` makes.
export async function register() {
  // What needs Node is in a file of its own: this one is made for the edge runtime, too.
  if (process.env.NEXT_RUNTIME === 'nodejs') await import('./service.js');
}
