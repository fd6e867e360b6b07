import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** Two pages, nothing inline, so that they run under `default-src 'self'`. */
export default defineConfig({
  plugins: [samplePhotos(join(import.meta.dirname, '../../samples'))],
  css: { transformer: 'lightningcss' },
  build: {
    target: ['chrome111', 'safari16', 'firefox115'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'guest.html'] },
  },
});

/**
 * The photos of `samples/` in the clone (`npm run samples`) become `samples/*.jpg`; pages learn their names from
 * `import.meta.env.SAMPLE_PHOTOS`. A build without that folder has none.
 */
function samplePhotos(folder: string): Plugin {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^sample\d+\.jpg$/.test(name))
        .sort()
    : [];
  return {
    name: 'sample-photos',
    config: () => ({ define: { 'import.meta.env.SAMPLE_PHOTOS': JSON.stringify(names) } }),
    generateBundle() {
      for (const name of names)
        this.emitFile({ type: 'asset', fileName: `samples/${name}`, source: readFileSync(join(folder, name)) });
    },
  };
}
