import { openPool } from '@facepass/indexing/db/pool';
import { createLogger } from '@facepass/runtime/logger';
import type { MetricsRegistry } from '@facepass/runtime/exposition';
import { createMetrics as createApiMetrics } from '../../../services/api/metrics.ts';
import { readConfig } from '../../../services/api/config.ts';
import { createMetrics as createIndexerMetrics } from '../../../services/indexer/events.ts';
import { createEvents as createInferenceEvents } from '../../../services/inference/serving/metrics.ts';
import { createProgress as createMigrationProgress } from '../../../services/migrator/progress.ts';
import { createMetrics as createOperatorMetrics } from '../../../services/operator/metrics.ts';

/** docs/metrics.md, read from the registries that the processes themselves serve. */
export async function metricsPage(): Promise<string> {
  const logger = createLogger('docs', 'silent');
  const pool = openPool(readConfig({ DATABASE_URL: 'postgres://nobody@localhost/nothing' }).database, logger);
  const registries: [title: string, registry: MetricsRegistry][] = [
    ['API', createApiMetrics(pool).registry],
    ['Indexer', createIndexerMetrics().registry],
    [
      'Inference server',
      createInferenceEvents({ queueCapacity: 0, queueDepth: () => 0, inFlight: () => 0, workersReady: () => 0 })
        .registry,
    ],
    ['Migrator, while it runs', createMigrationProgress(logger).registry],
    ['Operator', createOperatorMetrics().registry],
  ];
  const sections = registries.map(
    ([title, registry]) =>
      `## ${title}\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n${rowsOf(registry).join('\n')}\n`,
  );
  await pool.end();
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

const INTRODUCTION = `# Metrics

Every process serves /metrics on METRICS_PORT (9464). Label sets are closed: none holds a session, a photo or an address. Node's own metrics (\`nodejs_*\`, \`process_*\`) come with them, but for the migrator's. What they are for,
and the alerts made from them: [observability](observability.md). This page is made from the processes' registries by \`npm run gen:docs\`.
`;

/** prom-client keeps type and labels of a metric beside its values. */
interface Declared {
  name: string;
  help: string;
  labelNames: readonly string[];
  constructor: { name: string };
}

function rowsOf(registry: MetricsRegistry): string[] {
  const metrics = registry.getMetricsAsArray() as unknown as Declared[];
  return metrics
    .filter(({ name }) => !/^(nodejs|process)_/.test(name))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map(
      ({ name, help, labelNames, constructor }) =>
        `| \`${name}\` | ${constructor.name.toLowerCase()} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`,
    );
}
