# The council alone: Redis, PostgreSQL and vLLM are services of their own (docker-compose.yml).
FROM node:26.10.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node; the embedded engine is among the packages and fetches nothing.
ENV NODE_LLAMA_CPP_SKIP_DOWNLOAD=true
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production NODE_LLAMA_CPP_SKIP_DOWNLOAD=true DATA_DIR=/data MODEL_CACHE=/models
WORKDIR /app
# llama.cpp runs its threads on OpenMP; the embedded model comes as a Python package.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 python3 python3-pip && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /data /models && chown node:node /data /models && chmod 700 /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY config config
COPY migrations migrations
COPY src src
USER node
VOLUME ["/data", "/models"]
EXPOSE 8787
STOPSIGNAL SIGTERM
CMD ["node", "--min-semi-space-size=32", "--max-semi-space-size=64", "src/main.ts", "serve"]
