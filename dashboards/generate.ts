import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardJson } from './source/dashboard.ts';
import { inference } from './source/inference.ts';
import { release } from './source/release.ts';
import { service } from './source/service.ts';

/** Writes dashboards/*.json; with --check only says which differ. */
const check = process.argv.includes('--check');
for (const [name, dashboard] of Object.entries({ service, inference, release })) {
  const path = join(import.meta.dirname, `${name}.json`);
  const json = `${JSON.stringify(dashboardJson(dashboard), null, 2)}\n`;
  if (json === textOf(path)) continue;
  if (check) {
    console.error(`dashboards/${name}.json is not what dashboards/source/${name}.ts makes: npm run gen:dashboards`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, json);
    console.log(`wrote dashboards/${name}.json`);
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
