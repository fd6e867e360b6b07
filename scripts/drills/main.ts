import { parseArgs } from 'node:util';
import { runClusterDrill } from './cluster.ts';
import { CLUSTER_DRILLS } from './cluster-drills.ts';
import { DRILLS } from './drills.ts';
import { runProcessDrill } from './processes.ts';
import { prometheusMissing } from './observability/prometheus.ts';

const USAGE = `Breaks an installation under load and shows the alert firing and clearing, with the windows of the rules some times shorter.

  node scripts/drills/main.ts NAME… [--speed N] [--patience 600]

on processes: ${Object.keys(DRILLS).join(', ')}
  needs Prometheus on the PATH and FACEPASS_TEST_DATABASE_URL (two transactions are open at a time)
on a cluster: ${Object.keys(CLUSTER_DRILLS).join(', ')}
  needs what npm run test:operator needs (services/operator/tests/cluster/stage.ts)`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { speed: { type: 'string' }, patience: { type: 'string', default: '600' } },
});
const objection = objectionTo(positionals);
if (objection !== undefined) {
  console.error(`${objection}\n\n${USAGE}`);
  process.exit(64);
}
for (const name of positionals) {
  console.log(`\n${name}`);
  const options = { patienceSeconds: Number(values.patience), tell: console.log };
  const onCluster = CLUSTER_DRILLS[name];
  if (onCluster) await runClusterDrill(onCluster, Number(values.speed ?? onCluster.speed), options);
  else await runProcessDrill(DRILLS[name]!, Number(values.speed ?? 20), options);
}
process.exit(0);

function objectionTo(names: string[]): string | undefined {
  if (names.length === 0) return 'Name a fault.';
  const unknown = names.find((name) => !DRILLS[name] && !CLUSTER_DRILLS[name]);
  if (unknown !== undefined) return `There is no fault ${unknown}.`;
  if (!names.some((name) => DRILLS[name])) return undefined;
  return (
    prometheusMissing ||
    (process.env['FACEPASS_TEST_DATABASE_URL'] ? undefined : 'FACEPASS_TEST_DATABASE_URL is not set.')
  );
}
