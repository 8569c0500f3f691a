// The server listens already; whoever asks before this is through waits.
import { ready, stopping, watchdog } from 'readyup';

await ready('Serving');
watchdog.start();
// On these Next.js answers what is under way, and ends the process.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stopping());
