import { createSecureContext } from 'node:tls';
import type { FileGauges } from '@facepass/runtime/exposition';
import { experimental, ServerCredentials } from '@grpc/grpc-js';
import type { InferenceConfig } from '../config.ts';

type Tls = NonNullable<InferenceConfig['tls']>;

/** The certificate by which the server is known, and how another one takes its place while calls go on. */
export interface ServerKeys {
  credentials: ServerCredentials;
  /**
   * New connections are made by these; those that are open go on, and end at their greatest age.
   * @throws Error when key and certificate do not belong together, or TLS would begin or end
   */
  renew(tls: InferenceConfig['tls']): void;
}

/** @throws Error when key and certificate do not belong together */
export function serverKeys(tls: InferenceConfig['tls'], gauges: FileGauges): ServerKeys {
  if (!tls) return { credentials: ServerCredentials.createInsecure(), renew: () => undefined };
  const provider = createProvider(checked(tls));
  const hasAuthority = tls.clientAuthority !== undefined;
  const show = ({ cert, clientAuthority }: Tls) => {
    gauges.certificate('server', 'chain', cert);
    gauges.certificate('client_authority', 'authorities', clientAuthority);
  };
  show(tls);
  return {
    // grpc-js 1.14 calls the first the authority's provider and the second the identity's, and takes them the other way.
    credentials: experimental.createCertificateProviderServerCredentials(
      provider,
      hasAuthority ? provider : null,
      hasAuthority,
    ),
    renew(next) {
      if (!next || (next.clientAuthority !== undefined) !== hasAuthority)
        throw new Error('GRPC_TLS_CERT and GRPC_TLS_CA cannot be added or removed while the server is running');
      provider.renew(checked(next));
      show(next);
    },
  };
}

/** A certificate and a key that were written one after the other do not fit for a moment. */
function checked(tls: Tls): Tls {
  createSecureContext({ cert: tls.cert, key: tls.key, ca: tls.clientAuthority });
  return tls;
}

function createProvider(first: Tls): experimental.CertificateProvider & { renew(tls: Tls): void } {
  let tls = first;
  const authorities = new Set<experimental.CaCertificateUpdateListener>();
  const identities = new Set<experimental.IdentityCertificateUpdateListener>();
  const tellAuthority = (listener: experimental.CaCertificateUpdateListener) =>
    listener({ caCertificate: Buffer.from(tls.clientAuthority ?? '') });
  const tellIdentity = (listener: experimental.IdentityCertificateUpdateListener) =>
    listener({ certificate: Buffer.from(tls.cert), privateKey: Buffer.from(tls.key) });
  return {
    // Not at once: the server that adds itself hears only what is told after.
    addCaCertificateListener(listener) {
      authorities.add(listener);
      process.nextTick(tellAuthority, listener);
    },
    removeCaCertificateListener: (listener) => void authorities.delete(listener),
    addIdentityCertificateListener(listener) {
      identities.add(listener);
      process.nextTick(tellIdentity, listener);
    },
    removeIdentityCertificateListener: (listener) => void identities.delete(listener),
    renew(next) {
      tls = next;
      authorities.forEach(tellAuthority);
      identities.forEach(tellIdentity);
    },
  };
}
