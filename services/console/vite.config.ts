import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** Two pages, nothing inline, so that they run under `default-src 'self'`. */
export default defineConfig({
  plugins: [samplePhotos(sampleFolder())],
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
 * The photos that @vladmandic/face-api (MIT) shows its results on, taken by its author, become `samples/*.jpg`; pages
 * learn their names from `import.meta.env.SAMPLE_PHOTOS`. A build without that package has none.
 */
function samplePhotos(folder: string | null): Plugin {
  const names = folder
    ? readdirSync(folder)
        .filter((name) => /^sample\d+\.jpg$/.test(name))
        .sort()
    : [];
  return {
    name: 'sample-photos',
    config: () => ({ define: { 'import.meta.env.SAMPLE_PHOTOS': JSON.stringify(names) } }),
    generateBundle() {
      for (const name of names)
        this.emitFile({ type: 'asset', fileName: `samples/${name}`, source: readFileSync(join(folder ?? '', name)) });
    },
  };
}

function sampleFolder(): string | null {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
    return existsSync(folder) ? folder : null;
  } catch {
    return null;
  }
}
