import type { Scenario } from './operator.test.ts';

export function faultTests(_scenario: Scenario): void {}
