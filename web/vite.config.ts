import { defineConfig } from 'vite';

// What the service embeds (embed.mjs). Names with a hash, so that they can be kept forever; nothing inline, because
// the service's policy forbids it.
export default defineConfig({
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022', chunkSizeWarningLimit: 1000 },
});
