import { readFile } from 'node:fs/promises';
import { serve } from './server.js';

const { PORT, GREETING_FILE: file } = process.env;
const readGreeting = async () => (file === undefined ? 'hello' : (await readFile(file, 'utf8')).trim());
await serve({ port: Number(PORT ?? 8080), readGreeting });
