import { after, before, test } from 'node:test';
import { sh } from '../../../../charts/tests/cluster.ts';
import { faultTests } from './faults.ts';
import { shiftTests } from './shifts.ts';
import { lifecycleTests } from './lifecycle.ts';
import { outageTests } from './outages.ts';
import { raiseStage, type Stage } from './stage.ts';
import { telemetryTests } from './telemetry.ts';

/**
 * The operator from its chart, on a real cluster, with 50 requests a second through a real Gateway (stage.ts).
 * FACEPASS_TEST_OPERATOR=core runs the half that matters most. The steps build on each other and run in order.
 */
const missing = await sh(
  'helm version && kubectl version --request-timeout=5s && kubectl get crd httproutes.gateway.networking.k8s.io',
).then(
  () => false,
  () => 'no cluster with a Gateway API: set KUBECONFIG and put helm and kubectl on the PATH',
);
const core = process.env['FACEPASS_TEST_OPERATOR'] === 'core';

let stage: Stage;
before(async () => {
  if (!missing) stage = await raiseStage(console.log);
});
after(() => stage?.[Symbol.asyncDispose]());

/** What a scenario gets: the stage, once it stands, and how to declare itself. */
const scenario: Scenario = (title, run, { inCore = true } = {}) =>
  test(title, { skip: missing || (core && !inCore && 'FACEPASS_TEST_OPERATOR=core leaves it out') }, (t) =>
    run(stage, (line) => t.diagnostic(line)),
  );

shiftTests(scenario);
faultTests(scenario);
outageTests(scenario);
telemetryTests(scenario);
lifecycleTests(scenario);

export type Scenario = (
  title: string,
  run: (stage: Stage, report: (line: string) => void) => Promise<void>,
  options?: { inCore?: boolean },
) => void;
