import { FACEPASS_RESOURCE } from '@facepass/contracts/facepass';
import type { Resource } from './cluster.ts';

const { group, version, kind, plural } = FACEPASS_RESOURCE;
export const FACEPASS: Resource = { apiVersion: `${group}/${version}`, kind, plural };
export const CONTROLLER_REVISION: Resource = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
};
export const DEPLOYMENT: Resource = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };
export const SERVICE: Resource = { apiVersion: 'v1', kind: 'Service', plural: 'services' };
export const AUTOSCALER: Resource = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};
export const JOB: Resource = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const HTTP_ROUTE: Resource = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
};
export const POD: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const EVENT: Resource = { apiVersion: 'v1', kind: 'Event', plural: 'events' };
export const LEASE: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' };

/** Labels by which the operator knows what it made; selectors use no other. */
export const LABEL = {
  name: 'facepass.dev/name',
  component: 'facepass.dev/component',
  revision: 'facepass.dev/revision',
} as const;
