import { parseArgs } from 'node:util';
import { prometheusMissing } from './observability/prometheus.ts';
import { runDrill } from './faults/drill.ts';
import { DRILLS } from './faults/drills.ts';

/**
 * node scripts/faults.ts NAME… [--speed 20] [--patience 600]: breaks an installation of processes and shows the alert firing and
 * clearing. Needs Prometheus on the PATH and FACEPASS_TEST_DATABASE_URL (two transactions are open at a time).
 */
const { positionals, values } = parseArgs({ allowPositionals: true, options: { speed: { type: 'string', default: '20' }, patience: { type: 'string', default: '600' } } });
const unknown = positionals.filter((name) => !DRILLS[name]);
if (positionals.length === 0 || unknown.length > 0 || prometheusMissing || !process.env['FACEPASS_TEST_DATABASE_URL']) {
  console.error(prometheusMissing || `usage: FACEPASS_TEST_DATABASE_URL=… node scripts/faults.ts NAME… [--speed N] [--patience SECONDS]\n  ${Object.keys(DRILLS).join(', ')}`);
  process.exit(64);
}
for (const name of positionals) {
  console.log(`\n${name}`);
  await runDrill(DRILLS[name]!, { speed: Number(values.speed), patienceSeconds: Number(values.patience), tell: console.log });
}
process.exit(0);
