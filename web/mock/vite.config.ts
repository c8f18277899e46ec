import { defineConfig } from 'vite';
import { mock } from './plugin.ts';

// `npm run dev`: the page beside a made-up service, to work on its looks. Sign in with any token.
export default defineConfig({ root: new URL('..', import.meta.url).pathname, plugins: [mock()] });
