import { fasterRules } from './observability/prometheus.ts';
import { NAMESPACE, raiseStage, type Stage } from '../../services/operator/tests/cluster/stage.ts';
import { tellCourse, type DrillOptions, type FiringAlert } from './course.ts';

/** A fault that needs a cluster: a Facepass under the operator, 50 requests a second through a Gateway. */
export interface ClusterDrill {
  alert: string;
  /** The rules' floors of requests are not divided, so they may run only so much faster. */
  speed: number;
  /** Breaks something; what it returns mends it. */
  break(stage: Stage): Promise<() => Promise<void>>;
}

/**
 * Raises the stage of the operator's test with the rules in its Prometheus, and tells the drill's course. @throws as
 * tellCourse
 */
export async function runClusterDrill(drill: ClusterDrill, speed: number, options: DrillOptions): Promise<void> {
  await using stage = await raiseStage(options.tell, await fasterRules(speed));
  await using load = stage.load();
  await tellCourse(drill.alert, { speed, firing: () => firing(stage) }, options, () => drill.break(stage));
  await load.stop();
}

async function firing({ kubernetes }: Stage): Promise<FiringAlert[]> {
  const { data } = await kubernetes.read<{ data: { alerts: Alert[] } }>(
    `/api/v1/namespaces/${NAMESPACE}/services/prometheus:9090/proxy/api/v1/alerts`,
  );
  return data.alerts
    .filter(({ state }) => state === 'firing')
    .map(({ labels, annotations }) => ({ name: labels['alertname']!, description: annotations['description'] ?? '' }));
}

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
}
